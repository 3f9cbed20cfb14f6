"""The savings ladder: today's bill, right quality, batch, hosted Flux, own GPUs; each rung in USD a year.

A rung is climbed only where it saves; the next one then starts from there. Each rung states its rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import MONTHS_PER_YEAR

from .contract_relief import relief_usd
from .displaceable import SegmentToday, flux_verdict
from .errors import ScenarioError
from .hosted import HostedOption, Refused, hosted_option, hosted_options
from .uncertainty import Value, percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .case import Case
    from .curve import CostCurve
    from .scenario import Segment

__all__ = ["Hosting", "Rung", "Share", "best_flux", "cheapest_left_out", "hosted_rungs", "own_rung"]

_TRUSTED = ("A", "B")


@dataclass(frozen=True)
class Share:
    """A part of a segment's accepted work that one option makes, and whether its owner would let it move."""

    option: HostedOption
    part: float
    acceptance_share: float
    movable: bool = True


@dataclass(frozen=True)
class Hosting:
    """How a segment is hosted on some rung: which options make which part of it."""

    row: SegmentToday
    shares: tuple[Share, ...]

    def usd_per_month(self, case: Case) -> Value:
        """Drawn monthly cost of the segment's accepted work, looking at every image included."""
        look = case.scenario.review.usd_per_image
        return sum((images * (float(option.usd_per_image) * case.draws.factors(option.spread) + look)
                    for option, images in self.images_by_option()), 0.0)

    def mid_usd_per_month(self, case: Case) -> float:
        """The same with every price at its median."""
        look = case.scenario.review.usd_per_image
        return sum(images * (float(option.usd_per_image) + look) for option, images in self.images_by_option())

    def images_by_option(self) -> list[tuple[HostedOption, float]]:
        """Images a month that each option generates."""
        accepted = self.row.segment.volume * self.row.segment.today.acceptance_share
        return [(share.option, accepted * share.part / share.acceptance_share) for share in self.shares]


@dataclass(frozen=True)
class Rung:
    """One step: what it is, the rule it rests on, the yearly bill after it, and what it saves.

    `usd_per_year` and `saves` (against the rung before; negative is a loss, and `taken` is then False) hold for the
    scenario as it stands, `saves_p10` and `saves_p90` are order statistics of the saving over the draws.
    `unchecked_days` is the age of the longest unchecked price behind the rung, 0 where all are fresh.
    """

    name: str
    rule: str
    usd_per_year: float
    saves: float
    saves_p10: float
    saves_p90: float
    taken: bool
    unchecked_days: int = 0


def hosted_rungs(case: Case, today: Sequence[SegmentToday]) -> tuple[tuple[Rung, ...], tuple[Hosting, ...]]:
    """The rungs that need no GPU, and how every segment is hosted on the last one that was taken."""
    hosting = tuple(Hosting(row, (Share(row.option, 1.0, row.segment.today.acceptance_share),)) for row in today)
    rungs = [_rung("today's bill", "what is made today, at the prices in force", (case, hosting), hosting)]
    for name, rule, climb in (
            ("right quality", "the lowest quality each segment's owner accepts", _right_quality),
            ("batch lane", "what can wait a day goes through the half-price lane", _batched),
            ("hosted Flux", ("what may move goes to the cheapest hosted Flux that follows its rules, that this product "
                            "routes to, and whose price is of confidence A or B"), _on_flux)):
        tried = tuple(climb(case, segment) for segment in hosting)
        rung = _rung(name, rule, (case, hosting), tried)
        if rung.taken:
            hosting = tried
        rungs.append(rung)
    return tuple(rungs), hosting


def own_rung(case: Case, hosting: Sequence[Hosting], *, drawn: CostCurve, point: CostCurve) -> Rung:
    """The last rung: displaceable images on own GPUs, after staff, licence and storage, the rest hosted as before.

    Args:
        case: the question.
        hosting: how every segment is hosted before.
        drawn: both lines in every drawn world.
        point: the same with every assumption at its median.
    """
    stay = [_remaining(segment) for segment in hosting]
    moved = sum(segment.row.own_images for segment in hosting)
    months = _total(case, hosting), _total(case, stay) + drawn.own_usd(moved)
    mids = _mid_total(case, hosting), _mid_total(case, stay) + float(point.own_usd(moved))
    return _told("own GPUs", "what own GPUs may make, on whole GPUs, after staff, licence and storage", months, mids,
                 _unchecked_days(hosting))


def best_flux(case: Case, segment: Segment) -> HostedOption | None:
    """The cheapest hosted Flux per accepted image that the segment's rules allow.

    Work that is not public stays with the vendor it has: no terms of another one are stated here. Options that this
    product does not route to, and prices of one third party alone, are shown and not planned with.
    """
    if segment.data_class != "public":
        return None
    fitting = [option for option in hosted_options(case, segment) if isinstance(option, HostedOption)
               and _is_flux(case, option, segment)]
    return min(fitting, key=lambda option: float(option.usd_per_image)
               / case.acceptance_share(option.card, segment), default=None)


