"""A recorded day of requests, row by row: CSV, JSON lines, or the router's own books. An edge; nothing is held."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import BadRequest, SettingsError, short_text
from ..pictures import Picture
from ..quantities import Size
from ..request import MOST_PROMPT_CHARS, MOST_REFERENCES, ImageRequest
from ..server.wishes import read_wishes
from .actual import Actual, read_actual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

__all__ = ["COLUMNS", "BadRow", "Recorded", "RecordedRequest", "Traffic", "read_recorded"]

_PLAIN = ("model", "size", "quality", "n")
_ROUTED = ("segment", "data_class")
_ACTUAL = ("actual_model", "actual_usd", "actual_state", "actual_latency_s")
COLUMNS = ("at", "prompt", "prompt_chars", "text_words", *_PLAIN, "operation", "references", *_ROUTED, "tenant",
           *_ACTUAL)
"""What a row may say; everything may be left out."""
_LONGEST_LINE = 1_000_000
_MOST_WORDS, _LONGEST_TENANT = 10_000, 100
_USUAL = Size(1024, 1024)


@dataclass(frozen=True)
class RecordedRequest(ImageRequest):
    """A request whose prompt may be gone, but not the number of words it wanted in the picture."""

    stated_words: int | None = None

    @property
    def text_words(self) -> int:
        """As it was recorded, else as the prompt is read."""
        return super().text_words if self.stated_words is None else self.stated_words


@dataclass(frozen=True)
class Recorded:
    """A request of the day and what became of it; `at` is None where the row does not say."""

    request: RecordedRequest
    actual: Actual
    at: datetime | None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read: its number in the file, the header's being 1, and why."""

    number: int
    problem: str


class Traffic:
    """The rows of a file, read as they are asked for; names of unknown columns gather in `ignored`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ignored: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Recorded | BadRow]:
        """Every row, bad ones too.

        Raises:
            SettingsError: the file cannot be read, or is no CSV with a header and no JSON lines.
        """
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                for number, row in _json_lines(file) if self._path.suffix in (".jsonl", ".ndjson") else _cells(file):
                    yield self._read(number, row)
        except UnicodeDecodeError:
            raise SettingsError(str(self._path), ("not UTF-8; save it as UTF-8",)) from None
        except (OSError, csv.Error) as error:
            problem = f"cannot be read ({error}); give a CSV with a header, or JSON lines with the name *.jsonl"
            raise SettingsError(str(self._path), (problem,)) from None

    def _read(self, number: int, row: Mapping[str, Any] | str) -> Recorded | BadRow:
        if isinstance(row, str):
            return BadRow(number, row)
        for name in row:
            if name not in COLUMNS:
                self.ignored[short_text(name)[1:-1]] += 1
        try:
            return read_recorded(row)
        except BadRequest as error:
            return BadRow(number, str(error))


def read_recorded(row: Mapping[str, Any]) -> Recorded:
    """The request that a row means; its numbers may be texts.

    Raises:
        BadRequest: a cell that cannot be read.
    """
    actual = read_actual({name.removeprefix("actual_"): row.get(name) for name in _ACTUAL})
    references = _references(row.get("references"))
    operation = row.get("operation") or ("edit" if references else "generate")
    if operation not in ("generate", "edit"):
        raise _wrong("operation", operation, "generate or edit")
    if operation == "edit" and not references:
        references = _references("1")
    wished = read_wishes(
        {name: row[name] for name in (*_PLAIN, "prompt") if row.get(name) not in (None, "")}
        | {"routing": {name: row[name] for name in _ROUTED if row.get(name)}},
        tenant=None, operation="edit" if operation == "edit" else "generate", references=references).request
    words = _count(row, "text_words", _MOST_WORDS)
    chars = _count(row, "prompt_chars", MOST_PROMPT_CHARS) or 0
    tenant = row.get("tenant") or ""
    if not isinstance(tenant, str) or len(tenant) > _LONGEST_TENANT:
        raise _wrong("tenant", tenant, f"a text of up to {_LONGEST_TENANT} characters")
    plain = {field.name: getattr(wished, field.name) for field in fields(ImageRequest)}
    made = RecordedRequest(**plain | {"prompt": wished.prompt or "." * max(1, chars), "tenant": tenant},
                           stated_words=0 if words is None and not wished.prompt else words)
    return Recorded(made, actual, _instant(row.get("at")))


def _cells(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    rows = csv.reader(file)
    names = [name.strip() for name in next(rows, [])]
    if not set(names) & set(COLUMNS):
        raise csv.Error(f"line 1 names none of {', '.join(COLUMNS[:4])} ...")
    for number, cells in enumerate(rows, start=2):
        if len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
        elif cells:
            yield number, f"{len(cells)} cells under {len(names)} names; give one for each"


def _json_lines(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) >= _LONGEST_LINE:
            raise csv.Error(f"line {number} has more than {_LONGEST_LINE:,} characters")
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else "no JSON object; write one on each line"


def _references(value: object) -> tuple[Picture, ...]:
    """Stand-ins for the images of an edit: a count, or their sizes parted by blanks."""
    told = [str(part) for part in value] if isinstance(value, list) else str("" if value is None else value).split()
    if len(told) == 1 and told[0].isdecimal() and len(told[0]) <= len(str(MOST_REFERENCES)):
        told = [str(_USUAL)] * int(told[0])
    if len(told) > MOST_REFERENCES:
        raise _wrong("references", value, f"up to {MOST_REFERENCES} sizes, or their number")
    try:
        return tuple(Picture(b"", is_base64=False, format="png", size=Size.parse(text)) for text in told)
    except ValueError:
        raise _wrong("references", value, "a number, or sizes parted by blanks, as in 1024x1024 512x512") from None


def _count(row: Mapping[str, Any], name: str, most: int) -> int | None:
    value = row.get(name)
    if value in (None, ""):
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or len(text) > len(str(most)) or int(text) > most:
        raise _wrong(name, value, f"a whole number from 0 to {most:,}")
    return int(text)


def _instant(value: object) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise _wrong("at", value, "an instant, as in 2026-11-24T09:30:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _wrong(name: str, value: object, wanted: str) -> BadRequest:
    return BadRequest(f"{name} = {short_text(value)}: give {wanted}", param=name, code="invalid_value")
