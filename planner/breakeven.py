"""From which volume own GPUs pay, against which price, how surely, and what moves it most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .curve import CostCurve, binding_term, durable_crossing, first_crossing
from .own import OwnSide, own_curve
from .uncertainty import Array, Spread, Value, percentiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from .case import Case

__all__ = ["BreakEven", "PriceReplaced", "Swing", "break_even", "drawn_curve", "point_curve"]

_VOLUMES = 41  # points on the probability curve
_SMALLEST_VOLUME = 100.0


@dataclass(frozen=True)
class PriceReplaced:
    """The hosted price a GPU would replace: what it is called, its blend over the mix, and the doubt around it.

    `parts` are (share of the images, price spread) for each option blended; a stated range replaces their doubts.
    `credit_usd_per_month` is what a contract takes off the bill of the images that move, and would be lost;
    `unchecked_days` the age of the longest unchecked price, 0 where all are fresh.
    """

    name: str
    says: str
    parts: tuple[tuple[float, Spread], ...]
    stated: Spread | None = None
    credit_usd_per_month: float = 0.0
    unchecked_days: int = 0

    @property
    def usd_per_image(self) -> float:
        """The blended price at its median."""
        return sum(share * spread.mid for share, spread in self.parts)

    @property
    def spread(self) -> Spread:
        """The blended price's 90 % interval, all its parts moving together."""
        if self.stated is not None:
            return self.stated
        low = sum(share * spread.low for share, spread in self.parts)
        high = sum(share * spread.high for share, spread in self.parts)
        return Spread("price", self.usd_per_image, low, high, "USD per image replaced", self.parts[0][1].source)

    def factors(self, case: Case) -> Value:
        """Draws of the price divided by its median; each price row has its own stream."""
        if self.stated is not None:
            return case.draws.factors(self.stated)
        drawn = sum(share * spread.mid * case.draws.factors(spread) for share, spread in self.parts)
        return drawn / self.usd_per_image


@dataclass(frozen=True)
class Swing:
    """What one assumption does to the break-even volume when it alone moves over its 90 % interval."""

    spread: Spread
    at_low: float
    at_high: float

    @property
    def reach(self) -> float:
        """How far the volume moves, as the log of its ratio; infinite where one end means never."""
        if not (np.isfinite(self.at_low) and np.isfinite(self.at_high)):
            return 0.0 if self.at_low == self.at_high else np.inf
        return abs(float(np.log(max(self.at_high, 1.0) / max(self.at_low, 1.0))))


@dataclass(frozen=True)
class BreakEven:
    """The answer against one price. Volumes are today's images a month; infinity means never below the horizon.

    `first` and `durable` hold for the scenario as it stands, `beyond` is the first crossing however large it is,
    `p10`, `p50`, `p90` are order statistics of the first
    crossing over the draws. `cheaper_share[i]` is the share of draws in which own GPUs are cheaper at `volumes[i]`.
    """

    against: PriceReplaced
    first: float
    durable: float
    beyond: float
    p10: float
    p50: float
    p90: float
    binding: str
    full_load_usd_per_image: float
    images_per_gpu_month: float
    volumes: tuple[float, ...]
    cheaper_share: tuple[float, ...]
    cheaper_share_now: float
    swings: tuple[Swing, ...]


def break_even(case: Case, side: OwnSide, *, price: PriceReplaced, volume: float,
               progress: Callable[[float], None] | None = None) -> BreakEven:
    """Where own GPUs cross a hosted price.

    Args:
        case: the question, with its draws.
        side: the own side for the images that move.
        price: the hosted price replaced.
        volume: today's displaceable images a month, for the probability "now".
        progress: told the share of the work done.
    """
    horizon = case.scenario.horizon_images_per_month
    point, drawn = point_curve(case, side, price=price), drawn_curve(case, side, price=price)
    p10, p50, p90 = percentiles(_within(first_crossing(drawn), horizon), 10, 50, 90)
    volumes = np.geomspace(_SMALLEST_VOLUME, horizon, _VOLUMES)
    shares = []
    for done, images in enumerate(volumes):
        shares.append(_cheaper_share(drawn, float(images)))
        if progress is not None:
            progress((done + 1) / _VOLUMES)
    return BreakEven(
        against=price, first=_volume(first_crossing(point), horizon),
        durable=_volume(durable_crossing(point), horizon), beyond=_volume(first_crossing(point), np.inf),
        p10=_rounded(p10), p50=_rounded(p50), p90=_rounded(p90), binding=_binding(point, horizon),
        full_load_usd_per_image=_full_load(point),
        images_per_gpu_month=float(point.images_per_gpu_month),
        volumes=tuple(float(images) for images in volumes), cheaper_share=tuple(shares),
        cheaper_share_now=_cheaper_share(drawn, volume), swings=_swings(case, side, price, horizon))


def point_curve(case: Case, side: OwnSide, *, price: PriceReplaced) -> CostCurve:
    """The two lines with every assumption at its median."""
    return own_curve(case, side, price=(price.usd_per_image, 1.0), factors={},
                     credit_usd_per_month=price.credit_usd_per_month)


def drawn_curve(case: Case, side: OwnSide, *, price: PriceReplaced) -> CostCurve:
    """The two lines in every drawn world."""
    factors = {name: case.draws.factors(spread) for name, spread in side.spreads.items()}
    return own_curve(case, side, price=(price.usd_per_image, price.factors(case)), factors=factors,
                     credit_usd_per_month=price.credit_usd_per_month)


def _binding(point: CostCurve, horizon: float) -> str:
    """Why it never pays, or not for good; an empty text where it does."""
    return "" if _volume(durable_crossing(point), horizon) < np.inf else binding_term(point)


def _cheaper_share(curve: CostCurve, images: float) -> float:
    return float(np.mean(curve.own_usd(images) <= curve.hosted_usd(images)))


def _full_load(point: CostCurve) -> float:
    """USD per own image on a card that is as busy as the promise allows, staff and licence base aside."""
    return float(point.gpu_usd_per_month / point.images_per_gpu_month + point.own_usd_per_image
                 + point.licence_usd_per_extra_image)


def _swings(case: Case, side: OwnSide, price: PriceReplaced, horizon: float) -> tuple[Swing, ...]:
    def at(factors: dict[str, float]) -> float:
        curve = own_curve(case, side, price=(price.usd_per_image, factors.get("price", 1.0)), factors=factors,
                          credit_usd_per_month=price.credit_usd_per_month)
        return _volume(first_crossing(curve), horizon)

    doubts = [price.spread, *side.spreads.values()]
    swings = [Swing(doubt, at({doubt.name: doubt.factor(doubt.low)}), at({doubt.name: doubt.factor(doubt.high)}))
              for doubt in doubts if not doubt.is_certain]
    return tuple(sorted(swings, key=lambda swing: -swing.reach))


def _within(volumes: Array, horizon: float) -> Array:
    return np.where(volumes <= horizon, volumes, np.inf)


def _volume(crossing: Value, horizon: float) -> float:
    return _rounded(float(_within(np.atleast_1d(crossing), horizon)[0]))


def _rounded(images: float) -> float:
    """A volume without the dust of binary fractions: a millionth of an image."""
    return round(images, 6)
