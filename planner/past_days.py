"""Whole days of a past, and how they are laid over one another to make days to come. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .queueing import Array
    from .trace import Trace

__all__ = ["Day", "Laid", "alike", "clump_of", "days_from", "in_clumps", "is_weekend", "laid", "weekday_of",
           "whole_days"]

_WEEK, _WEEKEND = 7, 5
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
_HOUR_S = 3600.0
_CLUMP_SCALES_S = (60.0, 600.0)
_BY_CHANCE = 3.0  # where 3 are expected, none come once in twenty times
_UNSEEN_SHARE = 0.1


@dataclass(frozen=True)
class Day:
    """One day of a past.

    Attributes:
        offsets: seconds from its begin to each request.
        first: the place of its first request in the trace.
        weekday: 0 is Monday.
        clump: which requests stay or go together, a number that rises by one from clump to clump.
    """

    offsets: Array
    first: int
    weekday: int
    clump: NDArray[np.int64]

    def moved(self, rng: np.random.Generator) -> Day:
        """A day with the same hours, in each of which every clump begins at another instant."""
        if not self.clump.size:
            return self
        begins = self.offsets[np.searchsorted(self.clump, np.arange(self.clump[-1] + 1))] % _HOUR_S
        later = (begins + rng.random(begins.size) * _HOUR_S) % _HOUR_S - begins
        return Day((self.offsets + later[self.clump]) % DAY_S, self.first, self.weekday, self.clump)


@dataclass(frozen=True)
class Laid:
    """Requests of days laid over one another, in no order.

    Attributes:
        offsets: seconds from the begin of the day.
        places: of each request in the trace.
        luck: even chances from 0 to 1, one for each clump of each layer.
    """

    offsets: Array
    places: NDArray[np.int64]
    luck: Array


def days_from(trace: Trace, begin: float, *, count: int) -> tuple[Day, ...]:
    """So many days of a trace, each request on its own."""
    found = []
    for number in range(count):
        start = begin + number * DAY_S
        first, last = np.searchsorted(trace.arrived, (start, start + DAY_S))
        offsets = trace.arrived[first:last] - start
        found.append(Day(offsets, int(first), weekday_of(start), np.arange(offsets.size)))
    return tuple(found)


def whole_days(arrived: Array) -> tuple[float, int]:
    """The midnight (UTC) at which the whole days of a trace begin, and how many there are.

    The first and the last day count where, by the days between, no request in the hours that are missing may be chance.
    """
    begin, end = float(arrived[0]), float(arrived[-1])
    first, last = math.floor(begin / DAY_S), math.floor(end / DAY_S)
    inner = arrived[(arrived >= (first + 1) * DAY_S) & (arrived < last * DAY_S)] % DAY_S
    between = last - first - 1
    cut = [not inner.size or bool(unseen.sum() / between > _BY_CHANCE or unseen.mean() > _UNSEEN_SHARE)
           for unseen in (inner < begin % DAY_S, inner > end % DAY_S)]
    return (first + cut[0]) * DAY_S, max(0, last - first + 1 - sum(cut))


def weekday_of(instant: float) -> int:
    """Of the day that begins then, by its middle; 0 is Monday, in UTC."""
    return (int((instant + DAY_S / 2) // DAY_S) + _EPOCH_WEEKDAY) % _WEEK


def is_weekend(weekday: int) -> bool:
    """Saturday or Sunday."""
    return weekday >= _WEEKEND


def clump_of(arrived: Array) -> float:
    """Requests of a clump: how counts of neighbouring spans differ, squared, over what they hold; at least 1.

    For a Poisson stream that is 1, for clumps of B requests it is E[B^2] / E[B]. Neighbours share the hour, so that the
    hours' own ups and downs do not count.
    """
    if not arrived.size:
        return 1.0
    begin, found = math.floor(float(arrived[0]) / _HOUR_S) * _HOUR_S, 1.0
    for span in _CLUMP_SCALES_S:
        counts = np.bincount(((arrived - begin) // span).astype(np.int64))
        pairs = counts[:counts.size // 2 * 2].reshape(-1, 2).astype(np.float64)
        found = max(found, float(((pairs[:, 0] - pairs[:, 1])**2).sum()) / max(1.0, float(pairs.sum())))
    return found


def in_clumps(day: Day, size: float) -> Day:
    """The day with its requests in clumps of `size` on average: parted where gaps are long for their hour."""
    cuts = round(day.offsets.size / max(size, 1.0)) - 1
    if cuts < 1 or cuts >= day.offsets.size - 1:
        return Day(day.offsets, day.first, day.weekday,
                   np.arange(day.offsets.size) if cuts >= 1 else np.zeros(day.offsets.size, dtype=np.int64))
    hours = (day.offsets // _HOUR_S).astype(np.int64)
    gaps = np.diff(day.offsets) * np.bincount(hours)[hours][1:]
    parted = np.zeros(day.offsets.size, dtype=np.int64)
    parted[1 + np.argpartition(gaps, -cuts)[-cuts:]] = 1
    return Day(day.offsets, day.first, day.weekday, np.cumsum(parted))


def laid(chosen: Callable[[], Day], times: float, *, rng: np.random.Generator) -> Laid:
    """A whole day, then a part of another one laid over it, until there are `times` as many requests.

    Bursts come as they came, and more of them or fewer.
    """
    parts: list[tuple[Array, NDArray[np.int64], Array]] = []
    left = times
    while left > 0:
        day = chosen()
        luck = rng.random(int(day.clump[-1]) + 1 if day.clump.size else 0)[day.clump]
        kept = luck < left
        parts.append((day.offsets[kept], day.first + np.flatnonzero(kept), luck[kept] / min(left, 1.0)))
        left -= 1
    if not parts:
        return Laid(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0))
    offsets, places, lucks = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Laid(offsets, places, lucks)


def alike(days: Sequence[Day], weekday: int) -> Sequence[Day]:
    """Days that may stand for a weekday: working days for working days, weekends for weekends, else any."""
    return [day for day in days if is_weekend(day.weekday) == is_weekend(weekday)] or days
