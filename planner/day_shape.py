"""What the whole days of a trace tell: weekdays, how far days and hours stray, growth with its doubt. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from .past_days import weekday_of, whole_days
from .trace import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .queueing import Array
    from .trace import Trace

__all__ = ["DayShape", "Growth", "day_shape"]

_WEEK, _DAY_H, _HOUR_S = 7, 24, 3600.0
_LEAST_DAY_SHARE = 0.1
_LEAST_HOUR_DAYS = 2


@dataclass(frozen=True)
class Growth:
    """A week's factor of the volume, with its 90 % interval, from a line through the logs of the days."""

    weekly: float
    low: float
    high: float

    def share_over(self, days: float) -> tuple[float, float, float]:
        """Growth over so many days, low and high: 0.05 is 5 % more."""
        mid, low, high = (each ** (days / _WEEK) - 1 for each in (self.weekly, self.low, self.high))
        return mid, low, high


@dataclass(frozen=True)
class DayShape:
    """Whole days and what they are like.

    Attributes:
        days: whole days, from midnight to midnight UTC.
        weekday: rate of each weekday from Monday on, over the mean, growth taken out; None below a week.
        hour_noise: variance over squared mean of an hour's rate beyond its place in the day, the day's own level and
            chance: 1 / shape of a gamma factor; None below two days.
        day_cv: the same spread of a day's level beyond weekday, growth, its hours and chance, as a coefficient of
            variation; None below two weeks.
        growth: of images; None below two weeks.
    """

    days: int
    weekday: tuple[float, ...] | None
    hour_noise: float | None
    day_cv: float | None
    growth: Growth | None


def day_shape(trace: Trace) -> DayShape:
    """What the whole days of a trace tell."""
    begin, days = whole_days(trace.arrived)
    if not days:
        return DayShape(0, None, None, None, None)
    part = trace.between(begin, begin + days * DAY_S)
    counts = np.bincount(((part.arrived - begin) // _HOUR_S).astype(np.int64), minlength=days * _DAY_H)
    hours: Array = counts.reshape(days, _DAY_H).astype(np.float64)
    day = ((part.arrived - begin) // DAY_S).astype(np.int64)
    images: Array = np.bincount(day, part.images, days).astype(np.float64)
    weekdays = np.array([weekday_of(begin + number * DAY_S) for number in range(days)])
    noise, weights = _hour_noise(hours), hours.sum(axis=0) / max(1.0, hours.sum())
    cv, growth = None, None
    if days >= 2 * _WEEK:
        cv = _day_cv(hours.sum(axis=1), weekdays, (noise or 0.0) * float((weights**2).sum()))
        growth = _growth(images, weekdays)
    return DayShape(days, _weekday(images, weekdays, growth), noise, cv, growth)


def _hour_noise(hours: Array) -> float | None:
    """By moments: what an hour strays from its share of the day that came, less what chance would.

    With share p of an hour, level L of the day and 1/k the wanted variance, the sum over the hours of the squared
    distance to p x (the day's count) has mean L^2 / k (B - 2 sum p^3 + B^2) + L (1 - B), where B = sum p^2.
    """
    days = hours.shape[0]
    if days < _LEAST_HOUR_DAYS or not hours.any():
        return None
    totals, p = hours.sum(axis=1), hours.sum(axis=0) / hours.sum()
    b = float((p**2).sum())
    strayed = float(((hours - np.outer(totals, p))**2).sum()) * days / (days - 1) - float(totals.sum()) * (1 - b)
    squares = float((totals**2 - totals).sum())
    known = (b - 2 * float((p**3).sum()) + b**2) * squares - b * strayed
    return max(0.0, strayed / known) if known > 0 else None


def _fitted(volumes: Array, weekdays: NDArray[np.int64]) -> tuple[Array, Array, float]:
    """Logs of days explained by their weekday and a line: what is left, the line's slope and its deviation, freedom."""
    logs = np.log(np.maximum(volumes, _LEAST_DAY_SHARE * volumes.mean()) + 1e-9)
    number = np.arange(volumes.size, dtype=np.float64)
    design = np.column_stack([weekdays[:, None] == np.arange(_WEEK), number - number.mean()]).astype(np.float64)
    found = np.linalg.lstsq(design, logs, rcond=None)[0]
    left = logs - design @ found
    free = volumes.size - design.shape[1]
    spread = math.sqrt(float(left @ left) / free * float(np.linalg.pinv(design.T @ design)[-1, -1]))
    return left, np.array([found[-1], spread]), float(free)


def _day_cv(counts: Array, weekdays: NDArray[np.int64], hours_share: float) -> float:
    left, _, free = _fitted(counts, weekdays)
    chance = float(np.mean(1 / np.maximum(counts, 1.0)))
    variance = float(left @ left) / free - chance - math.log1p(hours_share)
    return math.sqrt(math.expm1(max(0.0, variance)))


def _growth(images: Array, weekdays: NDArray[np.int64]) -> Growth:
    _, (slope, spread), free = _fitted(images, weekdays)
    off = float(stdtrit(free, 0.95)) * spread
    mid, low, high = (math.exp(_WEEK * each) for each in (slope, slope - off, slope + off))
    return Growth(mid, low, high)


def _weekday(images: Array, weekdays: NDArray[np.int64], growth: Growth | None) -> tuple[float, ...] | None:
    if images.size < _WEEK:
        return None
    daily = 1.0 if growth is None else growth.weekly ** (1 / _WEEK)
    level = images / daily ** np.arange(images.size)
    means = np.bincount(weekdays, level, _WEEK) / np.bincount(weekdays, minlength=_WEEK)
    return tuple((means / means.mean()).tolist()) if means.any() else None
