"""Draws around assumptions: the same seed gives the same worlds, and a new assumption does not move the others."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Z95", "Array", "Draws", "Spread", "Value", "percentiles", "split_lognormal"]

Array = NDArray[np.float64]
Value = float | Array

Z95 = 1.6448536269514722  # the 95th percentile of a standard normal


@dataclass(frozen=True)
class Spread:
    """One assumption: its median, the 5th and 95th percentile, and where they come from."""

    name: str
    mid: float
    low: float
    high: float
    unit: str
    source: str

    @property
    def is_certain(self) -> bool:
        """True where no doubt is stated."""
        return self.low == self.high

    def factor(self, value: float) -> float:
        """A value of this assumption relative to its median."""
        return value / self.mid


@dataclass(frozen=True)
class Draws:
    """A family of random streams, one for each name, from one seed."""

    count: int
    seed: int

    def normal(self, name: str) -> NDArray[np.float64]:
        """Standard normal draws of shape (count,); the stream depends on the name and the seed alone."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())]).standard_normal(self.count)

    def factors(self, spread: Spread) -> Value:
        """Draws of an assumption divided by its median; 1.0 where it is certain."""
        if spread.is_certain:
            return 1.0
        return split_lognormal(self.normal(spread.name), low=spread.low / spread.mid, high=spread.high / spread.mid)


def split_lognormal(normal: NDArray[np.float64], *, low: float, high: float) -> NDArray[np.float64]:
    """Positive draws with median 1, 5th percentile `low` and 95th percentile `high` (low <= 1 <= high).

    Two half log-normals joined at the median: stated intervals are rarely symmetric, not even on a log scale.
    """
    below, above = -math.log(low) / Z95, math.log(high) / Z95
    return np.exp(normal * np.where(normal < 0, below, above))


def percentiles(values: Value, *ranks: float) -> tuple[float, ...]:
    """Order statistics at the given ranks in percent; infinity stands for "never" and keeps its place."""
    ordered = np.sort(np.atleast_1d(values))
    last = len(ordered) - 1
    return tuple(float(ordered[min(last, round(rank / 100 * last))]) for rank in ranks)
