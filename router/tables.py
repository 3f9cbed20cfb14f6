"""The one loader of every table: a CSV file becomes frozen rows, or a named error with file and line.

A table is described by a dataclass. Its field names are the columns, its field types say how a cell is read:
`str`, `int`, `float`, `Decimal`, `bool`, `date`, `Day`, `Size`, a `Literal` of allowed words, and `X | None`
for a column that may be empty. A field typed `Source` must not be empty. A row may check itself in
`__post_init__` by raising `Invalid`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import types
import typing
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

from .errors import TableError
from .quantities import Day, Size
from .text_files import Unreadable, read_plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Invalid", "Source", "read_rows"]

_DECADES = 18  # more is no price, size or rate

Source = NewType("Source", str)
Row = TypeVar("Row")


class Invalid(ValueError):
    """Raised by a row about itself: which key, what is wrong, what to write instead."""

    def __init__(self, key: str, value: object, problem: str, remedy: str) -> None:
        self.key, self.value, self.problem, self.remedy = key, value, problem, remedy
        super().__init__(f"{key}: {problem}; {remedy}")


def read_rows(path: Path, row_type: type[Row]) -> tuple[Row, ...]:
    """All rows of one CSV file, in file order.

    A row type with a field `line` gets the line number written into it.

    Raises:
        TableError: unknown or missing column, missing source, unreadable cell, or a row that refuses itself.
    """
    try:
        text = read_plain_text(path)
    except Unreadable as error:
        raise TableError(path, error.line, key="file", value=path.name, problem=error.problem,
                         remedy=error.remedy) from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        _check_header(path, header, _columns(typing.cast("Any", row_type)))
        rows = tuple(_read_row(path, line, dict(zip(header, cells, strict=True)), row_type)
                     for line, cells in _lines(path, reader, len(header)))
    except csv.Error as error:
        raise TableError(path, reader.line_num, key="file", value=path.name, problem=f"not CSV ({error})",
                         remedy="mend that line") from None
    _refuse_twins(path, rows)
    return rows


def _refuse_twins(path: Path, rows: tuple[Any, ...]) -> None:
    line_of: dict[str, int] = {}
    for row in rows if rows and hasattr(rows[0], "id") else ():
        if row.id in line_of:
            raise TableError(path, row.line, key="id", value=row.id, problem=f"also the id of line {line_of[row.id]}",
                             remedy="give every row its own id; to replace a base row, use an overlay folder")
        line_of[row.id] = row.line


def _lines(path: Path, reader: Iterator[list[str]], width: int) -> Iterator[tuple[int, list[str]]]:
    for cells in reader:
        line = typing.cast("Any", reader).line_num
        if not cells:
            continue
        if len(cells) != width:
            raise TableError(path, line, key="columns", value=len(cells), problem=f"the header has {width} columns",
                             remedy="quote cells that hold commas, and fill empty cells with nothing between commas")
        yield line, cells


def _check_header(path: Path, header: list[str], columns: Mapping[str, Callable[[str], object]]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise TableError(path, 1, key=name, value=name, problem="the column stands twice",
                             remedy="keep one of them")
        if name not in columns:
            raise TableError(path, 1, key=name, value=name, problem="unknown column",
                             remedy=f"use only {', '.join(columns)}")
    for name in columns:
        if name not in header:
            raise TableError(path, 1, key=name, value="", problem="missing column",
                             remedy=f"add it to the header ({', '.join(columns)})")


def _read_row(path: Path, line: int, cells: Mapping[str, str], row_type: type[Row]) -> Row:
    values: dict[str, object] = {}
    columns = _columns(typing.cast("Any", row_type))
    for name, text in cells.items():
        try:
            values[name] = columns[name](text.strip())
        except Invalid as error:
            raise TableError(path, line, key=name, value=text, problem=error.problem, remedy=error.remedy) from None
    if any(field.name == "line" for field in dataclasses.fields(typing.cast("Any", row_type))):
        values["line"] = line
    try:
        return row_type(**values)
    except Invalid as error:
        raise TableError(path, line, key=error.key, value=error.value, problem=error.problem,
                         remedy=error.remedy) from None


@cache
def _columns(row_type: type[Any]) -> dict[str, Callable[[str], object]]:
    hints = typing.get_type_hints(row_type)
    return {field.name: _reader(hints[field.name]) for field in dataclasses.fields(row_type) if field.name != "line"}


def _reader(hint: Any) -> Callable[[str], object]:
    if get_origin(hint) in (Union, types.UnionType):
        inner = _reader(next(arm for arm in get_args(hint) if arm is not type(None)))
        return lambda text: inner(text) if text else None
    if get_origin(hint) is Literal:
        return lambda text: _one_of(text, get_args(hint))
    return _READERS[hint]


def _one_of(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise Invalid("", text, "not a word this column knows", f"use one of {', '.join(allowed)}")
    return text


def _source(text: str) -> Source:
    if not text:
        raise Invalid("", text, "missing source", "name the page, file or document the figure was read from")
    return Source(text)


def _number(kind: Callable[[str], Any], word: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except (ValueError, ArithmeticError):
            raise Invalid("", text, f"not {word}", "write digits with a point, no unit or thousands sign") from None
        if not Decimal(value).is_finite() or (value and not -_DECADES <= Decimal(value).adjusted() <= _DECADES):
            raise Invalid("", text[:40], f"not {word}", "write a number of sensible size")
        return value
    return read


def _dated(kind: Callable[[str], Any], form: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise Invalid("", text, "not a date", f"write it as {form}") from None
    return read


def _size(text: str) -> Size:
    try:
        return Size.parse(text)
    except ValueError:
        raise Invalid("", text, "not a size", "write it as WIDTHxHEIGHT, as in 1024x1024") from None


_READERS: dict[Any, Callable[[str], object]] = {
    str: str,
    Source: _source,
    int: _number(int, "a whole number"),
    float: _number(float, "a number"),
    Decimal: _number(Decimal, "an amount"),
    bool: lambda text: _one_of(text, ("yes", "no")) == "yes",
    date: _dated(date.fromisoformat, "2026-11-24"),
    Day: _dated(Day.parse, "2026, 2026-11 or 2026-11-24"),
    Size: _size,
}
