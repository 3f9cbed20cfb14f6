"""Bills beside the images, planned and actual: what the books tell of them, and what stays as planned. Pure.

The hours of our cards are in the books. Looking at images goes by how many there were, tax by what is taxed, both at
the plan's own rate. Of staff, storage, licences and what is signed the books hold nothing.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from planner.plan.lines import FIXED_KINDS, OWN
from router.quantities import micro_usd

from .variance_line import VarianceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .forecasts import ForecastMonth
    from .made import MadeMonth

__all__ = ["bill_lines", "stated_bills"]

_TAXED = ("cards", "licence", "licence overage")


def stated_bills(texts: Iterable[str]) -> dict[str, int]:
    """Micro-dollars of bills by kind, from `staff=1600.00`.

    Raises:
        PlannerError: no such kind, named twice, or no amount.
    """
    found: dict[str, int] = {}
    for text in texts:
        kind, equals, amount = text.partition("=")
        try:
            usd = Decimal(amount if equals else "NaN")
        except ArithmeticError:
            usd = Decimal("NaN")
        if not usd.is_finite():
            raise PlannerError(f"--bill {text!r}: no amount; write it as staff=1600.00, in US dollars")
        if kind not in FIXED_KINDS or kind in found:
            raise PlannerError(f"--bill {text!r}: {'given twice' if kind in found else 'no such bill'}; use each of "
                               f"{', '.join(FIXED_KINDS)} once")
        found[kind] = micro_usd(usd)
    return found


def bill_lines(planned: ForecastMonth, made: MadeMonth, *, stated: Mapping[str, int],
               in_price: bool) -> tuple[list[VarianceLine], list[str]]:
    """A line for each kind of bill, and what is taken as planned.

    Args:
        planned: the month in the plan.
        made: the month.
        stated: bills by kind, as they came.
        in_price: the plan pays for cards with each image, so that only idle ones stand here.
    """
    plan = dict.fromkeys((*(bill["kind"] for bill in planned.fixed), *stated), 0)
    for bill in planned.fixed:
        plan[bill["kind"]] += micro_usd(Decimal(bill["usd"]))
    cards = made.idle_micro_usd if in_price else made.cards_micro_usd
    if cards:
        plan.setdefault("cards", 0)
    actual: dict[str, int] = {}
    assumed = []
    for kind, usual in plan.items():
        if kind in stated:
            actual[kind] = stated[kind]
        elif kind == "cards" and (cards or not made.unpriced):
            actual[kind] = cards
        elif kind == "review":
            actual[kind] = _reviewed(planned, made)
        elif kind != "tax":
            actual[kind] = usual
            assumed.append(kind)
    if "tax" in plan and "tax" not in actual:
        actual["tax"] = _taxed(planned, made, actual)
    notes = [f"as planned, since the books do not hold it: {', '.join(assumed)} (--bill KIND=USD states what came)"
             ] if assumed else []
    return [VarianceLine(kind, "", kind, Fraction(0), Fraction(0), usual, actual[kind], fixed=actual[kind] - usual)
            for kind, usual in plan.items()], notes


def _rate(planned: ForecastMonth, kind: str) -> Fraction:
    return next(Fraction(Decimal(bill["usd_each"])) for bill in planned.fixed if bill["kind"] == kind)


def _reviewed(planned: ForecastMonth, made: MadeMonth) -> int:
    images = sum(one.images for one in made.work.values())
    return round(_rate(planned, "review") * images * 1_000_000)


def _taxed(planned: ForecastMonth, made: MadeMonth, actual: Mapping[str, int]) -> int:
    hosted = sum(one.settled_micro_usd for (_, option), one in made.work.items() if option != OWN)
    return round(_rate(planned, "tax") * (hosted + sum(actual.get(kind, 0) for kind in _TAXED)))
