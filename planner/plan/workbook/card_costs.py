"""What own cards cost, as formulas over their inputs: the ways of `planner.mix.paying`, step by step. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.gpu_costs import Owned, Rented, Serverless

from .inputs import STATED, Input
from .pages import Live
from .server_costs import server_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.card_conditions import Autoscale
    from planner.mix.paying import Paying

    from .facts import Facts

__all__ = ["card_costs"]


def card_costs(facts: Facts) -> Iterator[Input]:
    """Inputs of the scenario's way to come by cards, and what follows for an hour, a month and a second."""
    own, paying = facts.plan.case.scenario.own, facts.plan.fleets[0].mix.paying
    cost = own.cost
    yield Input("lost_share", "work done twice after interruptions", paying.lost_share, "share", "needs re-run")
    if isinstance(cost, Rented):
        yield Input("rent_usd_per_gpu_h", f"one {own.gpu}, {cost.plan}", cost.usd_per_gpu_h or 0, "USD a GPU-hour",
                    source=_rent_source(facts, cost))
        yield Input("start_minutes", "paid for whenever a card is switched on", own.start_minutes, "minutes",
                    "needs re-run" if paying.scales else "live")
    elif isinstance(cost, Serverless):
        yield Input("usd_per_gpu_s", f"one {own.gpu} from start to off", cost.usd_per_gpu_s, "USD a second")
        yield Input("cold_start_s", "until a cold card works", cost.cold_start_s, "s", "needs re-run")
        yield Input("idle_tail_s", "paid for after the last image", cost.idle_tail_s, "s", "needs re-run")
    elif isinstance(cost, Owned):
        yield from server_costs(cost, prefix="server")
    else:  # its power is in the quoted price of an own image
        yield Input("opportunity_usd_per_gpu_h", "what an hour of a card is worth elsewhere",
                    cost.opportunity_usd_per_gpu_h, "USD a GPU-hour")
    yield from _by_demand(own.autoscale)
    month, busy = _formulas(cost, paying)
    if paying.can_switch:
        yield _computed("card_usd_per_h", "a card that is on", Live("rent_usd_per_gpu_h", paying.usd_per_h),
                        "USD a GPU-hour")
        yield _computed("card_start_usd", "switching a card on", Live(
            "rent_usd_per_gpu_h*start_minutes/minutes_per_hour", paying.start_usd), "USD")
    elif paying.scales:
        yield _computed("card_usd_per_on_h", "a card from start to off", Live(
            "usd_per_gpu_s*seconds_per_hour" if isinstance(cost, Serverless) else "rent_usd_per_gpu_h",
            paying.usd_per_on_h), "USD a GPU-hour")
    else:
        yield _computed("card_usd_per_month", "a card, on or off", Live(month, paying.usd_per_month), "USD a month")
    yield _computed("card_usd_per_busy_s", "a second of work", Live(busy, paying.usd_per_busy_s), "USD a second")
    yield _computed("fine_tuning_usd_per_gpu_h", "an hour of fine-tuning", Live(_tuning(cost),
                                                                                paying.tuning_usd_per_h),
                    "USD a GPU-hour")


def _rent_source(facts: Facts, cost: Rented) -> str:
    """The page of the row that the rent is that of; else the scenario."""
    return next((str(row.source) for row in facts.plan.case.book.rents
                 if (row.id, row.usd_per_gpu_h) == (cost.rent_row, cost.usd_per_gpu_h)), STATED)


def _computed(name: str, what: str, value: Live, unit: str) -> Input:
    return Input(name, what, value, unit, "computed", "computed")


def _by_demand(stated: Autoscale | None) -> Iterator[Input]:
    if stated is None:
        return
    for name, what, value, unit in (
            ("autoscale_least", "cards that are always on", stated.least, "cards"),
            ("autoscale_most", "cards at most", stated.most, "cards"),
            ("autoscale_wait_s", "one more where a call would wait longer", stated.wait_s, "s"),
            ("autoscale_idle_minutes", "one less after so long without work, where stated", stated.idle_minutes,
             "minutes")):
        if value is not None:
            yield Input(name, what, value, unit, "needs re-run")


def _tuning(cost: object) -> str:
    """An hour of fine-tuning."""
    if isinstance(cost, Rented):
        return "rent_usd_per_gpu_h"
    if isinstance(cost, Serverless):
        return "card_usd_per_on_h"
    return "card_usd_per_month/hours_per_month" if isinstance(cost, Owned) else "opportunity_usd_per_gpu_h"


def _formulas(cost: object, paying: Paying) -> tuple[str, str]:
    """A card's month and a busy second."""
    if isinstance(cost, Rented):
        return "" if paying.can_switch else "rent_usd_per_gpu_h*hours_per_month", "0"
    if isinstance(cost, Owned):
        return "server_usd_per_month/server_gpus", "0"
    if isinstance(cost, Serverless):
        return "0", "0"
    return "0", "opportunity_usd_per_gpu_h/seconds_per_hour"
