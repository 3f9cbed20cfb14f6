from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from planner.overlay import read_overlaid
from router.errors import TableError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Colour:
    id: str
    shade: str
    line: int = 0


def folder(parent: Path, name: str, *rows: str) -> Path:
    made = parent / name
    made.mkdir()
    (made / "colours.csv").write_text("\n".join(["id,shade", *rows]) + "\n", encoding="utf-8")
    return made


def shades(*roots: Path) -> dict[str, str]:
    return {row.id: row.shade for row in read_overlaid(roots, "colours.csv", as_rows=Colour)}


def test_a_later_folder_replaces_rows_of_the_same_id_and_adds_the_rest(tmp_path: Path) -> None:
    base = folder(tmp_path, "base", "red,dark", "blue,dark")
    over = folder(tmp_path, "over", "red,light", "green,light")
    assert shades(base, over) == {"red": "light", "blue": "dark", "green": "light"}
    assert shades(over, base) == {"red": "dark", "blue": "dark", "green": "light"}


def test_a_folder_without_the_table_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert shades(folder(tmp_path, "base", "red,dark"), tmp_path / "empty") == {"red": "dark"}


def test_two_rows_of_one_id_in_one_file_are_refused_with_both_lines(tmp_path: Path) -> None:
    base = folder(tmp_path, "base", "red,dark", "blue,dark", "red,light")
    with pytest.raises(TableError, match="also the id of line 2") as refusal:
        shades(base)
    assert (refusal.value.line, refusal.value.key, refusal.value.value) == (4, "id", "red")


def test_rows_of_different_ids_pass(tmp_path: Path) -> None:
    assert shades(folder(tmp_path, "base", "red,dark", "blue,dark")) == {"red": "dark", "blue": "dark"}
