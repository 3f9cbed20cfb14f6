"""Where a replay's requests come from: a trace as CSV or Parquet, row by row, or the router's own books. An edge."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from planner.errors import PlannerError
from planner.trace_rows import read_rows
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

__all__ = ["Readings", "ledger_requests", "trace_requests"]

_READ = ("prompt", "prompt_chars", "text_words", "model", "size", "quality", "n", "operation", "references", "segment",
         "data_class", "tenant", "urgency", "width", "height", "project")
_CLASSES_KEPT = 4096


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
    for row in read_rows(path, _READ):
        try:
            yield Asked(row.at, readings.of(row.names, row.cells), row.own_s)
        except BadRequest as error:
            raise PlannerError(f"{path}:{row.line}: {error}") from None


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
