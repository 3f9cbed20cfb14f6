"""The verdict in one plain sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer

__all__ = ["verdict"]

_BINDING = {
    "price": "an own image costs more to make than the hosted one is sold for",
    "speed": "a card at full load still costs more per image than the hosted price",
    "licence": "the licence eats what an own image saves",
    "staff": "the people cost more than the images save",
}
_WEIGHS = {"price": "the month of the cards", "speed": "the month of the cards", "licence": "the licence",
           "staff": "the people"}


def verdict(said: Answer) -> str:
    """What to do, and the number it rests on."""
    scenario = said.case.scenario
    if said.stopped and said.displaceable_images:
        return _stopped(said)
    if said.own is None:
        return f"No GPU can pay: none of today's images may move to {scenario.own.model}. {_why_none(said)}"
    own, main = said.rungs[-1], said.own.main
    if not math.isfinite(main.first) and math.isfinite(main.beyond):
        return (f"Own GPUs pay against {main.against.usd_per_image:.4f} USD an image only from {main.beyond:,.0f} "
                f"images a month, beyond the {scenario.horizon_images_per_month:,.0f} looked at; what weighs most is "
                f"{_WEIGHS[main.binding]} (binding: {main.binding}).")
    if not math.isfinite(main.first):
        return (f"Own GPUs never pay against {main.against.usd_per_image:.4f} USD an image below "
                f"{scenario.horizon_images_per_month:,.0f} a month: {_BINDING[main.binding]} "
                f"(binding: {main.binding}).")
    crossing = (f"Own GPUs beat {main.against.usd_per_image:.4f} USD an image from {main.first:,.0f} images a month"
                f"{'' if math.isfinite(main.durable) else f', not durably ({main.binding})'} (P10 {_volume(main.p10)}, "
                f"P90 {_volume(main.p90)})")
    at_volume = f"at your {said.displaceable_images:,.0f} a month"
    if not math.isfinite(own.usd_per_year):
        return f"{crossing}, but {at_volume} more cards are needed than there are."
    if own.usd_per_year >= said.rungs[0].usd_per_year:
        return (f"{crossing}; {at_volume} they would cost {own.usd_per_year - said.rungs[0].usd_per_year:,.0f} USD a "
                "year more than today's bill.")
    if own.saves <= 0:
        return (f"{crossing}, but {at_volume} the hosted rungs before them leave nothing to win: own GPUs would cost "
                f"{-own.saves:,.0f} USD a year more than the cheapest hosted way planned with.")
    if own.saves < scenario.worth.usd_per_year:
        return (f"{crossing}, but not worth it: {at_volume} they save {own.saves:,.0f} USD a year over the cheapest "
                f"hosted way planned with, less than {scenario.worth.person_share:.0%} of one person "
                f"({scenario.worth.usd_per_year:,.0f} USD).")
    return (f"{crossing}; {at_volume} they save {own.saves:,.0f} USD a year over the cheapest hosted way planned with "
            f"(P10 {own.saves_p10:,.0f}, P90 {own.saves_p90:,.0f}).")


def _stopped(said: Answer) -> str:
    cheapest = said.cheapest
    if cheapest is None:
        return f"No GPU can pay: no card in the tables runs {said.case.scenario.own.model} as asked."
    return (f"No GPU can pay: {said.displaceable_usd_per_month:,.0f} USD a month of images could move, and the "
            f"cheapest feasible GPU month costs {cheapest.usd_per_month:,.0f} USD ({cheapest.gpu}, {cheapest.source}).")


def _why_none(said: Answer) -> str:
    if not any(row.segment.volume for row in said.today):
        return "No images are made at all."
    reasons = {f"{row.segment.name}: {row.own_verdict}" for row in said.today if not row.own_verdict.is_allowed}
    return "; ".join(sorted(reasons)) + "." if reasons else "Every segment has movable_share = 0."


def _volume(images: float) -> str:
    return f"{images:,.0f}" if math.isfinite(images) else "never"
