"""Buying a server instead of renting its cards: cash by month, net present value, rate of return, payback. Pure.

Conventions: money spent at the beginning is month 0 and is not discounted; what a month saves is discounted by as many
months; the yearly rate is compounded monthly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import HOURS_PER_MONTH, MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.gpu_costs import Owned

__all__ = ["Purchase", "cash_flows", "payback_months", "present_value", "purchase_of", "rate_of_return"]

_MOST_RATE = 10.0


@dataclass(frozen=True)
class Purchase:
    """A purchase beside the rent it replaces.

    Attributes:
        flows: US dollars by month, the first being what is paid at the beginning, the last with the residual.
        npv_usd: of the flows at the yearly discount rate.
        irr_per_year: the rate at which they come to nothing; None where no rate does.
        payback, discounted_payback: months until what is saved has paid for it; None where it never does.
        usd_per_month: its whole month, as a like-for-like of the rent.
    """

    flows: tuple[float, ...]
    rate_per_year: float
    npv_usd: float
    irr_per_year: float | None
    payback: int | None
    discounted_payback: int | None
    usd_per_month: float


def purchase_of(owned: Owned, rents_usd: Sequence[float], *, rate_per_year: float) -> Purchase:
    """A server against the rents of the months it would replace; the last month's rent goes on to the end of its life.

    Args:
        owned: the server.
        rents_usd: of the plan's months.
        rate_per_year: discount rate.
    """
    flows = cash_flows(owned, rents_usd)
    monthly = (1 + rate_per_year) ** (1 / MONTHS_PER_YEAR) - 1
    discounted = [flow / (1 + monthly) ** month for month, flow in enumerate(flows)]
    return Purchase(flows, rate_per_year, present_value(flows, rate_per_year=rate_per_year), rate_of_return(flows),
                    payback_months(flows), payback_months(discounted), owned.usd_per_month())


def cash_flows(owned: Owned, rents_usd: Sequence[float]) -> tuple[float, ...]:
    """The invested sum, then each month's rent less power, space and repairs, and the residual with the last."""
    invested = float(owned.capex_usd) * (1 + owned.adder_share)
    energy = owned.power_kw * owned.load_share * HOURS_PER_MONTH * float(owned.usd_per_kwh) * owned.pue
    running = energy + owned.power_kw * float(owned.colo_usd_per_kw_month) + (
        invested * owned.failures_share_per_year * owned.failure_cost_share / MONTHS_PER_YEAR)
    rents = [*rents_usd, *[rents_usd[-1]] * max(0, owned.life_months - len(rents_usd))][:owned.life_months]
    flows = [-invested, *(rent - running for rent in rents)]
    flows[-1] += invested * owned.residual_share
    return tuple(flows)


def present_value(flows: Sequence[float], *, rate_per_year: float) -> float:
    """Of monthly flows; the first is now."""
    months = np.arange(len(flows))
    return float((np.asarray(flows) / (1 + rate_per_year) ** (months / MONTHS_PER_YEAR)).sum())


def rate_of_return(flows: Sequence[float]) -> float | None:
    """The yearly rate at which the flows are worth nothing; None where their sign never changes, or no rate does."""
    from scipy.optimize import brentq  # noqa: PLC0415 (loaded where a purchase is asked about)

    if min(flows) >= 0 or max(flows) <= 0:
        return None
    low, high = -0.99, _MOST_RATE
    ends = [present_value(flows, rate_per_year=rate) for rate in (low, high)]
    if ends[0] * ends[1] > 0:
        return None
    return float(brentq(lambda rate: present_value(flows, rate_per_year=rate), low, high, xtol=1e-12))


def payback_months(flows: Sequence[float]) -> int | None:
    """The first month at whose end the flows together are no longer negative."""
    paid = np.flatnonzero(np.cumsum(flows) >= 0)
    return int(paid[0]) if paid.size else None
