"""Futures of a trace: whole days of its past, drawn again under what that past shows of its own volatility.

A weekday stands for a weekday. Volume grows by an amount that is not known, every day has a level of its own, and the
bursts of what comes may be larger and rarer than those that came. How far days stray and how large bursts are is
learned from the past; a past of few days or few requests is helped by what is usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import PlannerError
from .past_days import alike, clump_of, days_from, is_weekend, laid, weekday_of
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .past_days import Day
    from .queueing import Array
    from .trace import Trace

__all__ = ["Doubt", "Volatility", "foreseen", "volatility"]

_WEEK = 7
_LEAST_REQUESTS = 20
_BURST_S = 600.0
_USUAL_DAY, _USUAL_DAY_WEIGHT = 0.2, 4  # as if four more days had strayed by 20 %
_USUAL_CLUMP, _USUAL_CLUMP_WEIGHT = 3.0, 100  # as if a hundred more requests had come in threes
_MOST_LARGER = 5.0
_TREND_DAYS = 10
_LEAST_DAY_SHARE = 0.1


@dataclass(frozen=True)
class Doubt:
    """How much a forecast doubts that what comes is like the past.

    Attributes:
        growth: standard deviation of the log of volume from two weeks of the past to what comes, beside the trend of
            the past; a shorter past leaves more doubt, a longer one less.
        day: of one day's level around the past's days, as a multiple of how far those strayed.
        trend_share: how much of the past's own weekly trend goes on.
        burst: standard deviation of how many times larger bursts get, above 1 and never below, for each unit of the
            log of the requests in a clump: nothing where requests come one by one.
    """

    growth: float = 0.25
    day: float = 0.5
    trend_share: float = 0.25
    burst: float = 0.45


@dataclass(frozen=True)
class Volatility:
    """What a past shows of its own restlessness.

    Attributes:
        day: standard deviation of the log of a day's GPU-seconds beside weekends and trend.
        clump: requests that come together: 1 is chance, as in a Poisson stream.
    """

    day: float
    clump: float


def foreseen(past: Trace, origin: float, *, days: float, draws: int, rng: np.random.Generator, doubt: Doubt) -> (
        Iterator[tuple[Array, Array]]):
    """Futures: arrivals (seconds since 1970) and service times (GPU-seconds) of `days` from `origin` on.

    Raises:
        PlannerError: too few requests to resample.
    """
    if past.arrived.size < _LEAST_REQUESTS:
        raise PlannerError(f"{past.arrived.size} requests in the days before {origin:.0f}: too few to resample; at "
                           f"least {_LEAST_REQUESTS} are needed")
    days_before, shown = _days_of(past, origin), volatility(past, origin)
    work = _work(past, days_before)
    # The past's level and its trend are each known as well as that many days tell them.
    spread = math.hypot(doubt.growth * float(np.clip(math.sqrt(2 * _WEEK / len(days_before)), 0.7, 1.5)),
                        shown.day * math.sqrt(2 / len(days_before)))
    trend = doubt.trend_share * _weekly_trend(work) * (days / _WEEK + 1) / 2
    burst = doubt.burst * math.log(shown.clump)
    for _ in range(draws):
        growth = trend + rng.normal(0.0, spread)
        parts = [_day(past, days_before, origin + day * DAY_S, growth=growth + rng.normal(0.0, doubt.day * shown.day),
                      share=min(1.0, days - day), rng=rng) for day in range(math.ceil(days))]
        arrived, service = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(arrived, kind="stable")
        yield _burstier(arrived[order], service[order], min(1 + max(0.0, rng.normal(0.0, burst)), _MOST_LARGER), rng)


def volatility(past: Trace, origin: float) -> Volatility:
    """How far the days before `origin` (seconds since 1970) stray from each other, and how large their clumps are."""
    days = _days_of(past, origin)
    return Volatility(_day_noise(days, _work(past, days)), _clump(past.arrived))


def _days_of(past: Trace, origin: float) -> tuple[Day, ...]:
    count = max(1, round((origin - float(past.arrived[0])) / DAY_S))
    return days_from(past, origin - count * DAY_S, count=count)


def _work(past: Trace, days: Sequence[Day]) -> Array:
    """GPU-seconds of each day."""
    return np.array([float(past.service[day.first:day.first + day.offsets.size].sum()) for day in days])


def _day_noise(days: Sequence[Day], work: Array) -> float:
    """What level, weekend and trend leave unexplained of the log of a day's work, drawn towards the usual."""
    logs = np.log(np.maximum(work, _LEAST_DAY_SHARE * work.mean()) + 1e-9)
    weekend, number = np.array([float(is_weekend(day.weekday)) for day in days]), np.arange(len(days), dtype=float)
    told = [np.ones_like(number)]
    told += [weekend] if 0 < weekend.sum() < len(days) else []
    told += [number - number.mean()] if len(days) >= _TREND_DAYS else []
    design = np.stack(told, axis=1)
    left = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    free = max(0, len(days) - len(told))
    return math.sqrt((float(left @ left) + _USUAL_DAY_WEIGHT * _USUAL_DAY**2) / (free + _USUAL_DAY_WEIGHT))


def _clump(arrived: Array) -> float:
    """Requests of a clump as measured, drawn towards the usual where few requests were seen."""
    known = arrived.size / (arrived.size + _USUAL_CLUMP_WEIGHT)
    return known * clump_of(arrived) + (1 - known) * _USUAL_CLUMP


def _weekly_trend(work: Array) -> float:
    """Log growth of work from one week to the next; 0 where the past is shorter than two weeks."""
    if work.size < 2 * _WEEK:
        return 0.0
    before, last = float(work[-2 * _WEEK:-_WEEK].sum()), float(work[-_WEEK:].sum())
    return 0.0 if min(before, last) <= 0 else float(np.clip(math.log(last / before), -0.7, 0.7))


def _day(past: Trace, days: Sequence[Day], begin: float, *, growth: float, share: float,
         rng: np.random.Generator) -> tuple[Array, Array]:
    like = alike(days, weekday_of(begin))
    made = laid(lambda: like[int(rng.integers(len(like)))], math.exp(growth), rng=rng)
    kept = made.offsets < share * DAY_S
    return begin + made.offsets[kept], past.service[made.places[kept]]


def _burstier(arrived: Array, service: Array, larger: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """The same volume on average in ten minutes that hold so many times more requests and are as many times rarer.

    A request that is added comes between the one it copies and the next, so that what was dense stays dense.
    """
    if not arrived.size:
        return arrived, service
    spans = ((arrived - arrived[0]) // _BURST_S).astype(np.int64)
    stays = rng.random(int(spans[-1]) + 1) < 1 / larger
    copies = np.floor(larger + rng.random(arrived.size)).astype(np.int64) * stays[spans]
    of = np.repeat(np.arange(arrived.size), copies)
    added = np.append(False, of[1:] == of[:-1])[:of.size]
    gap = np.minimum(np.diff(arrived, append=arrived[-1]), _BURST_S)
    moved = arrived[of] + added * rng.random(of.size) * gap[of]
    order = np.argsort(moved, kind="stable")
    return moved[order], np.where(added, rng.permutation(service[of]), service[of])[order]
