"""Does the plan's interval hold? Rolling origins over a trace: what the past foresaw of each fleet, and what came.

The forecast resamples whole days of the past (a weekday stands for a weekday), scales them by a growth that is not
known, and lets every day have a level of its own: a week or two hold too few days for the busiest of them to be the
busiest there is. Every such future is run through the queue engine, and so is what really came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import PlannerError
from .queueing import waits
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .queueing import Array
    from .trace import Trace

__all__ = ["Backtest", "Doubt", "Fleet", "Range", "backtest", "foreseen"]

_LOW, _HIGH = 5, 95
_WEEKEND = 5
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
_LEAST_REQUESTS = 20
_BURST_S = 600.0
_TWO_WEEKS = 14


@dataclass(frozen=True)
class Doubt:
    """What a forecast does not know, as standard deviations of logs.

    Attributes:
        growth: of the volume from two weeks of the past to what comes, beside the trend of the past; a shorter past
            leaves more doubt, a longer one less.
        day: of one day's level around what the past's days show.
        trend_share: how much of the past's own weekly trend goes on.
        burst: of how much closer together requests come inside of ten minutes than they did; never further apart.
    """

    growth: float = 0.26
    day: float = 0.15
    trend_share: float = 0.5
    burst: float = 0.6


@dataclass(frozen=True)
class Range:
    """A 90 % interval, its median, and what came."""

    low: float
    mid: float
    high: float
    truth: float

    @property
    def covered(self) -> bool:
        """Whether what came lies in the interval."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Fleet:
    """One fleet from one origin on (`origin_at`, seconds since 1970)."""

    gpus: int
    origin_at: float
    p95_wait_s: Range
    share_over_slo: Range


@dataclass(frozen=True)
class Backtest:
    """Every fleet from every origin."""

    fleets: tuple[Fleet, ...]

    def coverage(self, name: str) -> float:
        """Share of the intervals of `p95_wait_s` or `share_over_slo` that hold what came."""
        return float(np.mean([getattr(fleet, name).covered for fleet in self.fleets]))


def backtest(trace: Trace, gpus: Sequence[int], *, train_days: int, test_days: int, slo_wait_s: float,
             draws: int = 300, seed: int = 1, told: Callable[[float], None] = lambda _: None) -> Backtest:
    """Hold forecasts against what came.

    Args:
        trace: the requests.
        gpus: fleets, in cards.
        train_days: length of the past.
        test_days: length of what is foreseen; origins are a day apart, a shorter remainder of the trace is one origin.
        slo_wait_s: the wait above which a request counts as over.
        draws: futures of each origin.
        seed: of the draws.
        told: hears the share that is done.

    Raises:
        PlannerError: the trace is too short for one origin.
    """
    origins = tuple(_origins(trace, train_days, test_days))
    fleets: list[Fleet] = []
    for number, (origin, end) in enumerate(origins):
        past, came = trace.between(origin - train_days * DAY_S, origin), trace.between(origin, end)
        rng = np.random.default_rng((seed, number))
        found = foreseen(past, origin, days=(end - origin) / DAY_S, draws=draws, rng=rng, doubt=Doubt())
        futures = tuple(found)
        for cards in gpus:
            drawn = np.array([_measures(arrived, service, cards, slo_wait_s) for arrived, service in futures])
            truth = _measures(came.arrived, came.service, cards, slo_wait_s)
            p95, share = (Range(*_quantiles(drawn[:, at]), truth[at]) for at in (0, 1))
            fleets.append(Fleet(cards, origin, p95, share))
        told((number + 1) / len(origins))
    return Backtest(tuple(fleets))


def _origins(trace: Trace, train_days: int, test_days: int) -> Iterator[tuple[float, float]]:
    begin, end = float(trace.arrived[0]), float(trace.arrived[-1])
    first = begin + train_days * DAY_S
    if end - first < DAY_S / 2:
        raise PlannerError(f"the trace holds {(end - begin) / DAY_S:.1f} days; {train_days} to learn from and half a "
                           "day to foresee are needed: give a longer trace or fewer --train-days")
    origin = first
    while origin == first or origin + test_days * DAY_S <= end:
        yield origin, min(origin + test_days * DAY_S, end)
        origin += DAY_S


