"""What a trace of requests is like: how much, when, how bursty, how many images at once. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import PlannerError
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .queueing import Array
    from .trace import Trace

__all__ = ["Demand", "fit_demand"]

_HOUR_S, _MINUTE_S, _WEEK_H = 3600.0, 60.0, 168
_MONTH_DAYS = 365.25 / 12
_BUSY_REQUESTS = 30
_LEAST_DAYS = 1.0


@dataclass(frozen=True)
class Demand:
    """A fitted demand.

    Attributes:
        days: from the first request to the last.
        images_per_month: at this rate, in a month of 30.4 days.
        images_of_request: share of requests by the number of images they ask for.
        busy_gpus: cards that work on average.
        service_*: GPU-seconds of a request: mean, coefficient of variation, percentiles.
        hour_of_week: rate of each of 168 hours from Monday 00:00 UTC on, over the mean; None below two weeks.
        hour_of_day: the same for 24 hours.
        peak_hour_of_day: the largest of `hour_of_day`; peak_hour: the busiest hour that came, over the mean.
        empty_hours: share of hours without a request.
        dispersion: variance over mean of the counts in windows of so many seconds; 1 is a Poisson process.
        hour_noise: variance over squared mean of what is left of an hour's rate after its place in the day, beyond
            chance: 1 / shape of a gamma factor.
        arrival_cv: median coefficient of variation of the gaps inside hours of at least 30 requests; None without one.
        weekly_growth: factor of images from week to week, by the weeks' own counts; None below two weeks.
    """

    days: float
    requests: int
    images: int
    images_per_month: float
    images_of_request: Mapping[int, float]
    busy_gpus: float
    service_mean_s: float
    service_cv: float
    service_p50_s: float
    service_p95_s: float
    hour_of_week: tuple[float, ...] | None
    hour_of_day: tuple[float, ...]
    peak_hour_of_day: float
    peak_hour: float
    empty_hours: float
    dispersion: Mapping[int, float]
    hour_noise: float
    arrival_cv: float | None
    weekly_growth: float | None


def fit_demand(trace: Trace) -> Demand:
    """What a trace is like.

    Raises:
        PlannerError: less than a day of it.
    """
    begin, end = float(trace.arrived[0]), float(trace.arrived[-1])
    days = (end - begin) / DAY_S
    if days < _LEAST_DAYS:
        raise PlannerError(f"the trace holds {days * 24:.1f} hours; at least a day is needed to see its shape")
    hours = _counts(trace.arrived, _HOUR_S)
    first_hour = int(begin // _HOUR_S)
    by_day, by_week = _profile(hours, first_hour, 24), _profile(hours, first_hour + 3 * 24, _WEEK_H)
    numbers, counts = np.unique(trace.images, return_counts=True)
    images, mean = int(trace.images.sum()), float(trace.service.mean())
    return Demand(
        days, trace.arrived.size, images, images / days * _MONTH_DAYS,
        {int(number): float(count / trace.arrived.size) for number, count in zip(numbers, counts, strict=True)},
        float(trace.service.sum() / (end - begin)), mean, float(trace.service.std() / mean) if mean else 0.0,
        float(np.percentile(trace.service, 50)), float(np.percentile(trace.service, 95)),
        tuple(by_week) if len(hours) >= 2 * _WEEK_H else None, tuple(by_day), float(max(by_day)),
        float(hours.max() / hours.mean()), float(np.mean(hours == 0)),
        {int(width): _dispersion(trace.arrived, width) for width in (_MINUTE_S, 10 * _MINUTE_S, _HOUR_S)},
        _hour_noise(hours, first_hour, by_day), _arrival_cv(trace.arrived), _weekly_growth(trace, begin))


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


def _hour_noise(hours: Array, first: int, by_day: Array) -> float:
    expected = by_day[(np.arange(hours.size) + first) % 24] * hours.mean()
    known = expected > 0
    excess = ((hours - expected) ** 2 - expected)[known].sum() / (expected[known] ** 2).sum()
    return max(0.0, float(excess))


def _arrival_cv(arrived: Array) -> float | None:
    places = (arrived // _HOUR_S).astype(np.int64)
    found = []
    for hour in np.unique(places):
        gaps = np.diff(arrived[places == hour])
        if gaps.size >= _BUSY_REQUESTS and gaps.mean() > 0:
            found.append(float(gaps.std() / gaps.mean()))
    return float(np.median(found)) if found else None


def _weekly_growth(trace: Trace, begin: float) -> float | None:
    weeks = int((float(trace.arrived[-1]) - begin) // (7 * DAY_S))
    if weeks < 2:  # noqa: PLR2004 (a growth is between two weeks)
        return None
    images = [float(trace.between(begin + week * 7 * DAY_S, begin + (week + 1) * 7 * DAY_S).images.sum())
              for week in range(weeks)]
    if min(images) <= 0:
        return None
    slope = float(np.polyfit(np.arange(weeks), np.log(images), 1)[0])
    return math.exp(slope)
