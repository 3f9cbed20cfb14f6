"""`router brief`: a CSV of prompts in, the rows and four columns out."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from router.cli import router
from router.errors import BriefError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 'id,prompt\n1,"A tin sign that says FRESH FISH"\n2,"A fox\nin the snow"\n'


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def ask(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(router, ["brief", *map(str, arguments)], input=given)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_columns_are_added_after_the_given_ones(prompts: Path) -> None:
    answer = ask(prompts)
    assert answer.exit_code == 0, answer.output
    rows = table(answer.stdout)
    assert list(rows[0]) == ["id", "prompt", "needs_text", "rendered_words", "over_5_words", "spans"]
    assert [row["needs_text"] for row in rows] == ["1", "0"]
    assert rows[0]["spans"] == "16-20:cue 21-31:rendered"
    assert rows[1]["prompt"] == "A fox\nin the snow"


def test_the_threshold_names_its_column(prompts: Path) -> None:
    assert table(ask(prompts, "--words", "1").stdout)[0]["over_1_words"] == "1"


def test_given_columns_of_the_same_name_are_kept_under_another(tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("prompt,needs_text,given_needs_text,spans\nA fox,1,x,y\n", encoding="utf-8")
    row = table(ask(path).stdout)[0]
    assert row["needs_text"] == "0"
    assert [row["given_needs_text"], row["given_given_needs_text"], row["given_spans"]] == ["x", "1", "y"]


def test_a_byte_order_mark_and_stdin(prompts: Path) -> None:
    marked = b"\xef\xbb\xbf" + prompts.read_bytes()
    answer = ask("-", given=marked)
    assert next(iter(table(answer.stdout)[0])) == "id"


def test_a_field_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("prompt\n" + "snow " * 40_000 + "\n", encoding="utf-8")
    assert ask(path).stdout.endswith(" ,0,0,0,\n")


def test_output_goes_to_a_new_file(prompts: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert ask(prompts, "-o", path).stdout == ""
    assert len(table(path.read_text(encoding="utf-8"))) == 2


@pytest.mark.parametrize(("arguments", "told"), [
    (["--column", "text"], "no column 'text'; it has id, prompt; name one by --column"),
    (["-o", "prompts.csv", "--force"], "is the input"),
    (["-o", "taken.csv"], "exists already; name another file or add --force"),
    (["-o", "none/out.csv"], "cannot be written"),
])
def test_refusals_say_what_to_do(prompts: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str],
                                 told: str) -> None:
    monkeypatch.chdir(prompts.parent)
    (prompts.parent / "taken.csv").touch()
    answer = ask("prompts.csv", *arguments)
    assert isinstance(answer.exception, BriefError)
    assert told in str(answer.exception)
    assert prompts.read_text(encoding="utf-8") == ROWS


@pytest.mark.parametrize(("text", "told"), [
    (b"", "empty"), (b"prompt,prompt\na,b\n", "two columns"), (b"prompt,b\na\n", "row 1 has 1 fields"),
    (b"\xff", "not UTF-8"),
])
def test_files_that_cannot_be_read(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(text)
    for answer in (ask(path), ask("-", given=text)):
        assert isinstance(answer.exception, BriefError)
        assert told in str(answer.exception)


def test_prompts_come_back_as_they_were_with_marks_of_direction_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    prompt = "\u202bשלט עץ שכתוב עליו ביצים\u202c\r\nand a fox"
    path.write_bytes(f'prompt\r\n"{prompt}"\r\n'.encode())
    out = tmp_path / "out.csv"
    assert ask(path, "-o", out).exit_code == 0
    row = table(out.read_bytes().decode())[0]
    assert (row["prompt"], row["needs_text"]) == (prompt, "1")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in str(ask(tmp_path / "none.csv").exception)
