"""What a board reads of a plan: the ask, how sure it is, what moves it, what is to be decided and what it ties down."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from .document import plan_purchase
from .lines import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .monthly import Plan

__all__ = ["LEAST_DRIVER_SHARE", "Board", "board_of"]

LEAST_DRIVER_SHARE = 0.01
_DRIVERS = 3
_NOTHING_SIGNED = "nothing is signed: hosted images and cards by the hour end when they are no longer asked for"


class Board(NamedTuple):
    """The first page.

    Attributes:
        ask: the scenario's own, or a sentence made from the verdict.
        facts: names and amounts, the most important first.
        drivers: what moves the sum, the most important first.
        decisions: what is wanted of the reader.
        commitments: what is signed or would be, and what it costs to leave.
    """

    ask: str
    facts: tuple[tuple[str, str], ...]
    drivers: tuple[str, ...]
    decisions: tuple[str, ...]
    commitments: tuple[str, ...]


def board_of(plan: Plan) -> Board:
    """The first page of a plan."""
    total, days = plan.worlds.total, f"{plan.months[0].month.label} to {plan.months[-1].month.label}"
    facts = (("Planned", f"${plan.usd:,.2f}"), ("P50: half of the worlds stay below", f"${total.p50:,.0f}"),
             ("P90: nine in ten worlds stay below", f"${total.p90:,.0f}"),
             ("Contingency: P80 less P50", f"${total.p80 - total.p50:,.0f}"), ("Months", days),
             ("Prices of", f"{plan.case.on}, each month on its first day"))
    drivers = tuple(f"{name}: {share:.0%} of what moves the sum"
                    for name, share in plan.worlds.drivers[:_DRIVERS] if share >= LEAST_DRIVER_SHARE)
    return Board(plan.case.scenario.plan.ask or f"Approve ${plan.usd:,.2f} for {days}: {_verdict(plan)}.", facts,
                 drivers or ("nothing: every assumption is stated as certain",), tuple(_decisions(plan)),
                 tuple(_commitments(plan)) or (_NOTHING_SIGNED,))


def _verdict(plan: Plan) -> str:
    most = max(month.most_cards for month in plan.months)
    if not most:
        return "every image is made at hosted accounts, and no card is worth its month"
    made = sum((month.images for month in plan.months), Decimal(0))
    own = sum((line.images for month in plan.months for line in month.images_of if line.option == OWN), Decimal(0))
    share = f"{float(own / made):.0%}" if made else "none"
    return (f"own {plan.case.scenario.own.gpu} cards, at most {most} at once, make {share} of the images, hosted "
            "accounts the others")


def _decisions(plan: Plan) -> Iterator[str]:
    total, first = plan.worlds.total, plan.months[0]
    yield (f"A budget of ${total.p50:,.0f}, and ${total.p80 - total.p50:,.0f} beside it that is released only when "
           "it is needed")
    if first.most_cards:
        yield (f"Up to {first.most_cards} {plan.case.scenario.own.gpu} from {first.month.label}: "
               f"{first.gpu_hours:,.0f} GPU-hours a month, {plan.fleets[0].mix.paying.word}")
    hosted = sorted({line.option.partition("/")[0] for month in plan.months for line in month.images_of
                     if line.option != OWN})
    if hosted:
        yield f"Accounts with {', '.join(hosted)}, their spending limits above the months' bills"
    bought = plan_purchase(plan)
    if bought is not None:
        yield (f"Buy or rent: a purchase of ${-bought.flows[0]:,.0f} is worth ${bought.npv_usd:,.0f} today at "
               f"{bought.rate_per_year:.0%} a year")
    if plan.stopped:
        yield f"A successor: the plan stops before {plan.stopped}"


def _commitments(plan: Plan) -> Iterator[str]:
    scenario, reserved = plan.case.scenario, max(fleet.mix.best.outcome.reserved for fleet in plan.fleets)
    for one in scenario.plan.commitment:
        yield (f"{one.name}: ${one.usd_per_month:,.2f} a month from {one.first_month} for {one.months} months, "
               f"${one.usd_per_month * one.months:,.2f} in all; leaving early costs ${one.exit_usd:,.2f}")
    if reserved:
        paying = plan.fleets[0].mix.paying
        yield (f"{reserved} reserved card{'s' * (reserved > 1)} ({paying.reserved_from}): the cost of leaving early is "
               "not known; ask before signing")
    if any(month.most_cards for month in plan.months):
        for held in scenario.licence:
            yield (f"Licence of {held.vendor}: ${held.usd_per_month:,.2f} a month, {held.term_months} months, "
                   f"{held.document}; the cost of leaving early is not stated")
