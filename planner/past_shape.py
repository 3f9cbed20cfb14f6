"""The shape of demand that a trace gives a scenario: its own whole days, drawn again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from router.request import MOST_IMAGES

from .day_shape import day_shape
from .errors import PlannerError
from .past import plain_name
from .past_days import clump_of, days_from, in_clumps, whole_days
from .redrawing import PastDays
from .trace import DAY_S, Trace
from .traffic import Shape

if TYPE_CHECKING:
    from .past import Past
    from .traffic import Traffic

__all__ = ["shape_of_past"]

_LEAST_DAYS, _LEAST_REQUESTS, _WEEK, _DAY_H = 7, 20, 7, 24
_CALMEST = 1e-6


def shape_of_past(traffic: Traffic, past: Past, *, segment: str) -> Shape:
    """What a segment of a scenario draws from a past: the rows of its own name where there are some, else all rows.

    Raises:
        PlannerError: less than a week of whole days, too few requests, or one that the router would not take.
    """
    mine = np.array([segment in (kind.segment, plain_name(kind.segment)) for kind in past.kinds])[past.kind]
    rows = segment if mine.any() else ""
    kept = mine if rows else np.ones_like(mine)
    begin, count = whole_days(past.trace.arrived)
    trace = Trace(past.trace.arrived[kept], past.trace.images[kept], past.trace.service[kept])
    inside = trace.between(begin, begin + count * DAY_S)
    _check(past, inside, rows, count)
    clump = clump_of(inside.arrived)
    days = tuple(in_clumps(day, clump) for day in days_from(trace, begin, count=count))
    seen = day_shape(inside)
    numbers, counts = np.unique(inside.images, return_counts=True)
    shares = {int(number): float(one) for number, one in zip(numbers, counts / counts.sum(), strict=True)}
    return Shape(hour_of_week=_hours(inside, begin, count), images_of_request=shares,
                 hour_shape=1 / max(seen.hour_noise or 0.0, _CALMEST), day_cv=seen.day_cv or 0.0,
                 campaign=traffic.campaign, label=_label(traffic, past, inside, rows, count),
                 past=PastDays(past, rows, begun=begin, days=days, images=trace.images))


def _check(past: Past, inside: Trace, rows: str, count: int) -> None:
    whose = f" of segment {rows!r}" if rows else ""
    if count < _LEAST_DAYS:
        raise PlannerError(f"{past.source}: {count} whole days (midnight to midnight, UTC); months are drawn from at "
                           f"least {_LEAST_DAYS}: give a longer trace, or state hour_of_day and weekday instead")
    if inside.arrived.size < _LEAST_REQUESTS:
        raise PlannerError(f"{past.source}: {inside.arrived.size} requests{whose} in its whole days; months are drawn "
                           f"from at least {_LEAST_REQUESTS}: give a longer trace")
    most = int(inside.images.max())
    if most > MOST_IMAGES:
        raise PlannerError(f"{past.source}: a request{whose} for {most} images; the router takes up to {MOST_IMAGES} "
                           "in one: part it into several of the same instant")


def _hours(inside: Trace, begin: float, count: int) -> tuple[float, ...]:
    """Mean requests of each of 168 hours of the week, over the mean of all."""
    hours = np.bincount(((inside.arrived - begin) // 3600).astype(np.int64), minlength=count * _DAY_H)
    places = (np.arange(hours.size) + int((begin // 3600 + 3 * _DAY_H) % (_WEEK * _DAY_H))) % (_WEEK * _DAY_H)
    means = np.bincount(places, hours, _WEEK * _DAY_H) / np.bincount(places, minlength=_WEEK * _DAY_H)
    return tuple((means / means.mean()).tolist())


def _label(traffic: Traffic, past: Past, inside: Trace, rows: str, count: int) -> str:
    first, last = (datetime.fromtimestamp(float(inside.arrived[at]), UTC).date() for at in (0, -1))
    growth = traffic.growth_share_per_month
    told = f"growth of {growth:+.1%} a month, as stated" if growth else "no growth beyond the stated volume"
    whose = f" of {rows}" if rows else ""
    return (f"{past.source}, {first} to {last}: {inside.arrived.size:,} requests{whose} on {count} whole days, drawn "
            f"again day by day, a weekday for a weekday; assumed: what comes is like them, {told}; "
            f"content {past.digest[:16]}")