def foreseen(past: Trace, origin: float, *, days: float, draws: int, rng: np.random.Generator, doubt: Doubt) -> (
        Iterator[tuple[Array, Array]]):
    """Futures: arrivals and service times of `days` from `origin` on.

    Raises:
        PlannerError: too few requests to resample.
    """
    if past.arrived.size < _LEAST_REQUESTS:
        raise PlannerError(f"{past.arrived.size} requests in the days before {origin:.0f}: too few to resample; at "
                           f"least {_LEAST_REQUESTS} are needed")
    blocks = _days_of(past, origin)
    spread = doubt.growth * float(np.clip(math.sqrt(_TWO_WEEKS / len(blocks)), 0.7, 1.5))
    trend = doubt.trend_share * _weekly_trend(blocks) * (days / 7 + 1) / 2
    for _ in range(draws):
        growth = trend + rng.normal(0.0, spread)
        parts = [_day(blocks, origin, day, growth=growth + rng.normal(0.0, doubt.day), share=min(1.0, days - day),
                      rng=rng) for day in range(math.ceil(days))]
        arrived, service = (np.concatenate(each) for each in zip(*parts, strict=True))
        arrived = _closer(arrived, math.exp(max(0.0, rng.normal(0.0, doubt.burst))))
        order = np.argsort(arrived, kind="stable")
        yield arrived[order], service[order]


@dataclass(frozen=True)
class _Block:
    """One day of the past, counted back from the origin: offsets from its begin, and service times."""

    offsets: Array
    service: Array
    weekend: bool


def _days_of(past: Trace, origin: float) -> list[_Block]:
    count = max(1, round((origin - float(past.arrived[0])) / DAY_S))
    blocks = []
    for back in range(count, 0, -1):
        begin = origin - back * DAY_S
        day = past.between(begin, begin + DAY_S)
        blocks.append(_Block(day.arrived - begin, day.service, _is_weekend(begin)))
    return blocks


def _is_weekend(instant: float) -> bool:
    """By the middle of the day that begins then."""
    return (int((instant + DAY_S / 2) // DAY_S) + _EPOCH_WEEKDAY) % 7 >= _WEEKEND


def _weekly_trend(blocks: Sequence[_Block]) -> float:
    """Log growth of work from one week to the next; 0 where the past is shorter than two weeks."""
    week = 7
    if len(blocks) < 2 * week:
        return 0.0
    work = [sum(float(block.service.sum()) for block in some) for some in (blocks[-2 * week:-week], blocks[-week:])]
    return 0.0 if min(work) <= 0 else float(np.clip(math.log(work[1] / work[0]), -0.7, 0.7))


def _day(blocks: Sequence[_Block], origin: float, day: int, *, growth: float, share: float,
         rng: np.random.Generator) -> tuple[Array, Array]:
    begin, left = origin + day * DAY_S, math.exp(growth)
    alike = [block for block in blocks if block.weekend == _is_weekend(begin)] or list(blocks)
    offsets: list[Array] = []
    service: list[Array] = []
    while left > 0:
        # A whole day, then a part of another one laid over it: bursts come as they came, and more of them.
        block = alike[int(rng.integers(len(alike)))]
        kept = (rng.random(block.offsets.size) < left) & (block.offsets < share * DAY_S)
        offsets.append(block.offsets[kept])
        service.append(block.service[kept])
        left -= 1
    return begin + np.concatenate(offsets), np.concatenate(service)


def _closer(arrived: Array, factor: float) -> Array:
    """Requests of the same ten minutes, so many times closer together."""
    begin = np.floor(arrived / _BURST_S) * _BURST_S
    return begin + (arrived - begin) / factor


def _measures(arrived: Array, service: Array, cards: int, slo_wait_s: float) -> tuple[float, float]:
    if not arrived.size:
        return 0.0, 0.0
    waited = waits(arrived, service, servers=cards)
    return float(np.percentile(waited, 95)), float(np.mean(waited > slo_wait_s))


def _quantiles(drawn: Iterable[float]) -> tuple[float, float, float]:
    values = np.asarray(list(drawn))
    low, mid, high = np.percentile(values, (_LOW, 50, _HIGH))
    return float(low), float(mid), float(high)
