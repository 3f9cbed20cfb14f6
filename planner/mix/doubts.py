"""What would turn a mix's verdict, which doubts are wide enough to, and what it costs to find out. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.displaceable import segments_today
from planner.own import own_side
from planner.rents import offers

from .months import draw_months, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from planner.case import Case
    from planner.uncertainty import Spread

    from .documents import Rules
    from .months import Months, Outcome
    from .paying import Paying

__all__ = ["Doubt", "changes_of", "doubts_of"]

_MONTHS, _JUDGED, _Z90, _LEAST_JUDGED = 2, 0.05, 1.645, 100
_HALF, _TWICE = 0.5, 2.0


@dataclass(frozen=True)
class Doubt:
    """One thing that is not known for sure.

    Attributes:
        name: what it is, with its interval; `source` is where that comes from.
        low_usd, high_usd: what the way with cards costs more a month than all hosted at either end; below 0 it is less.
        finds_out: how to know better.
        finds_out_usd: what that costs.
    """

    name: str
    source: str
    low_usd: float
    high_usd: float
    finds_out: str
    finds_out_usd: float

    @property
    def turns(self) -> bool:
        """Whether the verdict is another at one end than at the other."""
        return min(self.low_usd, self.high_usd) < 0 < max(self.low_usd, self.high_usd)


@dataclass(frozen=True)
class _Gap:
    """The way with cards beside all hosted, in US dollars a month; `running` are power, busy seconds and looking."""

    cards: float
    fixed: float
    running: float
    saved: float

    @property
    def usd(self) -> float:
        return self.cards + self.fixed + self.running - self.saved


def changes_of(paying: Paying, *, hosted: Outcome, own: Outcome | None) -> tuple[str, ...]:
    """What would turn the verdict, each alone."""
    if own is None:
        return ("own cards may make none of these images: see the reasons above",)
    return tuple(_changes(paying, _gap(hosted, own)))


def doubts_of(drawn: Months, rules: Rules, *, paying: Paying, hosted: Outcome, own: Outcome) -> tuple[Doubt, ...]:
    """The doubts behind the verdict: own time, rent, staff, acceptance and volume, each alone.

    Args:
        drawn: the months of the plan.
        rules: of its policy.
        paying: for cards.
        hosted: all hosted.
        own: the cheapest way with cards; its cards stay as they are, for the answer to one doubt is not another plan.
    """
    case, gap = drawn.planned.case, _gap(hosted, own)
    spreads = own_side(case, [row for row in segments_today(case) if row.own_images]).spreads
    found = [_time(drawn, paying, spreads["seconds"], gap=gap, own=own), *_bills(case, spreads, gap),
             _acceptance(drawn, gap, spreads["acceptance"]), _volume(drawn, rules, paying, own=own)]
    return tuple(one for one in found if one is not None)


def _gap(hosted: Outcome, own: Outcome) -> _Gap:
    running = float((own.own_usd + own.busy_usd + own.beside_usd).mean() - hosted.beside_usd.mean())
    return _Gap(own.cards_usd, own.fixed_usd, running, float(hosted.hosted_usd.mean() - own.hosted_usd.mean()))


def _changes(paying: Paying, gap: _Gap) -> Iterator[str]:
    owned = gap.cards + gap.fixed + gap.running
    if gap.saved > 0:
        yield (f"hosted prices at {owned / gap.saved:.2f} times today's: own cards cost ${owned:,.0f} a month and save "
               f"${gap.saved:,.0f} of hosted images")
    left = gap.saved - gap.fixed - gap.running
    if gap.cards > 0:
        yield (f"a rent at {left / gap.cards:.2f} times the one stated" if left > 0 else
               f"no rent at all: staff, licence and storage alone (${gap.fixed:,.0f}) are more than own cards save")
    if paying.fixed_usd > 0 and gap.saved > gap.cards + gap.running:
        yield (f"${gap.saved - gap.cards - gap.running:,.0f} a month for staff, licence and storage instead of "
               f"${paying.fixed_usd:,.0f}")


def _time(drawn: Months, paying: Paying, spread: Spread, *, gap: _Gap, own: Outcome) -> Doubt | None:
    """Own seconds at both ends of what the law, or the scenario, says of them."""
    if spread.is_certain:
        return None
    few = replace(drawn, months=drawn.months[:_MONTHS], works=drawn.works[:_MONTHS],
                  conditions=drawn.conditions[:_MONTHS])
    base = _gap_of(few, paying, own=own, times=1.0)
    low, high = (gap.usd + _gap_of(few, paying, own=own, times=spread.factor(end)) - base
                 for end in (spread.low, spread.high))
    rent, card = _hour_usd(drawn.planned.case), drawn.planned.case.scenario.own.gpu
    how = f"planner measure on one {card}" + (f", an hour of it at ${rent:.2f}" if rent else ", one that is there")
    return Doubt(f"own time of {spread.low:.2f} to {spread.high:.2f} s an image", spread.source, low, high,
                 how, rent or 0.0)


def _gap_of(drawn: Months, paying: Paying, *, own: Outcome, times: float) -> float:
    """The way with cards beside all hosted, where a card takes so many times as long."""
    works = tuple(work._replace(seconds=work.seconds * times) for work in drawn.works)
    changed = replace(drawn, works=works)
    cards = outcome(changed, own.cards, paying=paying, reserved=own.reserved, by_image=own.by_image)
    return float(cards.usd.mean() - outcome(changed, own.cards * 0, paying=paying).usd.mean())


def _bills(case: Case, spreads: Mapping[str, Spread], gap: _Gap) -> Iterator[Doubt]:
    """Rent and staff: their share of the bill grows or shrinks."""
    rent, staff = spreads["rent"], spreads["staff"]
    if gap.cards > 0 and not rent.is_certain:
        low, high = (gap.usd + gap.cards * (rent.factor(end) - 1) for end in (rent.low, rent.high))
        yield Doubt(f"a card for ${rent.low:.2f} to ${rent.high:.2f} an hour", rent.source, low, high,
                    "ask for quotes", 0.0)
    people = case.scenario.own.staff.fte * float(case.scenario.own.staff.usd_per_fte_month)
    if people and gap.fixed:
        low, high = (gap.usd + people * (staff.factor(end) - 1) for end in (staff.low, staff.high))
        yield Doubt(f"staff of {staff.low:.2g} to {staff.high:.2g} people", staff.source, low, high,
                    "write down a month's hours of whoever runs cards today", 0.0)


def _acceptance(drawn: Months, gap: _Gap, spread: Spread) -> Doubt | None:
    """An own image that is accepted less often replaces less of a hosted one."""
    case = drawn.planned.case
    stream = max((one for one in drawn.planned.streams if one.own), key=lambda one: one.images_per_month)
    if stream.hosted.partition("/")[2] == case.book.models.find(case.scenario.own.model).id:
        return None  # the same model elsewhere is accepted as often
    share, low, high = spread.mid, spread.low, min(1.0, spread.high)
    if low == high:
        return None
    judged = math.ceil(_Z90**2 * share * (1 - share) / _JUDGED**2) or _LEAST_JUDGED
    usd = judged * (stream.usd + case.scenario.review.usd_per_image)
    return Doubt(f"own images accepted in {low:.0%} to {high:.0%}", spread.source,
                 gap.usd + gap.saved * (1 - low / share), gap.usd + gap.saved * (1 - high / share),
                 f"have {judged:,} of them judged, which tells it to {_JUDGED:.0%}", usd)


def _volume(drawn: Months, rules: Rules, paying: Paying, *, own: Outcome) -> Doubt:
    """Half the volume, and twice."""
    found = []
    for times in (_HALF, _TWICE):
        streams = tuple(replace(one, images_per_month=one.images_per_month * times) for one in drawn.planned.streams)
        months = draw_months(replace(drawn.planned, streams=streams), rules, count=_MONTHS, seed=1,
                             hours=drawn.hours)
        found.append(_gap_of(months, paying, own=own, times=1.0))
    return Doubt("half the volume to twice it", "assumption", found[0], found[1],
                 "planner demand import of the bills, planner demand fit of a trace", 0.0)


def _hour_usd(case: Case) -> float | None:
    """An hour of the same card, rented on demand; None where nobody offers one."""
    found = offers(case.book.rents, case.scenario.own.gpu, kinds={"on-demand", "community"}, on=case.on)
    return float(found[0].usd_per_gpu_h) * found[0].gpus_per_instance if found else None
