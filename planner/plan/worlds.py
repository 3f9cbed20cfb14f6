"""How sure a plan is: joint draws of what nobody knows, month by month and for all of them together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bills import overage_usd
from .lines import FIXED_KINDS, OWN, usd_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.queueing import Array
    from planner.uncertainty import Draws, Spread

    from .fleet import Fleet
    from .lines import Month

__all__ = ["DRIVERS", "Range", "Worlds", "drawn_worlds", "range_of"]

DRIVERS = ("seconds", "rent", "staff", "price", "licence", "acceptance")
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

    Volume is a random walk in its logarithm, its median the plan's, and so is a hosted price from the day it was last
    seen, unless the scenario states a range of prices; everything else is drawn once for all months. What cards
    of ours then make, and how long they are on by demand, is read off the fleet's own simulation.

    Args:
        months: the plan.
        fleets: of each month.
        spreads: of those in `DRIVERS` that are not certain, as a break-even has them.
        draws: how many worlds, and from which seed.
        volume_doubt_share: one sigma of the volume a year ahead.
    """
    factors = {name: np.broadcast_to(np.asarray(draws.factors(spread), dtype=np.float64), (draws.count,))
               for name, spread in spreads.items() if name in DRIVERS}
    steps = np.stack([draws.normal(f"volume of month {month.month.number}") for month in months], axis=1)
    volume = np.exp(np.cumsum(steps, axis=1) * volume_doubt_share / np.sqrt(_MONTHS_PER_YEAR))
    usd = np.empty(volume.shape)
    outside, prices = 0, {}
    for at, (month, fleet) in enumerate(zip(months, fleets, strict=True)):
        if "price" not in factors:
            prices = _prices(month, draws)
        load = month.load * volume[:, at] * factors.get("seconds", 1.0) / factors.get("acceptance", 1.0)
        outside += int(fleet.outside(load).sum())
        usd[:, at] = _bill(month, fleet, volume=volume[:, at], load=load, factors=factors | prices)
    return Worlds(usd, _drivers(usd.sum(axis=1), {"volume": volume[:, -1]} | factors | prices), outside / usd.size)


def _prices(month: Month, draws: Draws) -> dict[str, Array]:
    """Of every hosted price that nobody has looked at for long, by its own stream; it drifts on from month to month."""
    doubts = {line.doubt.name: line.doubt for line in (*month.images_of, *month.idle) if line.doubt is not None}
    return {name: np.asarray(draws.factors(one)) for name, one in doubts.items() if not one.is_certain}


def _bill(month: Month, fleet: Fleet, *, volume: Array, load: Array, factors: Mapping[str, Array]) -> Array:
    case, paying = fleet.mix.drawn.planned.case, fleet.mix.paying
    by_work = factors.get("rent", 1.0) if paying.usd_per_busy_s else 1.0
    own_usd, hosted_usd, own_images, images = (np.zeros(volume.size) for _ in range(4))
    for line in (*month.images_of, *month.idle):
        drawn = fleet.own_share((line.segment, line.can_wait), load)
        made = line.asked * line.times * volume * (drawn if line.option == OWN else 1 - drawn)
        if line.option == OWN:
            made = made / factors.get("acceptance", 1.0)
            own_images += made
            own_usd += made * float(line.usd_per_image) * factors.get("seconds", 1.0) * by_work
        else:
            price = factors.get("price", factors.get(line.doubt.name, 1.0) if line.doubt else 1.0)
            hosted_usd += made * float(line.usd_per_image) * price
        images += made
    fixed = {kind: float(usd_of(bill for bill in month.fixed if bill.kind == kind)) for kind in FIXED_KINDS}
    rent = factors.get("rent", 1.0)
    cards = (fleet.on_hours(load) * paying.usd_per_on_h if paying.scales else fixed["cards"]) * rent
    licences = fixed["licence"] * factors.get("licence", 1.0) + overage_usd(case, own_images)
    staff, tuning = fixed["staff"] * factors.get("staff", 1.0), fixed["fine-tuning"] * rent
    tax = case.scenario.plan.tax_share * (hosted_usd + cards + licences)
    return own_usd + hosted_usd + cards + licences + staff + tuning + fixed["storage"] + fixed["commitment"] + tax + (
        images * case.scenario.review.usd_per_image)


def _drivers(total: Array, drawn: Mapping[str, Array]) -> tuple[tuple[str, float], ...]:
    ranks = np.argsort(np.argsort(total)).astype(np.float64)
    found = {}
    for name, values in drawn.items():
        if np.ptp(values) > 0:
            found[name] = float(np.corrcoef(ranks, np.argsort(np.argsort(values)))[0, 1]) ** 2
    whole = sum(found.values()) or 1.0
    return tuple(sorted(((name, value / whole) for name, value in found.items()), key=lambda pair: -pair[1]))
