"""fal's usage: `GET /v1/models/usage?expand=time_series`, or the same fields as CSV.

Fields: https://fal.ai/docs/platform-apis/v1/models/usage.md (`time_series` of `bucket` and `results` with
`endpoint_id`, `unit`, `quantity`, `unit_price`, `cost`, `currency`, `auth_method`; newer answers name the cost after
discounts `cost_total`). A bucket names its beginning only; its width (minute, hour, day, week, month) is the widest
that all of them fit, a day where there is but one.

Not confirmed against a real export: the columns of a CSV, and the exact words of `unit`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .cells import (
    MOST_IMAGES,
    amount,
    first_of,
    instant,
    number,
    parted_by,
    refused,
    shown_key,
    shown_name,
    table,
    usd,
    word,
)
from .uses import DAY_S, Kind, MorePages, Passed, Span, Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .uses import Event, Row

__all__ = ["SOURCE", "read_fal"]

SOURCE = "fal"
_WHEN = ("bucket", "date", "day", "timestamp")
_COST = ("cost_total", "cost", "cost_usd")
_NUMBERS = frozenset({*_WHEN, *_COST, "quantity", "cost_subtotal", "cost_discount"})
_MONTH_S = 28 * DAY_S
_MORE: dict[str, object] = {"has_more": True}
_WIDTHS = (7 * DAY_S, DAY_S, 3600.0, 60.0)


def read_fal(rows: Iterable[Row]) -> Iterator[Event]:
    """Images by bucket, endpoint and unit, with their cost.

    Raises:
        PlannerError: a missing field, or a value that cannot be read.
    """
    listed = list(_results(rows))
    width = _width(sorted({begin for _, begin, _ in listed}))
    for place, begin, result in listed:
        if width:
            yield Span(place, SOURCE, begin, begin + width)
        if result is _MORE:
            yield MorePages(SOURCE, begin + width)
        elif result:
            yield _event(place, begin, begin + width, result)


def _width(begins: list[float]) -> float:
    """Seconds of a bucket: the widest that all beginnings fit; 0 where they are instants."""
    least = min((after - before for before, after in pairwise(begins)), default=DAY_S)
    if least >= _MONTH_S:
        return least
    return next((width for width in _WIDTHS if width <= least and all((begin - begins[0]) % width == 0
                                                                      for begin in begins)), 0.0)


def _results(rows: Iterable[Row]) -> Iterator[tuple[str, float, dict[str, object]]]:
    for row in rows:
        series = row.cells.get("time_series")
        if not isinstance(series, list):
            name, value = first_of(row.cells, _WHEN)
            yield row.place, instant(row.place, value, key=name), row.cells
            continue
        for at, found in enumerate(series):
            place, bucket = f"{row.place}: time_series[{at}]", table(found)
            begin, results = instant(place, bucket.get("bucket"), key="bucket"), bucket.get("results")
            if not results:
                yield place, begin, {}
            for number_, result in enumerate(results if isinstance(results, list) else ()):
                yield f"{place}.results[{number_}]", begin, table(result)
            if row.cells.get("has_more") is True and at == len(series) - 1:
                yield place, begin, _MORE


def _event(place: str, begin: float, end: float, result: dict[str, object]) -> Event:
    endpoint = shown_name(result.get("endpoint_id"))
    if not endpoint:
        raise refused(place, result.get("endpoint_id"), key="endpoint_id", problem="missing",
                      remedy="give the usage as the API or the dashboard lists it")
    unit = word(result.get("unit")).removesuffix("s")
    quantity = number(place, result.get("quantity"), key="quantity")
    usd(place, result.get("currency"), key="currency")
    if unit not in ("image", "megapixel", "processed megapixel"):
        return Passed(SOURCE, f"usage billed by the {shown_name(unit) or 'unknown unit'}")
    if not 0 < quantity <= MOST_IMAGES:
        return Passed(SOURCE, "usage of nothing")
    name, cost = first_of(result, _COST)
    assumed = () if unit == "image" else ("one megapixel an image (fal bills megapixels)",)
    edits = endpoint.endswith("/edit")
    names = (f"fal/{endpoint}", f"fal/{endpoint.removesuffix('/edit')}")
    kind = Kind(SOURCE, names, None, None, "edit" if edits else "generate")
    told = sorted(parted_by(result, _NUMBERS).items())
    return Use(place, begin, end, kind, max(1, round(quantity)), None,
               None if cost is None else amount(place, cost, key=name), shown_name(result.get("username")),
               shown_key(result.get("auth_method")), repr((begin, told)), assumed=assumed)
