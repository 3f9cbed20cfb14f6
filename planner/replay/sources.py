"""Where a replay's requests come from: a trace as CSV or Parquet, row by row, or the router's own books. An edge."""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from planner.errors import PlannerError
from router.adopting.traffic import read_recorded
from router.errors import BadRequest
from router.ledger.open import open_books
from router.ledger.recorded import recorded_requests
from router.request_checks import check_request
from router.tenants import for_tenant

from .asked import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from router.request import ImageRequest
    from router.settings import Settings

__all__ = ["PARQUET", "Readings", "ledger_requests", "trace_requests"]

PARQUET = (".parquet", ".pq")
_WHEN, _OWN = ("arrived_at", "at"), "service_s"
_READ = ("prompt", "prompt_chars", "text_words", "model", "size", "quality", "n", "operation", "references", "segment",
         "data_class", "tenant", "urgency", "width", "height", "project")
_CLASSES_KEPT = 4096
_MOST_SERVICE_S = 86_400.0


class Readings:
    """Requests by what their cells say: rows alike are one object, so that what is known of their class is kept."""

    def __init__(self, settings: Settings) -> None:
        self._tenants = {tenant.name: tenant for tenant in settings.tenants}
        self._known: dict[tuple[Any, ...], ImageRequest] = {}

    def of(self, names: Sequence[str], cells: Sequence[Any]) -> ImageRequest:
        """The request that a row means.

        Raises:
            BadRequest: a cell that cannot be read.
        """
        key = (*names, *cells)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _CLASSES_KEPT:
                self._known.clear()
            known = self._known[key] = self._made(dict(zip(names, cells, strict=True)))
        return known

    def _made(self, row: dict[str, Any]) -> ImageRequest:
        if row.get("width") and row.get("height") and not row.get("size"):
            row["size"] = f"{row['width']}x{row['height']}"
        request: ImageRequest = read_recorded(row).request
        wished: dict[str, Any] = {name: row[name] for name in ("urgency", "project") if row.get(name)}
        request = replace(request, **wished)
        request = for_tenant(self._tenants.get(request.tenant), request)
        check_request(request)
        return request


def trace_requests(path: Path, readings: Readings) -> Iterator[Asked]:
    """Every row of a trace, in order; nothing of it is held.

    Columns: `arrived_at` (or `at`; ISO 8601, UTC where no offset stands), and what a recorded request has; left out,
    they are the router's defaults. `width` and `height` stand for `size`. `service_s` are GPU-seconds of the request.

    Raises:
        PlannerError: a file or row that cannot be read, a clock that goes backwards, no row at all.
    """
    last = float("-inf")
    for line, (at, cells, own_s) in _rows(path):
        if at < last:
            raise PlannerError(f"{path}:{line}: the clock goes backwards; sort the trace by arrived_at")
        last = at
        try:
            yield Asked(at, readings.of(*cells), own_s)
        except BadRequest as error:
            raise PlannerError(f"{path}:{line}: {error}") from None
    if last == float("-inf"):
        raise PlannerError(f"{path}: no request in it; give a trace with one line for each request")


def ledger_requests(url: str, readings: Readings, *, since: datetime, until: datetime) -> Iterator[Asked]:
    """Every request of the books between two instants, in order, a thousand at a time.

    Raises:
        LedgerError: the books cannot be read.
        PlannerError: no request in that time.
    """
    number = 0
    with closing(_Books(url)) as books:
        for number, row in enumerate(recorded_requests(books.opened, since, until=until), start=1):
            at = datetime.fromisoformat(str(row["at"])).timestamp()
            names = [name for name in _READ if row.get(name) not in (None, "")]
            try:
                yield Asked(at, readings.of(names, [row[name] for name in names]))
            except BadRequest as error:
                raise PlannerError(f"{url}: request {number}: {error}") from None
    if not number:
        raise PlannerError(f"no ended request in the books from {since:%Y-%m-%d} to {until:%Y-%m-%d}; name other days")


class _Books:
    def __init__(self, url: str) -> None:
        self.opened = open_books(url, create=False)

    def close(self) -> None:
        self.opened.dispose()


_Row = tuple[float, tuple[tuple[str, ...], tuple[Any, ...]], float | None]


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    return _parquet_rows(path) if path.suffix in PARQUET else _csv_rows(path)


def _csv_rows(path: Path) -> Iterator[tuple[int, _Row]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = [name.strip() for name in next(reader, [])]
            when, own, kept = _columns(path, names)
            wanted = tuple(names[place] for place in kept)
            for cells in reader:
                line = reader.line_num
                if len(cells) != len(names):
                    raise PlannerError(f"{path}:{line}: {len(cells)} cells under {len(names)} names; mend the line")
                yield line, (_instant(path, line, cells[when]), (wanted, tuple([cells[place] for place in kept])),
                             None if own is None else _seconds(path, line, cells[own]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8 or a Parquet "
                           "file") from None


def _parquet_rows(path: Path) -> Iterator[tuple[int, _Row]]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 (asked for when such a file is read)
    except ImportError:
        raise PlannerError(f"{path}: reading Parquet needs pyarrow; pip install 'breakeven[parquet]', or give a CSV "
                           "file") from None
    try:
        file = parquet.ParquetFile(path)
        names = list(file.schema_arrow.names)
        when, own, kept = _columns(path, names)
        wanted, line = tuple(names[place] for place in kept), 0
        for batch in file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                line += 1
                chosen = tuple(["" if cells[place] is None else cells[place] for place in kept])
                yield line, (_instant(path, line, cells[when]), (wanted, chosen),
                             None if own is None else _seconds(path, line, cells[own]))
    except (OSError, ArrowException) as error:
        raise PlannerError(f"{path}: cannot be read as Parquet ({type(error).__name__})") from None


def _columns(path: Path, names: Sequence[str]) -> tuple[int, int | None, tuple[int, ...]]:
    when = next((names.index(name) for name in _WHEN if name in names), None)
    if when is None:
        raise PlannerError(f"{path}: no column arrived_at; a trace has arrived_at, n, width, height, segment ...")
    kept = tuple(place for place, name in enumerate(names) if name in _READ)
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
