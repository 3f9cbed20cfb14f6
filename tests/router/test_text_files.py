"""Files from outside: what is refused before anything is parsed."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from router.errors import short_text
from router.text_files import MOST_BYTES, Unreadable, parse_toml, read_plain_text


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file.toml"
    path.write_bytes(content)
    return path


def test_a_byte_order_mark_and_line_ends_are_no_matter(tmp_path: Path) -> None:
    assert read_plain_text(written(tmp_path, b"\xef\xbb\xbfa = 1\r\nb = 2\n")).splitlines() == ["a = 1", "b = 2"]


@pytest.mark.parametrize(("content", "says"), [
    (b"a = 1\nb = '\x1b[31m'\n", "control character '\\x1b'"), (b"a\x00b", "control character"),
    ("right to left \u202e".encode(), "control character"), (b"\xff\xfe", "not UTF-8")])
def test_what_is_no_plain_text_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_plain_text(written(tmp_path, content))
    assert says in str(refused.value)


def test_the_line_of_a_control_character_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        read_plain_text(written(tmp_path, b"a\nb\n\x07\n"))
    assert refused.value.line == 3


def test_devices_folders_and_what_is_missing_are_refused(tmp_path: Path) -> None:
    for path in (Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(Unreadable, match=r"no such file|not a plain file"):
            read_plain_text(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(Unreadable, match="larger than 64 MiB"):
        read_plain_text(path)


def test_amounts_are_exact_and_depth_is_limited() -> None:
    assert parse_toml("usd = 0.1") == {"usd": Decimal("0.1")}
    with pytest.raises(tomllib.TOMLDecodeError, match="nested too deeply"):
        parse_toml("a = " + "[" * 5000)


def test_an_escaped_control_character_is_seen_too() -> None:
    for text in ('a = "\\u001b[31m"', 'a = [{ b = "\\u0007" }]', '"\\u001b" = 1'):
        with pytest.raises(tomllib.TOMLDecodeError, match="control character"):
            parse_toml(text)


def test_a_long_value_is_cut_and_control_characters_are_escaped() -> None:
    assert short_text("x\x1b") == "'x\\x1b'"
    assert len(short_text("y" * 1000)) < 100
