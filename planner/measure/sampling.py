"""Readings of a card ten times a second in a thread of their own, and what they say of a stretch of time."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.nvml import Card, Reading

__all__ = ["LEAST_COUNTED_S", "Sampler", "Stretch", "joules_of", "stretch_of"]

_EVERY_S = 0.1
_MOST_READINGS = 36_000
# Below it the counter's steps of up to 100 ms would be more than 5 % of what is read.
LEAST_COUNTED_S = 2.0


@dataclass(frozen=True)
class Stretch:
    """Means over a stretch of time; None where the card does not tell.

    Attributes:
        joules: of the whole stretch; `joules_from` says whether the card counted or samples of power were integrated.
        throttled: every reason that was given at some instant, parted by blanks.
        used_gib: the most memory in use by anybody.
    """

    seconds: float
    joules: float | None
    joules_from: Literal["", "counter", "power"]
    power_w: float | None
    utilisation_share: float | None
    sm_mhz: float | None
    memory_mhz: float | None
    temperature_c: float | None
    throttled: str
    used_gib: float | None


class Sampler:
    """Samples a card while its block is entered. Times are monotonic seconds."""

    def __init__(self, card: Card, *, every_s: float = _EVERY_S) -> None:
        self._card, self._every_s = card, every_s
        self._readings: deque[Reading] = deque(maxlen=_MOST_READINGS)
        self._ended = Event()
        self._thread = Thread(target=self._sample, name="nvml", daemon=True)

    def __enter__(self) -> Self:
        self._readings.append(self._card.reading())
        self._thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._ended.set()
        self._thread.join()

    def between(self, begin: float, end: float) -> Stretch:
        """What the readings say of a stretch that has just ended."""
        self._readings.append(self._card.reading())
        return stretch_of(tuple(self._readings), begin, end=end)

    def _sample(self) -> None:
        due = monotonic()
        while not self._ended.wait(max(0.0, due - monotonic())):
            self._readings.append(self._card.reading())
            due = max(due + self._every_s, monotonic())


def stretch_of(readings: Sequence[Reading], begin: float, *, end: float) -> Stretch:
    """The stretch between two instants; readings are interpolated at its ends."""
    ordered = sorted(readings, key=lambda reading: reading.at)
    inside = [reading for reading in ordered if begin <= reading.at <= end]
    counted = _difference(ordered, begin, end)
    joules = counted if counted is not None else joules_of(ordered, begin, end=end)
    power = None if joules is None else joules / (end - begin)

    def mean(read: Callable[[Reading], float | None]) -> float | None:
        found = [value for value in map(read, inside) if value is not None]
        return fmean(found) if found else None

    used = [reading.used_gib for reading in inside if reading.used_gib is not None]
    throttled = dict.fromkeys(reason for reading in inside for reason in reading.throttled if reason != "idle")
    return Stretch(end - begin, joules, "" if joules is None else "power" if counted is None else "counter", power,
                   mean(lambda each: each.utilisation_share), mean(lambda each: each.sm_mhz),
                   mean(lambda each: each.memory_mhz), mean(lambda each: each.temperature_c), " ".join(throttled),
                   max(used, default=None))


def joules_of(readings: Sequence[Reading], begin: float, *, end: float) -> float | None:
    """Power integrated by the trapezoidal rule between two instants; None where it is not known all the way.

    Readings are in order of time.
    """
    known = [(reading.at, reading.power_w) for reading in readings if reading.power_w is not None]
    ends = (_at(known, begin), _at(known, end))
    if ends[0] is None or ends[1] is None:
        return None
    points = [(begin, ends[0]), *((at, power) for at, power in known if begin < at < end), (end, ends[1])]
    return sum((there - here) * (one + other) / 2 for (here, one), (there, other) in pairwise(points))


def _difference(readings: Sequence[Reading], begin: float, end: float) -> float | None:
    known = [(reading.at, reading.energy_j) for reading in readings if reading.energy_j is not None]
    first, last = _at(known, begin), _at(known, end)
    return None if first is None or last is None or last < first else last - first


def _at(points: Sequence[tuple[float, float]], instant: float) -> float | None:
    """A value between its neighbours; outside of all readings the nearest one, if it is near."""
    if not points:
        return None
    place = bisect_left(points, (instant, float("-inf")))
    if place in (0, len(points)):
        at, value = points[min(place, len(points) - 1)]
        return value if abs(at - instant) <= 2 * _EVERY_S else None
    (here, one), (there, other) = points[place - 1], points[place]
    return one + (other - one) * (instant - here) / (there - here)
