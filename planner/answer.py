"""The whole answer to a scenario, in the order a finance lead reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.verdicts import Reason

from .account_limits import AccountPace, account_paces
from .assumptions import assumption
from .breakeven import BreakEven, PriceReplaced, break_even, drawn_curve, point_curve
from .contract_relief import relief_usd
from .displaceable import CheapestMonth, SegmentToday, cheapest_gpu_month, displaceable_usd, segments_today
from .hosted import HostedOption, hosted_options
from .ladder import Hosting, Rung, best_flux, cheapest_left_out, hosted_rungs, own_rung
from .named_rent import with_rent
from .options import OptionCost, cheapest_first, option_costs, own_option_costs
from .own import OwnSide, own_side
from .scenario_file import with_changes
from .solve import Solved, solve
from .verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .case import Case
    from .scenario import WhatIf

__all__ = ["Answer", "OwnAnswer", "WhatIfAnswer", "answer"]


@dataclass(frozen=True)
class WhatIfAnswer:
    """A what-if beside the answer: its first crossing, and why there is none."""

    name: str
    note: str
    first: float
    durable: float
    binding: str


@dataclass(frozen=True)
class OwnAnswer:
    """The own side, its break-even against the price the scenario asks about, and against the other prices."""

    side: OwnSide
    main: BreakEven
    others: tuple[BreakEven, ...]


@dataclass(frozen=True)
class Answer:
    """Everything `planner breakeven` says.

    `relief_usd_per_month` is what a contract takes off the displaceable bill; that bill is net of it.
    `stopped` is True where no GPU can pay: the displaceable bill is smaller than the cheapest feasible GPU month.
    `own` is then None, as where none of today's images may move.
    """

    case: Case
    today: tuple[SegmentToday, ...]
    displaceable_usd_per_month: float
    relief_usd_per_month: float
    displaceable_images: float
    cheapest: CheapestMonth | None
    stopped: bool
    rungs: tuple[Rung, ...]
    own: OwnAnswer | None
    options: tuple[OptionCost, ...]
    what_ifs: tuple[WhatIfAnswer, ...]
    solved: Solved | None
    verdict: str
    review_usd_per_month: float
    options_for: str
    left_out: HostedOption | None
    account_paces: tuple[AccountPace, ...]

    @property
    def binding(self) -> str:
        """The term that rules own GPUs out or makes them lose again: price, speed, licence, staff, volume or a rule."""
        if self.own is not None:
            return self.own.main.binding
        if any(row.own_images for row in self.today):
            return "volume"
        reasons = {row.own_verdict.reason for row in self.today if row.own_verdict.reason}
        if Reason.NO_LICENCE in reasons:
            return "licence"
        return ", ".join(sorted(reason.name.lower() for reason in reasons)) or "nothing may move"

    @property
    def left_out_because(self) -> str:
        """Why the cheaper hosted Flux is not planned with."""
        if self.left_out is None:
            return ""
        return self.left_out.not_routable or "one third party's figure"


def answer(case: Case, *, solving: str | None = None, progress: Callable[[float], None] | None = None) -> Answer:
    """The answer to a scenario.

    Args:
        case: the question.
        solving: an assumption to solve for at the scenario's own volume.
        progress: told the share of the work done, 0..1.

    Raises:
        PriceError: something used today has no price on the day.
        OutOfReach: the own model cannot be timed on the scenario's card.
        ScenarioError: a value that does not fit the tables.
    """
    case = with_rent(case)
    for licence in case.scenario.licence:
        for name in licence.models:
            case.book.models.find(name)
    today = segments_today(case)
    largest = max(case.scenario.segment, key=lambda segment: segment.volume)
    relief = _credit_of_moved(case, today)
    spend, cheapest = displaceable_usd(today) - relief, cheapest_gpu_month(case)
    rungs, hosting = hosted_rungs(case, today)
    said = Answer(
        case=case, today=today, displaceable_usd_per_month=spend, relief_usd_per_month=relief,
        displaceable_images=sum(row.own_images for row in today), cheapest=cheapest,
        stopped=cheapest is None or spend + _review_saved(case, today) < cheapest.usd_per_month, rungs=rungs, own=None,
        options=option_costs(case, largest),
        what_ifs=tuple(_what_if(case, named) for named in case.scenario.what_if),
        solved=None, verdict="", options_for=f"{largest.name} at {largest.size}",
        review_usd_per_month=case.scenario.images_per_month * case.scenario.review.usd_per_image,
        left_out=cheapest_left_out(case, largest),
        account_paces=account_paces(case.book, ([(row.option, row.segment.volume) for row in today],
                                                [pair for part in hosting for pair in part.images_by_option()])))
    moved = tuple(row for row in today if row.own_images > 0)
    if moved and not said.stopped:
        said = _with_own(said, moved, hosting, solving=solving, progress=progress)
    return replace(said, verdict=verdict(said))


def _review_saved(case: Case, today: Sequence[SegmentToday]) -> float:
    """Wages a month that fewer tries would save, where own images are accepted more often than today's."""
    look = case.scenario.review.usd_per_image
    fewer = sum(row.own_images * (1 - row.segment.today.acceptance_share / case.own_acceptance_share(row.segment))
                for row in today)
    return max(0.0, look * fewer)


