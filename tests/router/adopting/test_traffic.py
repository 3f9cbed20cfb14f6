"""A recorded day is read row by row: what it may say, what is passed over, and one line for each row that is bad."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.adopting.traffic import BadRow, Recorded, Traffic, read_recorded
from router.errors import BadRequest, SettingsError
from router.quantities import Size

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: str, name: str = "day.csv") -> tuple[list[Recorded | BadRow], list[str]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    traffic = Traffic(path)
    return list(traffic), sorted(traffic.ignored)


def test_a_row_says_what_was_asked_and_what_happened(tmp_path: Path) -> None:
    rows, ignored = read(tmp_path, (
        "\ufeffat,prompt,model,size,quality,n,references,segment,tenant,data_class,actual_model,actual_usd,"
        "actual_state,actual_latency_s,colour\n"
        '2026-11-24T09:00:00+01:00,"a cup, ""hot""",auto,1536x1024,high,2,1024x1024 512x512,hero,acme,confidential,'
        "dall,0.4,OK,12.5,red\n"))
    assert ignored == ["colour"]
    found = rows[0]
    assert isinstance(found, Recorded)
    request = found.request
    assert (request.prompt, request.size, request.quality, request.n, request.operation) == (
        'a cup, "hot"', Size(1536, 1024), "high", 2, "edit")
    assert [str(picture.size) for picture in request.references] == ["1024x1024", "512x512"]
    assert (request.segment, request.tenant, request.data_class) == ("hero", "acme", "confidential")
    assert found.at == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert (found.actual.model, found.actual.usd, found.actual.state, found.actual.latency_s) == (
        "dall", Decimal("0.4"), "ok", 12.5)


def test_words_that_were_counted_stand_for_a_prompt_that_is_gone() -> None:
    kept = read_recorded({"text_words": 7, "prompt_chars": "120"}).request
    assert (kept.text_words, len(kept.prompt), kept.request_class[-3]) == (7, 120, 7)
    assert read_recorded({"prompt": 'a sign that says "OPEN"'}).request.text_words == 1
    assert read_recorded({"prompt": 'a sign that says "OPEN"', "text_words": "0"}).request.text_words == 0
    assert read_recorded({}).request.text_words == 0


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    good = {"prompt": "x", "n": 2, "references": ["512x512"], "actual_usd": 0.1}
    lines = [json.dumps(good), "", "[1]", "{", '{"n": 0}']
    rows, _ = read(tmp_path, "\n".join(lines), "day.jsonl")
    assert isinstance(rows[0], Recorded)
    assert (rows[0].request.n, len(rows[0].request.references), rows[0].actual.usd) == (2, 1, Decimal("0.1"))
    assert [row.number for row in rows[1:] if isinstance(row, BadRow)] == [3, 4, 5]


@pytest.mark.parametrize(("row", "says"), [
    ({"n": "many"}, "n = 'many'"), ({"n": 11}, "n = 11"), ({"size": "big"}, "size"), ({"at": "soon"}, "at = 'soon'"),
    ({"references": "17"}, "references"), ({"references": "big"}, "references"), ({"text_words": "-1"}, "text_words"),
    ({"text_words": "99999999999"}, "text_words"), ({"data_class": "secret"}, "data_class"),
    ({"operation": "paint"}, "operation"), ({"actual_state": "maybe"}, "actual.state"),
    ({"actual_usd": "free"}, "actual.usd"), ({"actual_usd": "-1"}, "actual.usd"), ({"actual_usd": "NaN"}, "actual.usd"),
    ({"actual_usd": True}, "actual.usd"), ({"actual_usd": "1e99"}, "actual.usd"),
    ({"actual_latency_s": "inf"}, "actual.latency_s"), ({"actual_latency_s": [1]}, "actual.latency_s"),
    ({"actual_model": "x" * 101}, "actual.model"), ({"actual_model": 7}, "actual.model"), ({"tenant": 7}, "tenant"),
    ({"prompt": 7}, "prompt"), ({"prompt": "a\0b"}, "prompt"), ({"text_words": True}, "text_words"),
])
def test_a_cell_that_cannot_be_read_is_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest, match=says.replace(".", r"\.")) as told:
        read_recorded(row)
    assert len(str(told.value).splitlines()) == 1


def test_rows_with_other_cells_than_names_are_bad(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "prompt,n\na,1\nb\nc,1,2\n\nd,1\n")
    assert [(type(row).__name__, getattr(row, "number", 0)) for row in rows] == [
        ("Recorded", 0), ("BadRow", 3), ("BadRow", 4), ("Recorded", 0)]


@pytest.mark.parametrize("content", [b"", b"colour\nred\n", b"prompt\n\xff\xfe\n", b"\x00\x01"])
def test_what_is_no_recorded_day_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError):
        list(Traffic(path))
    with pytest.raises(SettingsError, match="cannot be read"):
        list(Traffic(tmp_path / "none.csv"))


def test_a_line_without_end_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text('{"prompt": "' + "x" * 3_000_000)
    with pytest.raises(SettingsError, match="more than 1,000,000 characters"):
        list(Traffic(path))
