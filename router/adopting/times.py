"""Medians and 95th percentiles of any number of times, in bounded memory."""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist

__all__ = ["PredictedTimes", "SeenTimes"]

_STEP = math.log(1.01)
_LEAST_S = 1e-3
_HALVINGS = 60
_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(0.95)


def _place(seconds: float) -> int:
    return math.floor(math.log(max(seconds, _LEAST_S)) / _STEP)


def _seconds(place: int) -> float:
    return math.exp((place + 0.5) * _STEP)


class SeenTimes:
    """Times that were measured; a percentile is right to half a per cent."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[_place(seconds)] += 1

    def at(self, share: float) -> float | None:
        """Seconds within which that share of them was; None where there are none."""
        wanted, seen = share * self._counts.total(), 0
        for place in sorted(self._counts):
            seen += self._counts[place]
            if seen >= wanted:
                return _seconds(place)
        return None


class PredictedTimes:
    """Times that are expected: each a lognormal through its median and 95th percentile, without waiting."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int]] = Counter()

    def add(self, p50_s: float, p95_s: float) -> None:
        """Count one."""
        self._counts[_place(p50_s), _place(p95_s)] += 1

    def at(self, share: float) -> float | None:
        """Seconds within which that share of them is expected; None where there are none."""
        if not self._counts:
            return None
        low = math.log(_LEAST_S)
        high = max(math.log(_seconds(p95)) for _, p95 in self._counts) + 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._share_within(middle) < share else (low, middle)
        return math.exp(high)

    def _share_within(self, log_seconds: float) -> float:
        total = 0.0
        for (p50, p95), count in self._counts.items():
            spread = max((p95 - p50) * _STEP / _Z95, 1e-9)
            total += count * _NORMAL.cdf((log_seconds - math.log(_seconds(p50))) / spread)
        return total / self._counts.total()
