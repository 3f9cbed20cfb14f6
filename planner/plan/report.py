"""A plan for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import content_hash, plan_purchase, reported
from .events import events_of
from .lines import OWN, usd_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .monthly import Plan

__all__ = ["plan_lines"]

_CELLS = (("hosted", 12), ("own cards", 12), ("people", 12), ("other", 12), ("USD", 14), ("10 %", 12), ("90 %", 12),
          ("images", 12), ("own", 7), ("$/accepted", 12))
_PEOPLE = ("staff", "review")
_CARDS = ("cards", "storage", "fine-tuning", "licence", "licence overage")


def plan_lines(plan: Plan) -> Iterator[str]:
    """The months, what they come to together and how sure that is, and what happens in between."""
    scenario, total = plan.case.scenario, plan.worlds.total
    yield scenario.name
    yield (f"Planned on {plan.case.on}; {plan.case.draws.count:,} worlds drawn; scenario "
           f"{content_hash(scenario)[:12]}; each month at the prices of its first day")
    yield ""
    yield f"{'':18}" + "".join(f"{name:>{width}}" for name, width in _CELLS)
    yield from _months(plan)
    yield ""
    yield (f"Together ${plan.usd:,.2f}: half of the worlds below ${total.p50:,.0f}, one in ten below "
           f"${total.p10:,.0f}, nine in ten below ${total.p90:,.0f} (of all months together, not the sum of "
           "the months)")
    yield f"Contingency ${total.p80 - total.p50:,.0f}: four of five worlds then stay within the sum"
    if plan.worlds.drivers:
        yield "What moves it: " + ", ".join(f"{name} {share:.0%}" for name, share in plan.worlds.drivers[:3])
    told = [reported(plan, month.usd, month.month.first) for month in plan.months]
    known = [amount for amount in told if amount is not None]
    if known and len(known) == len(told):
        yield f"In {scenario.plan.currency}, at each month's rate: {sum(known):,.2f}"
    elif known or scenario.plan.currency != "USD":
        yield f"In {scenario.plan.currency}: no rate is in force for some months; add [[plan.fx]] rows"
    yield from _purchase(plan)
    for event in events_of(plan):
        yield f"{'The plan stops before ' * (event.kind == 'stop')}{event.month}: {event.text}"
    if plan.worlds.outside_share:
        yield (f"{plan.worlds.outside_share:.1%} of the drawn months are busier or quieter than any that was "
               "simulated; their fleet's share is that at the edge")


def _months(plan: Plan) -> Iterator[str]:
    for month, sure in zip(plan.months, plan.worlds.months, strict=True):
        people = usd_of([bill for bill in month.fixed if bill.kind in _PEOPLE])
        hosted = usd_of([line for line in month.images_of if line.option != OWN])
        cards = usd_of([bill for bill in month.fixed if bill.kind in _CARDS]) + usd_of(
            [line for line in month.images_of if line.option == OWN])
        made = sum(float(line.images) for line in month.images_of if line.option == OWN)
        each = f"{month.usd / month.accepted:.5f}" if month.accepted else "-"
        cells = (f"{hosted:,.2f}", f"{cards:,.2f}", f"{people:,.2f}", f"{month.usd - hosted - cards - people:,.2f}",
                 f"{month.usd:,.2f}", f"{sure.p10:,.0f}", f"{sure.p90:,.0f}", f"{month.images:,.0f}",
                 f"{made / float(month.images):.0%}" if month.images else "-", each)
        yield f"{month.month.label} {month.month.fiscal_label:10}" + "".join(
            f"{cell:>{width}}" for cell, (_, width) in zip(cells, _CELLS, strict=True))


def _purchase(plan: Plan) -> Iterator[str]:
    bought = plan_purchase(plan)
    if bought is None:
        return
    rate = "no rate of return" if bought.irr_per_year is None else f"{bought.irr_per_year:.1%} a year"
    back = "never paid back" if bought.payback is None else f"paid back in {bought.payback} months"
    yield (f"Buying instead of renting: ${-bought.flows[0]:,.0f} now, worth ${bought.npv_usd:,.0f} today at "
           f"{bought.rate_per_year:.0%} a year, {rate}, {back}; its month is ${bought.usd_per_month:,.0f}")
