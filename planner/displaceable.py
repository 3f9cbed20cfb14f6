"""Which of today's images own GPUs may make, legally and technically, and what those cost today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.errors import OutOfReach
from router.rules import fits_native_size, has_open_weights, licence_held, references_fit, text_is_reliable
from router.verdicts import Verdict, allowed

from .gpu_costs import Rented, gpu_month
from .hosted import HostedOption, today_option
from .own_time import own_seconds

if TYPE_CHECKING:
    from router.models import ModelCard

    from .case import Case
    from .rents import Rent
    from .scenario import Segment

__all__ = ["CheapestMonth", "SegmentToday", "cheapest_gpu_month", "displaceable_usd", "flux_verdict", "is_licensed",
           "own_verdict", "segments_today"]

_FOR_RENT = ("on-demand", "community", "spot", "reserved")


@dataclass(frozen=True)
class SegmentToday:
    """A segment with what makes it today, and whether own GPUs may make it instead.

    `movable_images` is what the owner of the segment would let another model make, `own_verdict` whether the own
    model may.
    """

    segment: Segment
    option: HostedOption
    own_verdict: Verdict

    @property
    def usd_per_month(self) -> float:
        """Today's bill for the segment."""
        return self.segment.volume * float(self.option.usd_per_image)

    @property
    def movable_images(self) -> float:
        """Images a month another model may make."""
        return self.segment.volume * self.segment.movable_share

    @property
    def own_images(self) -> float:
        """Images a month that own GPUs may make instead, counted as today's images."""
        return self.movable_images if self.own_verdict.is_allowed else 0.0


@dataclass(frozen=True)
class CheapestMonth:
    """The cheapest card that can run the own model for a month, staff and licence aside."""

    gpu: str
    usd_per_month: float
    usd_per_gpu_h: float
    source: str


def segments_today(case: Case) -> tuple[SegmentToday, ...]:
    """Every segment with its bill and its verdict.

    Raises:
        PriceError: a segment's option of today has no price.
    """
    return tuple(SegmentToday(segment, today_option(case, segment), own_verdict(case, segment))
                 for segment in case.scenario.segment)


def own_verdict(case: Case, segment: Segment) -> Verdict:
    """Whether own GPUs may make the segment's images: weights, licence, size, references, text."""
    return flux_verdict(case, case.book.models.find(case.scenario.own.model), segment=segment, own=True)


def flux_verdict(case: Case, card: ModelCard, *, segment: Segment, own: bool) -> Verdict:
    """The first rule that speaks against a model for a segment; a licence matters on own GPUs only."""
    rules = [fits_native_size(card, segment.size), references_fit(card, len(segment.references)),
             text_is_reliable(card, segment.text_words, words_limit=case.scenario.text_words_limit)]
    if own:
        rules = [has_open_weights(card), licence_held(card, held=is_licensed(case, card)), *rules]
    return next((verdict for verdict in rules if not verdict.is_allowed), allowed())


def is_licensed(case: Case, card: ModelCard) -> bool:
    """True where the scenario holds a licence for the model, or waives it as a stated assumption."""
    held = (name for licence in case.scenario.licence for name in licence.models)
    return case.scenario.licence_waived or any(case.book.models.find(name).id == card.id for name in held)


def displaceable_usd(today: tuple[SegmentToday, ...]) -> float:
    """Today's monthly bill for images that own GPUs may make."""
    return sum(row.own_images * float(row.option.usd_per_image) for row in today)


def cheapest_gpu_month(case: Case) -> CheapestMonth | None:
    """The cheapest month of one card that the own model fits on: the scenario's own card or any rent on the table.

    None where no card in the tables can run the model.
    """
    known = [rent for rent in case.book.rents
             if rent.kind in _FOR_RENT and not rent.superseded and rent.as_of.earliest <= case.on]
    cards = {gpu for gpu in {rent.gpu for rent in known} if _runs(case, gpu)}
    found = [_month(rent) for rent in known if rent.gpu in cards]
    found.append(_scenario_month(case))
    return min(found, key=lambda month: month.usd_per_month, default=None)


def _scenario_month(case: Case) -> CheapestMonth:
    cost = case.scenario.own.cost
    month = gpu_month(cost)
    usd = float(month.usd_per_gpu_month)
    hourly = float(cost.usd_per_gpu_h or 0) if isinstance(cost, Rented) else usd / float(month.hours_per_month)
    return CheapestMonth(case.scenario.own.gpu, usd, hourly, f"the scenario's own card ({cost.kind})")


def _runs(case: Case, gpu: str) -> bool:
    own = case.scenario.own.model_copy(update={"gpu": gpu, "seconds_per_image": None})
    other = case.changed(case.scenario.model_copy(update={"own": own}))
    try:
        for segment in case.scenario.segment:
            if own_verdict(case, segment).is_allowed:
                own_seconds(other, segment)
    except OutOfReach:
        return False
    return True


def _month(rent: Rent) -> CheapestMonth:
    """An instance comes whole: a month of eight cards where fewer cannot be had."""
    month = gpu_month(Rented(kind="rented", usd_per_gpu_h=rent.usd_per_gpu_h))
    together = f", {rent.gpus_per_instance} cards together" if rent.gpus_per_instance > 1 else ""
    return CheapestMonth(rent.gpu, float(month.usd_per_gpu_month) * rent.gpus_per_instance, float(rent.usd_per_gpu_h),
                         f"{rent.provider} {rent.kind}, {rent.as_of}{together}")