def cheapest_left_out(case: Case, segment: Segment) -> HostedOption | None:
    """A hosted Flux cheaper than the one planned with, but not routed to or resting on one third party's figure."""
    best = best_flux(case, segment)
    rivals = [option for option in hosted_options(case, segment) if isinstance(option, HostedOption)
              and case.book.models.find(option.card).family == "flux" and not _is_flux(case, option, segment)
              and _follows_rules(case, option, segment)]
    cheapest = min(rivals, key=lambda option: option.usd_per_image, default=None)
    if best is None or cheapest is None or cheapest.usd_per_image >= best.usd_per_image:
        return None
    return cheapest


def _is_flux(case: Case, option: HostedOption, segment: Segment) -> bool:
    card = case.book.models.find(option.card)
    trusted = case.book.prices.row(option.row).confidence in _TRUSTED
    return card.family == "flux" and option.routable and trusted and _follows_rules(case, option, segment)


def _follows_rules(case: Case, option: HostedOption, segment: Segment) -> bool:
    card = case.book.models.find(option.card)
    return flux_verdict(case, card, segment=segment, own=False).is_allowed


def _right_quality(case: Case, hosting: Hosting) -> Hosting:
    segment, (share,) = hosting.row.segment, hosting.shares
    if segment.lowest_quality is None or segment.lowest_quality == share.option.quality:
        return hosting
    return _cheaper(case, hosting, share.option.model, segment.lowest_quality, share.option.tier)


def _batched(case: Case, hosting: Hosting) -> Hosting:
    segment, (share,) = hosting.row.segment, hosting.shares
    if segment.deferrable_share == 0 or share.option.tier == "batch":
        return hosting
    cheaper = _cheaper(case, hosting, share.option.model, share.option.quality, "batch")
    if cheaper == hosting:
        return hosting
    waits = replace(cheaper.shares[0], part=segment.deferrable_share)
    return replace(hosting, shares=tuple(part for part in (waits, replace(share, part=1 - waits.part)) if part.part))


def _on_flux(case: Case, hosting: Hosting) -> Hosting:
    segment = hosting.row.segment
    option = best_flux(case, segment)
    if option is None or segment.movable_share == 0:
        return hosting
    accepted = case.acceptance_share(option.card, segment)
    stays = [replace(share, part=share.part * (1 - segment.movable_share), movable=False) for share in hosting.shares]
    moved = Hosting(hosting.row, (Share(option, segment.movable_share, accepted),
                                  *(share for share in stays if share.part)))
    return moved if _mid(case, moved) < _mid(case, hosting) else hosting


def _cheaper(case: Case, hosting: Hosting, model: str, quality: str | None, tier: str) -> Hosting:
    option = hosted_option(case, hosting.row.segment, model=model, quality=quality, tier=tier)
    if isinstance(option, Refused) and quality != hosting.shares[0].option.quality:
        raise ScenarioError(case.scenario.name, key=f"segment.{hosting.row.segment.name}.lowest_quality", value=quality,
                            problem=option.reason, remedy="name a quality that the model is sold at")
    if not isinstance(option, HostedOption):
        return hosting
    changed = replace(hosting, shares=(replace(hosting.shares[0], option=option),))
    return changed if _mid(case, changed) < _mid(case, hosting) else hosting


def _remaining(hosting: Hosting) -> Hosting:
    """What stays hosted when the displaceable images leave; what moved before leaves first."""
    volume = hosting.row.segment.volume
    leaves = hosting.row.own_images / volume if volume else 0.0
    movable = sum(share.part for share in hosting.shares if share.movable)
    stays = 1 - leaves / movable if movable else 1.0
    return replace(hosting, shares=tuple(replace(share, part=share.part * stays) if share.movable else share
                                         for share in hosting.shares))


def _mid(case: Case, hosting: Hosting) -> float:
    look = case.scenario.review.usd_per_image
    return sum(share.part / share.acceptance_share * (float(share.option.usd_per_image) + look)
               for share in hosting.shares)


def _total(case: Case, hosting: Sequence[Hosting]) -> Value:
    """The month's hosted bill after the contract's free images and credits."""
    return sum((segment.usd_per_month(case) for segment in hosting), 0.0) - _relief(case, hosting)


def _unchecked_days(hosting: Sequence[Hosting]) -> int:
    return max((share.option.unchecked_days for segment in hosting for share in segment.shares), default=0)


def _mid_total(case: Case, hosting: Sequence[Hosting]) -> float:
    return sum(segment.mid_usd_per_month(case) for segment in hosting) - _relief(case, hosting)


def _relief(case: Case, hosting: Sequence[Hosting]) -> float:
    return relief_usd(case, [pair for segment in hosting for pair in segment.images_by_option()])


def _rung(name: str, rule: str, before: tuple[Case, Sequence[Hosting]], after: Sequence[Hosting]) -> Rung:
    case, hosting = before
    months = _total(case, hosting), _total(case, after)
    return _told(name, rule, months, (_mid_total(case, hosting), _mid_total(case, after)), _unchecked_days(after))


def _told(name: str, rule: str, months: tuple[Value, Value], mids: tuple[float, float], unchecked_days: int) -> Rung:
    saved = (mids[0] - mids[1]) * MONTHS_PER_YEAR
    p10, p90 = percentiles(np.asarray(months[0] - months[1]) * MONTHS_PER_YEAR, 10, 90)
    return Rung(name, rule, mids[1] * MONTHS_PER_YEAR, saved, p10, p90, taken=saved > 0 or name == "today's bill",
                unchecked_days=unchecked_days)
