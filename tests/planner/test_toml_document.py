from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pytest

from planner.toml_document import Fact, PartialDay, UniqueIds, read_document
from router.errors import TableError

if TYPE_CHECKING:
    from pathlib import Path


class Tree(Fact):
    id: str
    height_m: float
    seen_on: PartialDay


class Forest(Fact):
    name: str
    tree: Annotated[tuple[Tree, ...], UniqueIds] = ()


OAK = """
[[tree]]
id = "oak"
height_m = 20
seen_on = "2026-11"
"""


def forest(folder: Path, text: str) -> Forest:
    path = folder / "forest.toml"
    path.write_text(text, encoding="utf-8")
    return read_document(path, Forest)


def test_a_document_is_read_with_partial_days(tmp_path: Path) -> None:
    read = forest(tmp_path, 'name = "small"\n' + OAK)
    assert read.tree[0].height_m == 20
    assert read.tree[0].seen_on.precision == "month"
    assert read.model_dump(mode="json")["tree"][0]["seen_on"] == "2026-11"


@pytest.mark.parametrize(("text", "line", "says"), [
    ("", 0, "name = '': missing name; add it"),
    ('name = ""\n', 1, "at least 1 character"),
    ('name = "small"\nnmae = "other"\n', 2, "remove it or mend its spelling"),
    ('name = "small"\n' + OAK + OAK.replace("oak", "elm").replace("= 20", "= []"), 10, "a value of that kind"),
    ('name = "small"\n' + OAK + OAK.replace("oak", "elm").replace("height_m = 20\n", ""), 8, "missing height_m"),
    ('name = "small"\n' + OAK + OAK, 0, "id 'oak' stands twice"),
    ('name = "small"\n' + OAK.replace('"2026-11"', '"2026-13"'), 6, "seen_on"),
    ('\nname = "small', 2, "mend that line"),
    ('name = "small"\nname = "twice"', 2, "mend that line"),
])
def test_what_is_wrong_is_said_in_one_line_with_its_place(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(TableError) as refusal:
        forest(tmp_path, text)
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path / 'forest.toml'}:{line}: " if line else f"{tmp_path / 'forest.toml'}: ")
    assert says in message
    assert "\n" not in message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "forest.toml"
    path.write_bytes(b'name = "\xe4"')
    with pytest.raises(TableError, match="not UTF-8"):
        read_document(path, Forest)