def _with_own(said: Answer, moved: Sequence[SegmentToday], hosting: Sequence[Hosting], *, solving: str | None,
              progress: Callable[[float], None] | None) -> Answer:
    case, images = said.case, said.displaceable_images
    side = own_side(case, moved)
    prices = _prices(case, moved, said.today)
    asked = next((price for price in prices if price.name == case.scenario.against), prices[0])
    main = break_even(case, side, price=asked, volume=images, progress=progress)
    others = tuple(break_even(case, side, price=price, volume=images) for price in prices if price is not asked)
    rungs = (*said.rungs, own_rung(case, hosting, drawn=drawn_curve(case, side, price=asked),
                                   point=point_curve(case, side, price=asked)))
    largest = max(moved, key=lambda row: row.segment.volume).segment
    own_costs = own_option_costs(case, largest, curve=point_curve(case, side, price=asked), found=main, images=images)
    return replace(
        said, rungs=rungs, own=OwnAnswer(side, main, others), options=cheapest_first((*said.options, *own_costs)),
        solved=solve(case, side, price=asked, driver=solving, images=images) if solving else None)


def _prices(case: Case, moved: Sequence[SegmentToday], today_rows: Sequence[SegmentToday]) -> (
        tuple[PriceReplaced, ...]):
    """The prices a GPU may replace: today's, the same weights hosted, and the cheapest hosted Flux."""
    stated = next((stated for stated in case.scenario.range if stated.driver == "price"), None)
    today = _blend("today", "today's options", moved, [row.option for row in moved])
    if today is not None and stated is not None:
        today = replace(today, stated=assumption(case.scenario, "price", mid=today.usd_per_image))
    if today is not None:
        today = replace(today, credit_usd_per_month=_credit_of_moved(case, today_rows))
    like = _blend("like-for-like", "the same weights, hosted", moved, [_same_weights(case, row) for row in moved])
    flux = _blend("cheapest-hosted", "the cheapest hosted Flux that may be planned with", moved,
                  [best_flux(case, row.segment) for row in moved])
    return tuple(price for price in (today, like, flux) if price is not None)


def _credit_of_moved(case: Case, today: Sequence[SegmentToday]) -> float:
    """What the contract takes off today's bill, less what it would take off the bill of the images that stay."""
    before = relief_usd(case, [(row.option, row.segment.volume) for row in today])
    return before - relief_usd(case, [(row.option, row.segment.volume - row.own_images) for row in today])


def _same_weights(case: Case, row: SegmentToday) -> HostedOption | None:
    card = case.book.models.find(case.scenario.own.model).id
    same = [option for option in hosted_options(case, row.segment)
            if isinstance(option, HostedOption) and option.card == card]
    return min(same, key=lambda option: option.usd_per_image, default=None)


def _blend(name: str, says: str, moved: Sequence[SegmentToday], options: Sequence[HostedOption | None]) -> (
        PriceReplaced | None):
    if any(option is None for option in options):
        return None
    volume = sum(row.own_images for row in moved)
    kept = [option for option in options if option is not None]
    labels = sorted({option.label for option in kept})
    parts = tuple((row.own_images / volume, option.spread) for row, option in zip(moved, kept, strict=True))
    return PriceReplaced(name, f"{says}: {', '.join(labels)}", parts,
                         unchecked_days=max(option.unchecked_days for option in kept))


def _what_if(case: Case, named: WhatIf) -> WhatIfAnswer:
    other = with_rent(case.changed(with_changes(case.scenario, named)))
    everything = segments_today(other)
    moved = tuple(row for row in everything if row.own_images > 0)
    if not moved:
        return WhatIfAnswer(named.name, named.note, math.inf, math.inf, "nothing may move")
    prices = _prices(other, moved, everything)
    price = next((price for price in prices if price.name == other.scenario.against), prices[0])
    found = break_even(replace(other, draws=replace(other.draws, count=1)), own_side(other, moved), price=price,
                       volume=1.0)
    return WhatIfAnswer(named.name, named.note, found.first, found.durable, found.binding)
