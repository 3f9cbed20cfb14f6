"""What own cards cost, as formulas over their inputs: the ways of `planner.mix.paying`, step by step. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.gpu_costs import Existing, Owned, Rented, Serverless
from router.quantities import HOURS_PER_MONTH

from .inputs import Input
from .pages import Live
from .server_costs import server_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.mix.paying import Paying

    from .facts import Facts

__all__ = ["card_costs"]


def card_costs(facts: Facts) -> Iterator[Input]:
    """Inputs of the scenario's way to come by cards, and what follows for an hour, a month, a second and an image."""
    own, paying = facts.plan.case.scenario.own, facts.plan.fleets[0].mix.paying
    cost = own.cost
    yield Input("lost_share", "work done twice after interruptions", paying.lost_share, "share", "needs re-run")
    if isinstance(cost, Rented):
        yield Input("rent_usd_per_gpu_h", f"one {own.gpu}, {cost.plan}", cost.usd_per_gpu_h or 0, "USD a GPU-hour")
        yield Input("start_minutes", "paid for whenever a card is switched on", own.start_minutes, "minutes")
    elif isinstance(cost, Serverless):
        yield Input("busy_usd_per_gpu_s", f"one {own.gpu} while it works", cost.usd_per_gpu_s, "USD a second")
        yield Input("cold_start_s", "until a cold card works", cost.cold_start_s, "s")
        yield Input("idle_tail_s", "paid for after the last image", cost.idle_tail_s, "s")
        yield Input("images_per_start", "images of one start", cost.images_per_start, "images")
    elif isinstance(cost, Owned):
        yield from server_costs(cost, prefix="server")
    else:
        yield from _existing(cost)
    month, busy, image = _formulas(cost, paying)
    if paying.can_switch:
        yield _computed("card_usd_per_h", "a card that is on", Live("rent_usd_per_gpu_h", paying.usd_per_h),
                        "USD a GPU-hour")
        yield _computed("card_start_usd", "switching a card on", Live(
            "rent_usd_per_gpu_h*start_minutes/minutes_per_hour", paying.start_usd), "USD")
    else:
        yield _computed("card_usd_per_month", "a card, on or off", Live(month, paying.usd_per_month), "USD a month")
    yield _computed("card_usd_per_busy_s", "a second of work", Live(busy, paying.usd_per_busy_s), "USD a second")
    yield _computed("card_usd_per_image", "cold starts and idle tails of an image", Live(image, paying.usd_per_image),
                    "USD an image")
    yield _computed("fine_tuning_usd_per_gpu_h", "an hour of fine-tuning", Live(
        "card_usd_per_h" if paying.can_switch else "card_usd_per_month/hours_per_month",
        paying.usd_per_h or paying.usd_per_month / HOURS_PER_MONTH), "USD a GPU-hour")


def _computed(name: str, what: str, value: Live, unit: str) -> Input:
    return Input(name, what, value, unit, "computed", "computed")


def _existing(cost: Existing) -> Iterator[Input]:
    yield Input("own_power_w", "power of a busy card, as far as it is stated", cost.power_w or 0, "W")
    yield Input("own_pue", "power of the site over that of the cards", cost.pue, "ratio")
    yield Input("own_usd_per_kwh", "electricity", cost.usd_per_kwh, "USD a kWh")
    yield Input("opportunity_usd_per_gpu_h", "what an hour of a card is worth elsewhere",
                cost.opportunity_usd_per_gpu_h, "USD a GPU-hour")


def _formulas(cost: object, paying: Paying) -> tuple[str, str, str]:
    """A card's month, a busy second and an image."""
    if isinstance(cost, Rented):
        return "" if paying.can_switch else "rent_usd_per_gpu_h*hours_per_month", "0", "0"
    if isinstance(cost, Serverless):
        return "0", "busy_usd_per_gpu_s", "busy_usd_per_gpu_s*(cold_start_s+idle_tail_s)/images_per_start"
    if isinstance(cost, Owned):
        return "server_usd_per_month/server_gpus", "0", "0"
    return "0", ("own_power_w/watts_per_kw*own_pue*own_usd_per_kwh/seconds_per_hour"
                 "+opportunity_usd_per_gpu_h/seconds_per_hour"), "0"
