"""How sure a plan is: joint draws of what nobody knows, month by month and for all of them together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .lines import OWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.queueing import Array
    from planner.uncertainty import Draws, Spread

    from .fleet import Fleet
    from .lines import Month

__all__ = ["Range", "Worlds", "drawn_worlds", "range_of"]

_MONTHS_PER_YEAR = 12
_SHARES = (10, 50, 80, 90)


@dataclass(frozen=True)
class Range:
    """Percentiles of an amount in US dollars."""

    p10: float
    p50: float
    p80: float
    p90: float


@dataclass(frozen=True)
class Worlds:
    """Draws of every month's bill, one row a world, and which drivers move the year most.

    Attributes:
        usd: worlds x months.
        drivers: share of the variance of the sum that moves with each driver, by rank correlation; largest first.
        outside_share: of worlds and months whose work lies beyond what a fleet was simulated at.
    """

    usd: Array
    drivers: tuple[tuple[str, float], ...]
    outside_share: float

    @property
    def months(self) -> tuple[Range, ...]:
        """Of each month alone."""
        return tuple(range_of(column) for column in self.usd.T)

    @property
    def total(self) -> Range:
        """Of all months together: not the sum of the months' percentiles."""
        return range_of(self.usd.sum(axis=1))


def range_of(usd: Array) -> Range:
    """Percentiles of draws."""
    return Range(*(float(value) for value in np.percentile(usd, _SHARES)))


def drawn_worlds(months: Sequence[Month], fleets: Sequence[Fleet], *, spreads: Mapping[str, Spread], draws: Draws,
                 volume_doubt_share: float) -> Worlds:
    """The plan's months in every world.

    Volume is a random walk in its logarithm, its median the plan's; own seconds, rent and staff are drawn once for all
    months. What cards of ours then make is read off the fleet's own simulation.

    Args:
        months: the plan.
        fleets: of each month.
        spreads: of `seconds`, `rent`, `staff` and `price`, as a break-even has them.
        draws: how many worlds, and from which seed.
        volume_doubt_share: one sigma of the volume a year ahead.
    """
    factors = {name: np.broadcast_to(np.asarray(draws.factors(spread), dtype=np.float64), (draws.count,))
               for name, spread in spreads.items() if name in ("seconds", "rent", "staff", "price")}
    steps = np.stack([draws.normal(f"volume of month {month.month.number}") for month in months], axis=1)
    volume = np.exp(np.cumsum(steps, axis=1) * volume_doubt_share / np.sqrt(_MONTHS_PER_YEAR))
    usd = np.empty(volume.shape)
    outside = 0
    for at, (month, fleet) in enumerate(zip(months, fleets, strict=True)):
        load = month.load * volume[:, at] * factors.get("seconds", 1.0)
        outside += int(fleet.outside(load).sum())
        usd[:, at] = _bill(month, fleet, volume=volume[:, at], load=load, factors=factors)
    return Worlds(usd, _drivers(usd.sum(axis=1), {"volume": volume[:, -1]} | factors), outside / usd.size)


def _bill(month: Month, fleet: Fleet, *, volume: Array, load: Array, factors: Mapping[str, Array]) -> Array:
    total = np.zeros(volume.size)
    for line in month.images_of:
        planned = float(fleet.own_share((line.segment, line.can_wait), month.load))
        drawn = fleet.own_share((line.segment, line.can_wait), load)
        if line.option == OWN:
            moved = np.divide(drawn, planned, out=np.ones(volume.size), where=planned > 0) if planned > 0 else 1.0
            total += float(line.usd) * volume * moved * factors.get("seconds", 1.0)
        else:
            moved = (1 - drawn) / (1 - planned) if planned < 1 else np.ones(volume.size)
            each = line.asked * line.times * float(line.usd_per_image) * factors.get("price", 1.0)
            total += each * volume * (line.share * moved if planned < 1 else 1 - drawn)
    for bill in month.fixed:
        by = {"cards": factors.get("rent", 1.0), "staff": factors.get("staff", 1.0), "review": volume, "tax": volume,
              "licence overage": volume}
        total += float(bill.usd) * by.get(bill.kind, 1.0)
    return total


def _drivers(total: Array, drawn: Mapping[str, Array]) -> tuple[tuple[str, float], ...]:
    ranks = np.argsort(np.argsort(total)).astype(np.float64)
    found = {}
    for name, values in drawn.items():
        if np.ptp(values) > 0:
            found[name] = float(np.corrcoef(ranks, np.argsort(np.argsort(values)))[0, 1]) ** 2
    whole = sum(found.values()) or 1.0
    return tuple(sorted(((name, value / whole) for name, value in found.items()), key=lambda pair: -pair[1]))
