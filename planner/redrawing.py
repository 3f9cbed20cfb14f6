"""Months made of whole days of a past: a weekday for a weekday, as much of each as the volume asks for. Pure."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import HOURS_PER_MONTH

from .past_days import alike, laid
from .trace import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from .past import Past
    from .past_days import Day
    from .queueing import Array
    from .traffic import Shape

__all__ = ["PastDays", "Redrawn", "redrawn"]

_DAY_H = 24
_LEAST_SAME = 2


class PastDays:
    """Whole days that months are made of.

    Attributes:
        source, digest: which past; days of one digest are chosen together for all who draw from it.
        rows: which of its requests: those of a segment, or all where empty.
        begun: midnight of the first day, seconds since 1970.
        days: every whole day, of these requests.
        images: of every request that the days' places mean.
    """

    def __init__(self, past: Past, rows: str, *, begun: float, days: Sequence[Day], images: NDArray[np.int64]) -> None:
        self.source, self.digest, self.rows, self.begun = past.source, past.digest, rows, begun
        self.days, self.images = tuple(days), images

    @property
    def images_per_month(self) -> float:
        """Images of a month of 730 hours at the rate of these days."""
        total = sum(int(self.images[day.first:day.first + day.offsets.size].sum()) for day in self.days)
        return total / len(self.days) * HOURS_PER_MONTH / _DAY_H


class Redrawn:
    """Requests of one stream: seconds since the month's begin, and images."""

    def __init__(self, stream: int, at: Array, images: NDArray[np.int64]) -> None:
        self.stream, self.at, self.images = stream, at, images


def redrawn(streams: Sequence[tuple[int, float, Shape]], rng: np.random.Generator, *, hours: int) -> Iterator[Redrawn]:
    """The first hours of a month of every stream (its number, images a month, and a shape with a past).

    Streams of one past get the same days. Those of the same requests part them among each other, clump by clump.
    """
    pasts = [(number, volume, shape, shape.past) for number, volume, shape in streams if shape.past is not None]
    for digest in dict.fromkeys(past.digest for _, _, _, past in pasts):
        mine = [one for one in pasts if one[3].digest == digest]
        chosen = _chosen(mine[0][3].days, rng, number=-(-hours // _DAY_H))
        for key in dict.fromkeys((past.rows, shape.campaign) for _, _, shape, past in mine):
            group = [one for one in mine if (one[3].rows, one[2].campaign) == key]
            yield from _parted([(number, volume) for number, volume, _, _ in group], group[0][2], chosen,
                               rng=rng, hours=hours)


def _chosen(days: Sequence[Day], rng: np.random.Generator, *, number: int) -> list[int]:
    """A day of the past for each day of the month: of its weekday where there are two at least."""
    listed = [_stand_ins(days, weekday) for weekday in range(7)]
    return [int(rng.choice(listed[day % 7])) for day in range(number)]


def _stand_ins(days: Sequence[Day], weekday: int) -> list[int]:
    same = [place for place, day in enumerate(days) if day.weekday == weekday]
    if len(same) >= _LEAST_SAME:
        return same
    like = {id(day) for day in alike(days, weekday)}
    return [place for place, day in enumerate(days) if id(day) in like]


def _parted(group: Sequence[tuple[int, float]], shape: Shape, chosen: Sequence[int], *, rng: np.random.Generator,
            hours: int) -> Iterator[Redrawn]:
    past = shape.past
    assert past is not None  # noqa: S101 (only such shapes are handed over)
    volumes = np.array([volume for _, volume in group])
    times = volumes.sum() * hours / HOURS_PER_MONTH / _expected(past, hours)
    found: list[tuple[Array, NDArray[np.int64], Array]] = []
    for number, place in enumerate(chosen):
        made = laid(_layers(past.days[place], rng), times * shape.campaign_factor(number * _DAY_H), rng=rng)
        kept = made.offsets < (hours - number * _DAY_H) * DAY_S / _DAY_H
        found.append((number * DAY_S + made.offsets[kept], past.images[made.places[kept]], made.luck[kept]))
    at, images, luck = (np.concatenate(each) for each in zip(*found, strict=True))
    edges = np.cumsum(volumes / volumes.sum())
    whose = np.searchsorted(edges[:-1], luck, side="right")
    for place, (number, _) in enumerate(group):
        yield Redrawn(number, at[whose == place], images[whose == place])


def _layers(day: Day, rng: np.random.Generator) -> Callable[[], Day]:
    """The day as it came, then again and again with its clumps moved: what is more of it rises and falls as it did."""
    return chain([day], (day.moved(rng) for _ in count())).__next__


def _expected(past: PastDays, hours: int) -> float:
    """Images of the first hours of a month at the past's own volume."""
    total = 0.0
    for number in range(-(-hours // _DAY_H)):
        share_s = (hours - number * _DAY_H) * DAY_S / _DAY_H
        days = [past.days[place] for place in _stand_ins(past.days, number % 7)]
        total += float(np.mean([past.images[day.first + np.flatnonzero(day.offsets < share_s)].sum() for day in days]))
    return total
