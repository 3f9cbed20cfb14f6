"""What a trace of requests is like: how much, when, how bursty, how many images at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import HOURS_PER_MONTH

from .day_shape import day_shape
from .errors import PlannerError
from .past_days import clump_of
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .day_shape import DayShape
    from .past import Past
    from .queueing import Array
    from .trace import Trace

__all__ = ["CardTime", "Demand", "Share", "fit_demand", "shares_of"]

_HOUR_S, _MINUTE_S, _WEEK_H = 3600.0, 60.0, 168
_BUSY_REQUESTS = 30
_LEAST_DAYS = 1.0


@dataclass(frozen=True)
class CardTime:
    """GPU-seconds of requests, over those whose time is known.

    Attributes:
        known_share: of the requests.
        mean_s, cv, p50_s, p95_s: of one request.
        busy_gpus: cards that work on average, if the others took as long.
    """

    known_share: float
    mean_s: float
    cv: float
    p50_s: float
    p95_s: float
    busy_gpus: float


@dataclass(frozen=True)
class Share:
    """One value of a column: its share of requests and of images."""

    name: str
    requests: float
    images: float


@dataclass(frozen=True)
class Demand:
    """A fitted demand.

    Attributes:
        days: from the first request to the last.
        images_per_month: at this rate, in a month of 730 hours.
        images_of_request: share of requests by the number of images they ask for.
        card_time: None where no request's is known.
        hour_of_week: rate of each of 168 hours from Monday 00:00 UTC on, over the mean; None below two weeks.
        hour_of_day: the same for 24 hours.
        peak_hour_of_day: the largest of `hour_of_day`; peak_hour: the busiest hour that came, over the mean.
        empty_hours: share of hours without a request.
        dispersion: variance over mean of the counts in windows of so many seconds; 1 is a Poisson process.
        clump: requests that come together, by how neighbouring minutes and ten minutes differ; 1 is chance.
        arrival_cv: median coefficient of variation of the gaps inside hours of at least 30 requests; None without one.
        whole: what the whole days tell of weekdays, days, hours and growth.
    """

    days: float
    requests: int
    images: int
    images_per_month: float
    images_per_request: float
    images_of_request: Mapping[int, float]
    card_time: CardTime | None
    hour_of_week: tuple[float, ...] | None
    hour_of_day: tuple[float, ...]
    peak_hour_of_day: float
    peak_hour: float
    empty_hours: float
    dispersion: Mapping[int, float]
    clump: float
    arrival_cv: float | None
    whole: DayShape


def fit_demand(trace: Trace, *, source: str = "the trace") -> Demand:
    """What a trace is like; `source` is what an error calls it.

    Raises:
        PlannerError: less than a day of it.
    """
    begin, end = float(trace.arrived[0]), float(trace.arrived[-1])
    days = (end - begin) / DAY_S
    if days < _LEAST_DAYS:
        raise PlannerError(f"{source}: {days * 24:.1f} hours from the first request to the last; at least a day is "
                           "needed to see its shape: give a longer trace")
    hours = _counts(trace.arrived, _HOUR_S)
    first_hour = int(begin // _HOUR_S)
    by_day, by_week = _profile(hours, first_hour, 24), _profile(hours, first_hour + 3 * 24, _WEEK_H)
    numbers, counts = np.unique(trace.images, return_counts=True)
    images = int(trace.images.sum())
    return Demand(
        days=days, requests=trace.arrived.size, images=images,
        images_per_month=images / days * HOURS_PER_MONTH / 24, images_per_request=images / trace.arrived.size,
        images_of_request={int(number): float(count / trace.arrived.size)
                           for number, count in zip(numbers, counts, strict=True)},
        card_time=_card_time(trace, end - begin),
        hour_of_week=tuple(by_week.tolist()) if len(hours) >= 2 * _WEEK_H else None, hour_of_day=tuple(by_day.tolist()),
        peak_hour_of_day=float(max(by_day)), peak_hour=float(hours.max() / hours.mean()),
        empty_hours=float(np.mean(hours == 0)),
        dispersion={int(width): _dispersion(trace.arrived, width) for width in (_MINUTE_S, 10 * _MINUTE_S, _HOUR_S)},
        clump=clump_of(trace.arrived), arrival_cv=_arrival_cv(trace.arrived), whole=day_shape(trace))


def shares_of(past: Past, column: str) -> tuple[Share, ...]:
    """Shares by `segment`, `size`, `quality` or `operation`, largest first; none where the past does not say."""
    names = np.array([getattr(kind, column) for kind in past.kinds])[past.kind]
    found, place = np.unique(names, return_inverse=True)
    if not found.any():
        return ()
    requests = np.bincount(place) / place.size
    images = np.bincount(place, past.trace.images) / past.trace.images.sum()
    made = map(Share, map(str, found), requests.tolist(), images.tolist())
    return tuple(sorted(made, key=lambda share: (-share.images, share.name)))


def _card_time(trace: Trace, span_s: float) -> CardTime | None:
    known = trace.service[trace.timed]
    if not known.size:
        return None
    mean = float(known.mean())
    p50, p95 = np.percentile(known, (50, 95)).tolist()
    return CardTime(known.size / trace.arrived.size, mean, float(known.std() / mean) if mean else 0.0, p50, p95,
                    mean * trace.arrived.size / span_s)


def _counts(arrived: Array, width_s: float) -> Array:
    """Requests in each whole window from the first one on."""
    places = (arrived // width_s).astype(np.int64)
    return np.bincount(places - places[0]).astype(np.float64)


def _profile(hours: Array, first: int, length: int) -> Array:
    """Mean count of each hour of a cycle, over the mean of all; `first` is the cycle's hour of the first count."""
    places = (np.arange(hours.size) + first) % length
    sums, seen = np.bincount(places, hours, length), np.bincount(places, minlength=length)
    means: Array = np.divide(sums, seen, out=np.zeros(length), where=seen > 0)
    return means / float(hours.mean())


def _dispersion(arrived: Array, width_s: float) -> float:
    counts = _counts(arrived, width_s)
    return float(counts.var() / counts.mean())


def _arrival_cv(arrived: Array) -> float | None:
    places = (arrived // _HOUR_S).astype(np.int64)
    hours = map(np.diff, np.split(arrived, np.flatnonzero(np.diff(places)) + 1))
    found = [float(gaps.std() / gaps.mean()) for gaps in hours if gaps.size >= _BUSY_REQUESTS and gaps.mean() > 0]
    return float(np.median(found)) if found else None
