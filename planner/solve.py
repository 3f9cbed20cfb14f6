"""Turn the question round: which rent, price, licence, staff or acceptance makes own GPUs and hosted cost the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.optimize import brentq

from .assumptions import UNITS
from .breakeven import PriceReplaced, point_curve
from .own import OwnSide, own_curve

if TYPE_CHECKING:
    from .case import Case

__all__ = ["SOLVABLE", "Solved", "solve"]

SOLVABLE = ("licence", "staff", "rent", "price", "acceptance")
_LEAST_ACCEPTANCE = 0.01


@dataclass(frozen=True)
class Solved:
    """The value at which own GPUs cost what the price `against` does at `images` a month; None where no value does it.

    `says` tells on which side of the value own GPUs win, or why there is none.
    """

    driver: str
    against: str
    unit: str
    images: float
    now: float
    value: float | None
    says: str


def solve(case: Case, side: OwnSide, *, price: PriceReplaced, driver: str, images: float) -> Solved:
    """The break-even value of one assumption at `images` a month, everything else at its median.

    Both lines are straight in licence, staff, rent and price, so one gap and one slope give the value; acceptance
    moves whole GPUs and is searched.
    """
    curve = point_curve(case, side, price=price)
    gap_usd = float(curve.hosted_usd(images) - curve.own_usd(images))
    if driver == "acceptance":
        return _acceptance(case, side, price, images)
    now, slope_usd = {
        "licence": (side.spreads["licence"].mid, 1.0),
        "staff": (side.spreads["staff"].mid, float(case.scenario.own.staff.usd_per_fte_month)),
        "price": (price.usd_per_image, -images),
        "rent": (side.spreads["rent"].mid, _usd_per_rent(case, side, price, images)),
    }[driver]
    value = now + gap_usd / slope_usd if slope_usd else -1.0
    return _told((driver, price.name), images, now, value if value >= 0 else None)


def _usd_per_rent(case: Case, side: OwnSide, price: PriceReplaced, images: float) -> float:
    """USD a month that one more USD per GPU-hour adds."""
    doubled = own_curve(case, side, price=(price.usd_per_image, 1.0), factors={"rent": 2.0},
                        credit_usd_per_month=price.credit_usd_per_month)
    single = point_curve(case, side, price=price)
    return float(doubled.own_usd(images) - single.own_usd(images)) / side.spreads["rent"].mid


def _acceptance(case: Case, side: OwnSide, price: PriceReplaced, images: float) -> Solved:
    now = side.spreads["acceptance"].mid

    def gap_usd(share: float) -> float:
        curve = own_curve(case, side, price=(price.usd_per_image, 1.0), factors={"acceptance": share / now},
                          credit_usd_per_month=price.credit_usd_per_month)
        return float(curve.hosted_usd(images) - curve.own_usd(images))

    if gap_usd(1.0) < 0 or gap_usd(_LEAST_ACCEPTANCE) > 0:
        return _told(("acceptance", price.name), images, now, None)
    return _told(("acceptance", price.name), images, now, float(brentq(gap_usd, _LEAST_ACCEPTANCE, 1.0, xtol=1e-6)))


def _told(named: tuple[str, str], images: float, now: float, value: float | None) -> Solved:
    driver, against = named
    if value is None:
        return Solved(driver, against, UNITS[driver], images, now, None, f"no {driver} makes the two sides equal")
    side = "below" if driver in ("licence", "staff", "rent") else "above"
    return Solved(driver, against, UNITS[driver], images, now, value, f"own GPUs win {side} it")
