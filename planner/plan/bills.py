"""The bills of a month beside its images: cards, people, licences, looking at images, what is signed, tax. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import HOURS_PER_MONTH

from .lines import OWN, FixedLine, rounded_hours, usd_of
from .months import first_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.case import Case
    from planner.mix.answer import Mix
    from planner.queueing import Array
    from planner.scenario import Licence

    from .fleet import Fleet
    from .lines import ImageLine
    from .months import PlanMonth

__all__ = ["fixed_lines", "overage_usd"]

_WEEKS = HOURS_PER_MONTH / 168
_MONTHS_PER_YEAR = 12


def fixed_lines(case: Case, fleet: Fleet, *, month: PlanMonth, load: float, made: Sequence[ImageLine]) -> (
        tuple[FixedLine, ...]):
    """Every bill of a month that is not an image's price; `load` is its work over that of the fleet's first month."""
    mix = fleet.mix
    there = mix.best.outcome.cards.any()
    own = [*_cards(fleet, load), *_people(case), *_licences(case, mix, made)] if there else []
    lines = [*own, *_review(case, made), *_commitments(case, month)]
    share = case.scenario.plan.tax_share
    if share:
        taxed = usd_of([line for line in made if line.option != OWN]) + usd_of(
            [line for line in lines if line.kind in ("cards", "licence", "licence overage")])
        lines.append(FixedLine("tax", "tax that nobody gives back", float(taxed), "USD", _exact(share),
                               "plan.tax_share"))
    return tuple(line for line in lines if line.quantity)


def _exact(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _cards(fleet: Fleet, load: float) -> Iterator[FixedLine]:
    mix = fleet.mix
    paying, cards, reserved = mix.paying, mix.best.outcome.cards, mix.best.outcome.reserved
    gpu = mix.drawn.planned.case.scenario.own.gpu
    if paying.scales:
        yield FixedLine("cards", f"{gpu} by demand", rounded_hours(float(fleet.on_hours(load))), "GPU-hours",
                        _exact(paying.usd_per_on_h), paying.word)
        return
    if not paying.can_switch:
        lots = -(-int(cards.max()) // paying.lot) * paying.lot
        yield FixedLine("cards", gpu, float(lots), "cards", _exact(paying.usd_per_month), paying.word)
        return
    rest = np.maximum(cards - reserved, 0)
    starts = float(np.maximum(rest - np.roll(rest, 1), 0).sum() * _WEEKS)
    yield FixedLine("cards", f"{gpu} by the hour", float(rest.sum() * _WEEKS), "GPU-hours", _exact(paying.usd_per_h),
                    paying.word)
    if paying.start_usd:
        yield FixedLine("cards", f"{gpu} switched on", starts, "starts", _exact(paying.start_usd), "own.start_minutes")
    if reserved:
        yield FixedLine("cards", f"{gpu} reserved", float(reserved * HOURS_PER_MONTH), "GPU-hours",
                        _exact(paying.reserved_usd_per_h or paying.usd_per_h), paying.reserved_from)


def _people(case: Case) -> Iterator[FixedLine]:
    own = case.scenario.own
    yield FixedLine("staff", "people who keep the cards running", own.staff.fte, "FTE", own.staff.usd_per_fte_month,
                    "the scenario")
    yield FixedLine("storage", "weights and images", 1.0, "month", own.storage_usd_per_month, "the scenario")


def _licences(case: Case, mix: Mix, made: Sequence[ImageLine]) -> Iterator[FixedLine]:
    own = case.scenario.own
    yield FixedLine("fine-tuning", "runs on the same card", own.lora.runs_per_month * own.lora.gpu_h_per_run,
                    "GPU-hours", _exact(mix.paying.tuning_usd_per_h), "the scenario")
    images = float(sum((line.images for line in made if line.option == OWN), Decimal(0)))
    for held in case.scenario.licence:
        if not _covers(case, held):
            continue
        yield FixedLine("licence", held.vendor, 1.0, "month", held.usd_per_month, held.document)
        yield FixedLine("licence overage", held.vendor, float(_beyond(held, images)), "images",
                        held.overage_usd_per_image, held.document)


def overage_usd(case: Case, images: Array) -> Array:
    """What licences cost beyond the images they include, at so many own images a month."""
    held = [one for one in case.scenario.licence if _covers(case, one)]
    return sum((_beyond(one, images) * float(one.overage_usd_per_image) for one in held), np.zeros(images.shape))


def _beyond(held: Licence, images: Array | float) -> Array:
    included = held.included_images_per_month
    return np.zeros(np.shape(images)) if included is None else np.maximum(0.0, np.asarray(images) - included)


def _covers(case: Case, held: Licence) -> bool:
    find = case.book.models.find
    return any(find(name).id == find(case.scenario.own.model).id for name in held.models)


def _review(case: Case, made: Sequence[ImageLine]) -> Iterator[FixedLine]:
    images = float(sum((line.images for line in made), Decimal(0)))
    look = case.scenario.review.usd_per_image
    if look:
        yield FixedLine("review", "people who look at every image", images, "images", _exact(look), "the scenario")


def _commitments(case: Case, month: PlanMonth) -> Iterator[FixedLine]:
    for one in case.scenario.plan.commitment:
        first = first_of(one.first_month)
        since = (month.first.year - first.year) * _MONTHS_PER_YEAR + month.first.month - first.month
        if 0 <= since < one.months:
            yield FixedLine("commitment", one.name, 1.0, "month", one.usd_per_month, f"signed to month {one.months}")
