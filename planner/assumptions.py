"""The eight assumptions that move a break-even, each with a 90 % interval and its pedigree.

A stated `[[range]]` outranks the default. Defaults and their reasons stand here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ScenarioError
from .uncertainty import Spread

if TYPE_CHECKING:
    from .scenario import Scenario

__all__ = ["UNITS", "assumption"]

UNITS = {
    "price": "USD per image replaced",
    "rent": "USD per GPU-hour",
    "hours": "hours a month",
    "seconds": "GPU-seconds per image",
    "staff": "full-time equivalents",
    "licence": "USD a month",
    "acceptance": "accepted share of own images",
    "busy": "share of paid hours a card may work",
}

_DUST = 1e-9  # of binary fractions in a mean over segments

# Relative 90 % intervals where the scenario states none.
_DEFAULTS = {
    "rent": (0.9, 1.25, "rents read in 2026 moved by +13 to +53 % within the year (Nebius, RunPod, Lambda H100)"),
    "staff": (0.5, 2.0, "assumption: small services need between half and twice the people first planned"),
    "acceptance": (0.85, 1.05, "assumption: acceptance of own images equals today's until outcomes are recorded"),
    "busy": (0.7, 1.2, "assumption: how busy a card may be before users wait depends on the traffic's shape"),
}


def assumption(scenario: Scenario, driver: str, *, mid: float, known: Spread | None = None) -> Spread:
    """The interval of one assumption around `mid`: stated in the scenario, known from data, or the default.

    Args:
        scenario: whose `[[range]]` may state it.
        driver: one of UNITS.
        mid: the scenario's own value, in the driver's unit.
        known: an interval that tables or measurements give.

    Raises:
        ScenarioError: a stated range that does not hold its own middle value.
    """
    for stated in scenario.range:
        if stated.driver == driver:
            dust = _DUST * mid
            if not stated.low - dust <= mid <= stated.high + dust:
                raise ScenarioError(scenario.name, key=f"range.{driver}", value=f"{stated.low:g}..{stated.high:g}",
                                    problem=f"does not hold the scenario's own {mid:g} {UNITS[driver]}",
                                    remedy="widen the range or change the value")
            return Spread(driver, mid, min(mid, stated.low), max(mid, stated.high), UNITS[driver], stated.source)
    if known is not None:
        return Spread(driver, mid, known.low, known.high, UNITS[driver], known.source)
    low, high, why = _DEFAULTS.get(driver, (1.0, 1.0, "as stated"))
    if mid == 0:
        low, high, why = 1.0, 1.0, "as stated"
    return Spread(driver, mid, mid * low, mid * high, UNITS[driver], why)
