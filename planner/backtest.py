"""Does the plan's interval hold? Rolling origins over a trace: what the past foresaw of each fleet, and what came.

A forecast is made of futures (`planner/futures.py`). Each is run through the queue engine, and so is what really came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import PlannerError
from .futures import Doubt, foreseen
from .queueing import waits
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .queueing import Array
    from .trace import Trace

__all__ = ["Backtest", "Fleet", "Range", "backtest"]

_LOW, _HIGH = 5, 95


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


def _measures(arrived: Array, service: Array, cards: int, slo_wait_s: float) -> tuple[float, float]:
    if not arrived.size:
        return 0.0, 0.0
    waited = waits(arrived, service, servers=cards)
    return float(np.percentile(waited, 95)), float(np.mean(waited > slo_wait_s))


def _quantiles(drawn: Iterable[float]) -> tuple[float, float, float]:
    values = np.asarray(list(drawn))
    low, mid, high = np.percentile(values, (_LOW, 50, _HIGH))
    return float(low), float(mid), float(high)
