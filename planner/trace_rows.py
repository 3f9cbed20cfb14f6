"""Rows of a trace, one by one: CSV or Parquet, in order of time. An edge; nothing is held."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

__all__ = ["TraceRow", "read_rows"]

_PARQUET = (".parquet", ".pq")
_WHEN, _OWN = ("arrived_at", "at"), "service_s"
_MOST_SERVICE_S = 86_400.0


class TraceRow(NamedTuple):
    """One request.

    Attributes:
        line: in the file; of Parquet the number of the row.
        at: seconds since 1970, UTC.
        names, cells: of the columns that were wanted and are there.
        own_s: GPU-seconds of the whole request; None where the trace does not say.
    """

    line: int
    at: float
    names: tuple[str, ...]
    cells: tuple[Any, ...]
    own_s: float | None


def read_rows(path: Path, wanted: Collection[str]) -> Iterator[TraceRow]:
    """Every row of a trace: `arrived_at` (or `at`; ISO 8601, UTC where no offset stands), `service_s`, what is wanted.

    Raises:
        PlannerError: a file or row that cannot be read, a clock that goes backwards, no row at all.
    """
    last = float("-inf")
    for row in (_parquet if path.suffix in _PARQUET else _csv)(path, wanted):
        if row.at < last:
            raise PlannerError(f"{path}:{row.line}: the clock goes backwards; sort the trace by arrived_at")
        last = row.at
        yield row
    if last == float("-inf"):
        raise PlannerError(f"{path}: no request in it; give a trace with one line for each request")


def _csv(path: Path, wanted: Collection[str]) -> Iterator[TraceRow]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = [name.strip() for name in next(reader, [])]
            when, own, kept = _columns(path, names, wanted)
            found = tuple(names[place] for place in kept)
            for cells in reader:
                line = reader.line_num
                if not cells:
                    continue
                if len(cells) != len(names):
                    raise PlannerError(f"{path}:{line}: {len(cells)} cells under {len(names)} names; the line is cut "
                                       "off or broken: mend or remove it")
                yield TraceRow(line, _instant(path, line, cells[when]), found, tuple([cells[at] for at in kept]),
                               None if own is None else _seconds(path, line, cells[own]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8 or a Parquet "
                           "file") from None


def _parquet(path: Path, wanted: Collection[str]) -> Iterator[TraceRow]:
    try:
        from pyarrow import ArrowException, parquet, timestamp, types  # noqa: PLC0415 (asked for when such a file is read)
    except ImportError:
        raise PlannerError(f"{path}: reading Parquet needs pyarrow; pip install 'breakeven[parquet]', or give a CSV "
                           "file") from None
    try:
        file = parquet.ParquetFile(path)
        names = list(file.schema_arrow.names)
        when, own, kept = _columns(path, names, wanted)
        found, line = tuple(names[place] for place in kept), 0
        for batch in file.iter_batches():
            # Python's instants have no nanoseconds, and pandas writes some.
            columns = [(column.cast(timestamp("us", column.type.tz), safe=False) if types.is_timestamp(column.type)
                        else column).to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                line += 1
                yield TraceRow(line, _instant(path, line, cells[when]), found,
                               tuple(["" if cells[at] is None else cells[at] for at in kept]),
                               None if own is None else _seconds(path, line, cells[own]))
    except (OSError, ArrowException) as error:
        raise PlannerError(f"{path}: cannot be read as Parquet ({type(error).__name__}); give a whole Parquet file or "
                           "a CSV file") from None


def _columns(path: Path, names: Sequence[str], wanted: Collection[str]) -> tuple[int, int | None, tuple[int, ...]]:
    when = next((names.index(name) for name in _WHEN if name in names), None)
    if when is None:
        raise PlannerError(f"{path}: no column arrived_at; a trace has arrived_at, n, width, height, segment ...")
    kept = tuple(place for place, name in enumerate(names) if name in wanted)
    return when, names.index(_OWN) if _OWN in names else None, kept


def _instant(path: Path, line: int, value: Any) -> float:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise PlannerError(f"{path}:{line}: arrived_at = {str(value)[:40]!r}: no instant; write it as "
                           "2026-11-25T12:00:00Z") from None


def _seconds(path: Path, line: int, value: Any) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= _MOST_SERVICE_S:
        raise PlannerError(f"{path}:{line}: service_s = {str(value)[:40]!r}: no time; give GPU-seconds from 0 to "
                           f"{_MOST_SERVICE_S:,.0f}")
    return seconds
