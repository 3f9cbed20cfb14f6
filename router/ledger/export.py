"""A month on paper: every attempt with its request, oldest first, as CSV or JSON lines, in bounded memory."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Literal, TextIO

from sqlalchemy import select, tuple_

from .books import reading
from .rows import from_us, month_bounds
from .tables import attempts, requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Select

    from .books import Books

__all__ = ["COLUMNS", "export_page", "export_rows", "neutral", "write_export"]

_PAGE = 1_000
_INSTANTS = {"reserved_at", "sent_at", "settled_at", "request_received_at", "request_closed_at"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (*(f"attempt_{name}" if name == "id" else name for name in attempts.columns.keys()),  # noqa: SIM118
           *(f"request_{name}" for name in requests.columns.keys() if name != "id"))  # noqa: SIM118


def export_page(books: Books, month: str, *, after: tuple[int, str] | None) -> tuple[list[dict[str, Any]],
                                                                                    tuple[int, str] | None]:
    """A thousand attempts of a month that follow `after`, and what the next page follows; None at the end.

    Raises:
        LedgerError: not a month, or the books cannot be read.
    """
    asked = _page(month, after)
    with reading(books) as connection:
        found = connection.execute(asked).all()
    rows = [_told(dict(zip(COLUMNS, row, strict=True))) for row in found]
    last = found[-1] if len(found) == _PAGE else None
    places = (COLUMNS.index("reserved_at"), COLUMNS.index("attempt_id"))
    return rows, None if last is None else (last[places[0]], last[places[1]])


def _page(month: str, after: tuple[int, str] | None) -> Select[Any]:
    start, end = month_bounds(month)
    key = (attempts.c.reserved_at, attempts.c.id)
    asked = (select(*attempts.columns, *(column for column in requests.columns if column.name != "id"))
             .select_from(attempts.outerjoin(requests, requests.c.id == attempts.c.request_id))
             .where(key[0] >= start, key[0] < end).order_by(*key).limit(_PAGE))
    return asked if after is None else asked.where(tuple_(*key) > tuple_(*after))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    for name in _INSTANTS:
        if row[name] is not None:
            row[name] = from_us(row[name]).isoformat(timespec="microseconds")
    return row


def export_rows(books: Books, month: str) -> Iterator[dict[str, Any]]:
    """Every attempt of a month with its request, oldest first; columns as in `COLUMNS`.

    Raises:
        LedgerError: not a month, or the books cannot be read.
    """
    month_bounds(month)
    return _pages(books, month)


def _pages(books: Books, month: str) -> Iterator[dict[str, Any]]:
    after: tuple[int, str] | None = None
    while True:
        rows, after = export_page(books, month, after=after)
        yield from rows
        if after is None:
            return


def neutral(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front; numbers stay numbers.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_export(rows: Iterator[Mapping[str, object]], file: TextIO, *, kind: Literal["csv", "jsonl"]) -> int:
    """Write rows one by one; how many they were. JSON lines keep every text as it is."""
    count = 0
    writer = csv.writer(file, lineterminator="\n") if kind == "csv" else None
    if writer is not None:
        writer.writerow(COLUMNS)
    for row in rows:
        if writer is not None:
            writer.writerow([neutral(value) for value in row.values()])
        else:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count
