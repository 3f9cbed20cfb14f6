"""Months of requests drawn from a demand: doubly stochastic by hour and by day, Poisson inside the hour. Pure.

A demand with a past of its own is drawn from that past's days (`planner/redrawing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import HOURS_PER_MONTH

from .redrawing import redrawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .queueing import Array
    from .traffic import Shape

__all__ = ["Month", "draw_month"]

_HOUR_S, _WEEK_H, _DAY_H = 3600.0, 168, 24


@dataclass(frozen=True)
class Month:
    """Requests of one month of 730 hours that begins on a Monday, in order of time.

    Attributes:
        at: seconds since its begin.
        stream: which kind of work each is, an index.
        images: images of each.
    """

    at: Array
    stream: NDArray[np.int64]
    images: NDArray[np.int64]

    @property
    def hour_of_week(self) -> NDArray[np.int64]:
        """Of each request."""
        return (self.at // _HOUR_S).astype(np.int64) % _WEEK_H


def draw_month(volumes: Sequence[tuple[float, Shape]], rng: np.random.Generator, *, hours: int = HOURS_PER_MONTH) -> (
        Month):
    """One month, or its first hours.

    Args:
        volumes: images a month of each stream, and its shape. Streams of equal shape rise and fall together: they are
            the same users. So do streams of one past.
        rng: where chance comes from.
        hours: how many are drawn.
    """
    levels: dict[int, Array] = {}
    parts = []
    for stream, (volume, shape) in enumerate(volumes):
        if shape.past is not None:
            continue
        level = levels.get(id(shape))
        if level is None:
            level = levels[id(shape)] = _levels(shape, rng, hours)
        parts.append(_requests(stream, volume, shape, level=level, rng=rng))
    again = [(stream, volume, shape) for stream, (volume, shape) in enumerate(volumes) if shape.past is not None]
    parts += [(one.at, np.full(one.at.size, one.stream), one.images) for one in redrawn(again, rng, hours=hours)]
    at, streams, images = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(at, kind="stable")
    return Month(at[order], streams[order], images[order])


def _levels(shape: Shape, rng: np.random.Generator, count: int) -> Array:
    """Of every hour of the month: its place in the week, campaigns, the day's level and the hour's own."""
    hours = np.arange(count)
    profile = np.array(shape.hour_of_week)[hours % _WEEK_H]
    campaigns = np.array([shape.campaign_factor(int(hour)) for hour in hours])
    sigma = np.sqrt(np.log1p(shape.day_cv**2))
    days = rng.lognormal(-(sigma**2) / 2, sigma, hours[-1] // _DAY_H + 1)
    noise = rng.gamma(shape.hour_shape, 1 / shape.hour_shape, hours.size)
    rates: Array = profile / profile.mean() * campaigns * days[hours // _DAY_H] * noise
    return rates


def _requests(stream: int, volume: float, shape: Shape, *, level: Array, rng: np.random.Generator) -> (
        tuple[Array, NDArray[np.int64], NDArray[np.int64]]):
    expected = volume / shape.images_per_request / HOURS_PER_MONTH
    counts = rng.poisson(expected * level)
    hours = np.repeat(np.arange(level.size), counts)
    at = (hours + rng.random(hours.size)) * _HOUR_S
    numbers = np.array(list(shape.images_of_request), dtype=np.int64)
    shares = np.array(list(shape.images_of_request.values()))
    images = rng.choice(numbers, hours.size, p=shares / shares.sum())
    return at, np.full(hours.size, stream, dtype=np.int64), images
