"""Intervals for shares, one-sided: how much more often, at the least. Pure."""

from __future__ import annotations

import math

__all__ = ["Z_ONE_IN_A_THOUSAND", "least_difference", "wilson"]

Z_ONE_IN_A_THOUSAND = 3.0902323061678132
"""Of a normal distribution, one-sided. A trial is looked at many times, and each look may err."""


def wilson(count: int, total: int, *, z: float) -> tuple[float, float]:
    """The share behind `count` of `total`: Wilson's interval, which is right for few, for none and for all of them.

    https://doi.org/10.1080/01621459.1927.10502953
    """
    if total == 0:
        return 0.0, 1.0
    share, square = count / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def least_difference(count: int, total: int, *, other_count: int, other_total: int, z: float) -> float:
    """By how much a share exceeds another one at the least: Newcombe's lower limit, from two Wilson intervals.

    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I (method 10)
    """
    share = count / total if total else 0.0
    other = other_count / other_total if other_total else 0.0
    low, high = wilson(count, total, z=z)[0], wilson(other_count, other_total, z=z)[1]
    return share - other - math.hypot(share - low, high - other)
