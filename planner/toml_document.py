"""TOML tables of facts: a file becomes a validated document, or a named error with file and line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from router.errors import TableError
from router.quantities import Day
from router.text_files import Unreadable, parse_toml, read_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["Fact", "Named", "PartialDay", "UniqueIds", "read_document"]


class Named(Protocol):
    """A table with an id."""

    @property
    def id(self) -> str:
        """Unique inside a file."""


def _day(text: object) -> Day:
    if not isinstance(text, str):
        msg = 'not a date in quotes; write it as "2026", "2026-11" or "2026-11-24"'
        raise ValueError(msg)  # noqa: TRY004 (pydantic reads ValueError as a refusal)
    return Day.parse(text)


def _unique(rows: tuple[Named, ...]) -> tuple[Named, ...]:
    ids = [row.id for row in rows]
    for name in ids:
        if ids.count(name) > 1:
            msg = f"id {name!r} stands twice"
            raise ValueError(msg)
    return rows


Document = TypeVar("Document", bound=BaseModel)
PartialDay = Annotated[Day, BeforeValidator(_day), PlainSerializer(str)]
UniqueIds = AfterValidator(_unique)


class Fact(BaseModel):
    """Base of every table in a document: frozen, unknown keys refused, empty text refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


def read_document(path: Path, document_type: type[Document]) -> Document:
    """The validated content of one TOML file.

    Raises:
        TableError: not TOML, unknown key, missing key such as `source`, or a value that does not fit.
    """
    text = _text(path)
    try:
        return document_type.model_validate(parse_toml(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise TableError(path, int(line[1]) if line else text.count("\n") + 1, key="TOML", value=path.name,
                         problem=str(error), remedy="mend that line") from None
    except ValidationError as error:
        raise _told(path, text, _plainest(error.errors(include_url=False))) from None


def _text(path: Path) -> str:
    try:
        return read_plain_text(path)
    except Unreadable as error:
        raise TableError(path, error.line, key="file", value=path.name, problem=error.problem,
                         remedy=error.remedy) from None


def _plainest(problems: list[ErrorDetails]) -> ErrorDetails:
    """A misspelt key is two problems, one unknown and one missing: the unknown one shows where."""
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def _told(path: Path, text: str, problem: ErrorDetails) -> TableError:
    key = str(problem["loc"][-1])
    missing = problem["type"] == "missing"
    value: Any = "" if missing else problem["input"]
    says = f"missing {key}" if missing else problem["msg"].removeprefix("Value error, ")
    return TableError(path, _line(text, problem["loc"]), key=key, value=value, problem=says, remedy=_remedy(problem))


def _remedy(problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind == "missing":
        return "add it" + "; every fact names its source and its day" * (problem["loc"][-1] in ("source", "as_of"))
    if kind == "extra_forbidden":
        return "remove it or mend its spelling"
    return f"use {problem['ctx']['expected']}" if kind == "literal_error" else "write a value of that kind"


def _line(text: str, place: Sequence[int | str]) -> int:
    """Line of the key at a place such as ("claim", 3, "verdict"), or of the table that should hold it; 0 if neither."""
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines) if line.strip() == f"[[{place[0]}]]"] if place else []
    inside = len(place) > 1 and isinstance(place[1], int) and place[1] < len(headers)
    start = headers[int(place[1])] if inside else 0
    end = next((header for header in headers if header > start), len(lines)) if inside else len(lines)
    named = (number + 1 for key in place[2 if inside else 0:] if isinstance(key, str) for number in range(start, end)
             if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]))
    return next(named, start + 1 if inside else 0)
