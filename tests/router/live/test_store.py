"""Pictures on disk: unguessable names, nothing outside of the folder, gone when they expire, and only what is ours."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import LedgerError
from router.server_settings import StoreSettings
from router.store import PictureStore

from .worlds import picture

if TYPE_CHECKING:
    from router.pictures import Picture


def store_in(folder: Path, **more: int) -> PictureStore:
    return PictureStore(StoreSettings(folder=folder, **more))


def kept(store: PictureStore, one: Picture | None = None) -> str:
    return asyncio.run(store.keep(one or picture()))


def found(store: PictureStore, name: str) -> Picture | None:
    return asyncio.run(store.find(name))


def aged(store: PictureStore, name: str, seconds: float) -> Path:
    path = store.settings.folder / name[:2] / name
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_what_was_kept_is_found_and_nothing_half_written_lies_about(tmp_path: Path) -> None:
    store = store_in(tmp_path / "images")
    name = kept(store)
    again = found(store, name)
    assert again is not None
    assert (again.digest, again.size) == (picture().digest, picture().size)
    assert [path.name for path in (tmp_path / "images").rglob("*") if path.is_file()] == [name]


def test_names_are_long_random_and_not_made_of_the_picture(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    names = {kept(store) for _ in range(50)}
    assert len(names) == 50
    assert all(len(name.partition(".")[0]) == 22 and name.endswith(".png") for name in names)


def test_others_on_the_machine_cannot_read_them(tmp_path: Path) -> None:
    store = store_in(tmp_path / "images")
    name = kept(store)
    assert (tmp_path / "images" / name[:2]).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [
    "", ".", "..", "../../etc/passwd", "/etc/passwd", "a" * 22, "a" * 22 + ".svg", "a" * 22 + ".png/..",
    "a" * 21 + ".png", "../" + "a" * 19 + ".png", "a" * 22 + ".png\n", "a" * 22 + ".png\0", "A" * 22 + ".PNG",
    "é" * 22 + ".png", "hash.key", "a" * 22 + ".png.part"])
def test_what_is_no_name_is_never_looked_for(tmp_path: Path, name: str) -> None:
    store = store_in(tmp_path)
    assert store.path_of(name) is None
    assert found(store, name) is None


@given(st.text(max_size=40))
def test_no_text_leads_out_of_the_folder(name: str) -> None:
    assert store_in(Path("/")).path_of(name) is None


def test_an_expired_picture_is_not_found_though_it_still_lies_there(tmp_path: Path) -> None:
    store = store_in(tmp_path, ttl_s=60)
    name = kept(store)
    path = aged(store, name, 59)
    assert store.path_of(name) == path
    aged(store, name, 61)
    assert store.path_of(name) is None
    assert found(store, name) is None
    assert path.exists()


def test_a_file_that_was_damaged_is_not_handed_out(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    name = kept(store)
    (tmp_path / name[:2] / name).write_bytes(picture().as_bytes()[:-4])
    assert found(store, name) is None


def test_a_new_picture_sweeps_out_what_has_expired(tmp_path: Path) -> None:
    old = store_in(tmp_path, ttl_s=60)
    expired, fresh = kept(old), kept(old)
    aged(old, expired, 61)
    half = tmp_path / expired[:2] / ("b" * 22 + ".png.part")
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    new = kept(store_in(tmp_path, ttl_s=60))
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left >= {fresh, new}
    assert expired not in left


def test_the_oldest_go_where_the_folder_is_over_its_limit(tmp_path: Path) -> None:
    store = store_in(tmp_path, most_bytes=3 * picture().file_bytes)
    names = [kept(store) for _ in range(5)]
    for age, name in enumerate(reversed(names)):
        aged(store, name, age * 10 + 5)
    newest = kept(store_in(tmp_path, most_bytes=3 * picture().file_bytes))
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {newest, *names[3:]}


def test_what_is_not_ours_is_never_swept_out(tmp_path: Path) -> None:
    """A folder of settings may be a folder of other things as well: `store.folder = "."`."""
    for name in ("ci/build.yml", "db/dump.sql", "ab/abcdefghijklmnopqrstuv.png.bak", "xy/abcdefghijklmnopqrstuv.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
        os.utime(path, (1, 1))
    kept(store_in(tmp_path, ttl_s=60, most_bytes=1))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"mine") == [
        "abcdefghijklmnopqrstuv.png", "abcdefghijklmnopqrstuv.png.bak", "build.yml", "dump.sql"]


def test_a_sweep_that_may_not_remove_something_loses_no_picture(tmp_path: Path) -> None:
    stuck = tmp_path / "aa" / ("a" * 22 + ".png")
    (stuck / "inside").mkdir(parents=True)  # unlink of a folder is refused to anybody
    os.utime(stuck, (1, 1))
    store = store_in(tmp_path, ttl_s=60)
    assert found(store, kept(store)) is not None


def test_a_folder_that_cannot_be_written_is_said_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"store\.folder = .*file/images.*cannot be written.*name a folder that can"):
        kept(store_in(tmp_path / "file" / "images"))
