"""Black Forest Labs' usage, as CSV: one row for each request, or for each day, model and project.

BFL documents credits (1 credit is 0.01 USD) and usage by project (https://docs.bfl.ai/llms-full.txt, Credits and
Billing), but no export; this reader takes the columns that such a file needs, under the names listed here: a time
(`created_at`, `timestamp`, `date`, `time`), `model` or `endpoint`, a cost (`credits`, `credits_used`, `cost` in
credits, or `cost_usd`, `usd`), and where they are there a number of images (`images`, `count`, `quantity`), `requests`,
`width` and `height` or `size`, `project`, `api_key`, `id`.

Not confirmed against a real export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.quantities import Size, usd_from_cents

from .cells import amount, count, first_of, instant, refused, shown_key, shown_name, size_of, usd
from .uses import DAY_S, Kind, Passed, Span, Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from .uses import Event, Row

__all__ = ["CREDITS", "SOURCE", "WHEN", "read_bfl"]

SOURCE = "bfl"
WHEN = ("created_at", "timestamp", "date", "time")
CREDITS = ("credits", "credits_used", "cost")
_USD = ("cost_usd", "usd", "amount_usd")
_MODEL = ("model", "endpoint")
_DAY_CHARS, _SIDES = 10, 2


def read_bfl(rows: Iterable[Row]) -> Iterator[Event]:
    """Images row by row, with the credits they took.

    Raises:
        PlannerError: a missing column, or a value that cannot be read.
    """
    for row in rows:
        place, cells = row.place, row.cells
        when, told = first_of(cells, WHEN)
        begin = instant(place, told, key=when)
        daily = len(str(told).strip()) == _DAY_CHARS and "-" in str(told)
        end = begin + DAY_S if daily else begin
        if daily:
            yield Span(place, SOURCE, begin, end)
        yield _use(place, begin, end, cells)


def _use(place: str, begin: float, end: float, cells: dict[str, object]) -> Event:
    column, value = first_of(cells, _MODEL)
    model = shown_name(value).rpartition("/")[2]
    if not model:
        raise refused(place, value, key=column, problem="missing", remedy="export the usage by model")
    name, made = first_of(cells, ("images", "count", "quantity"))
    images = 1 if made is None else count(place, made, key=name)
    if not images:
        return Passed(SOURCE, "usage of nothing")
    column, asked = first_of(cells, ("requests",))
    sides = [count(place, cells[side], key=side) for side in ("width", "height") if cells.get(side) not in (None, "")]
    size = Size(*sides) if len(sides) == _SIDES and all(sides) else size_of(cells.get("size"))
    requests = 1 if made is None else None if asked is None else count(place, asked, key=column)
    project, key = first_of(cells, ("project", "project_id"))[1], first_of(cells, ("api_key", "api_key_id", "key"))[1]
    return Use(place, begin, end, Kind(SOURCE, (f"bfl/{model}",), size), images, requests, _paid(place, cells),
               shown_name(project), shown_key(key), str(cells.get("id") or ""),
               assumed=("one image a request",) if made is None else ())


def _paid(place: str, cells: dict[str, object]) -> Decimal | None:
    usd(place, cells.get("currency"), key="currency")
    name, dollars = first_of(cells, _USD)
    if dollars is not None:
        return amount(place, dollars, key=name)
    name, credit = first_of(cells, CREDITS)
    return None if credit is None else usd_from_cents(amount(place, credit, key=name))
