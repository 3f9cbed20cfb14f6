"""What a bought server costs, as formulas over its inputs: `planner.gpu_costs.Owned`, step by step. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.quantities import HOURS_PER_MONTH, MONTHS_PER_YEAR

from .inputs import Input
from .pages import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.gpu_costs import Owned

__all__ = ["invested_usd", "running_usd_per_month", "server_costs"]

_INPUTS = (
    ("capex_usd", "price of the server", "USD"),
    ("gpus", "cards that come together", "cards"),
    ("adder_share", "network, racks and freight on top", "share"),
    ("life_months", "months until it is written off", "months"),
    ("residual_share", "of what was invested, left at the end", "share"),
    ("capital_share_per_year", "cost of capital", "share a year"),
    ("power_kw", "power under load", "kW"),
    ("load_share", "of it, on average", "share"),
    ("usd_per_kwh", "electricity", "USD a kWh"),
    ("pue", "power of the site over that of the server", "ratio"),
    ("colo_usd_per_kw_month", "space", "USD a kW and month"),
    ("failures_share_per_year", "servers that fail", "share a year"),
    ("failure_cost_share", "of the invested sum, what a failure costs", "share"))

_RUNNING = ("{p}_power_kw*{p}_load_share*hours_per_month*{p}_usd_per_kwh*{p}_pue+{p}_power_kw*{p}_colo_usd_per_kw_month"
            "+{p}_invested_usd*{p}_failures_share_per_year*{p}_failure_cost_share/months_per_year")
_MONTH = ("({p}_invested_usd-{p}_residual_usd)/{p}_life_months+AVERAGE({p}_invested_usd,{p}_residual_usd)"
          "*{p}_capital_share_per_year/months_per_year+{p}_running_usd_per_month")


def invested_usd(owned: Owned) -> float:
    """What is paid at the beginning."""
    return float(owned.capex_usd) * (1 + owned.adder_share)


def running_usd_per_month(owned: Owned) -> float:
    """Power, space and repairs."""
    energy = owned.power_kw * owned.load_share * HOURS_PER_MONTH * float(owned.usd_per_kwh) * owned.pue
    repairs = invested_usd(owned) * owned.failures_share_per_year * owned.failure_cost_share / MONTHS_PER_YEAR
    return energy + owned.power_kw * float(owned.colo_usd_per_kw_month) + repairs


def server_costs(owned: Owned, *, prefix: str) -> Iterator[Input]:
    """Inputs of a server, and its month; names begin with `prefix`."""
    for name, what, unit in _INPUTS:
        yield Input(f"{prefix}_{name}", what, getattr(owned, name), unit,
                    "needs re-run" if name in ("gpus", "life_months") else "live")
    invested = invested_usd(owned)
    for name, what, value, unit, formula in (
            ("invested_usd", "paid at the beginning", invested, "USD", "{p}_capex_usd*(1+{p}_adder_share)"),
            ("residual_usd", "left at the end", invested * owned.residual_share, "USD",
             "{p}_invested_usd*{p}_residual_share"),
            ("running_usd_per_month", "power, space and repairs", running_usd_per_month(owned), "USD a month",
             _RUNNING),
            ("usd_per_month", "the whole server's month", owned.usd_per_month(), "USD a month",
             _MONTH)):
        yield Input(f"{prefix}_{name}", what, Live(formula.format(p=prefix), value), unit, "computed", "computed")
