"""The cheapest mix, what it beats, and what would change the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.displaceable import segments_today
from planner.errors import PlannerError
from planner.fleet import WEEK_H
from planner.named_rent import with_rent
from router.quantities import HOURS_PER_MONTH

from .documents import Rules, confidential_terms, hosted_vendors
from .doubts import changes_of, doubts_of
from .lanes import lanes_of
from .months import draw_months, outcome, saved_by_hour
from .paying import paying_of
from .schedule import best_schedule
from .streams import streams_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from planner.case import Case

    from .doubts import Doubt
    from .lanes import Lane
    from .months import Months, Outcome
    from .paying import Paying
    from .streams import Planned

__all__ = ["Mix", "Way", "best_mix"]

_REQUESTS_SERVED = 1_500_000
_FEWEST_MONTHS, _MOST_MONTHS, _MOST_CARDS = 4, 24, 64
_USUAL_WAIT_S = 30.0


@dataclass(frozen=True)
class Way:
    """One way to make the month.

    Attributes:
        name: in words.
        outcome: what it comes to.
        refused: why it may not be chosen; empty where it may.
    """

    name: str
    outcome: Outcome
    refused: str = ""

    @property
    def usd(self) -> float:
        """US dollars a month, on average over the drawn months."""
        return float(self.outcome.usd.mean())


@dataclass(frozen=True)
class Mix:
    """The answer.

    Attributes:
        best: the cheapest way that keeps promises and rules; `ways` are all of them, cheapest first.
        today_usd: the bill of today's models for today's images, and the looking at them.
        hosted: the way without a card.
        own: the cheapest way with cards; None where no card may make anything.
        least_cards: that must always be on, for work that may go nowhere else.
        changes: what would change the verdict, a sentence each; `doubts` are whether it may, and how to find out.
    """

    drawn: Months
    rules: Rules
    paying: Paying
    best: Way
    ways: tuple[Way, ...]
    hosted: Way
    own: Way | None
    today_usd: float
    least_cards: int
    lanes: tuple[Lane, ...]
    changes: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...]

    @property
    def runner_up(self) -> Way | None:
        """The cheapest other way that may be chosen."""
        return next((way for way in self.ways if way is not self.best and not way.refused), None)


def best_mix(case: Case, *, vendors: Sequence[str] = (), ahead_months: float = 0.0, seed: int = 1,
             with_doubts: bool = True, told: Callable[[float], None] = lambda _: None) -> Mix:
    """The cheapest mix of own cards and hosted overflow for a scenario.

    Args:
        case: scenario and tables.
        vendors: hosted vendors with an account; the usual ones and today's where left out.
        ahead_months: months of growth.
        seed: of the drawn months.
        with_doubts: weigh what would turn the verdict, too.
        told: hears the share that is done.

    Raises:
        PlannerError: work that nobody may make, or a promise nobody can keep.
    """
    case = with_rent(case)
    accounts = hosted_vendors(case, vendors)
    rules = Rules({one.name: _USUAL_WAIT_S for one in case.scenario.segment})
    planned = streams_of(case, rules, vendors=accounts, ahead_months=ahead_months)
    planned, rules, notes = _promised(planned, rules)
    paying = paying_of(case)
    requests = sum(one.images_per_month / one.shape.images_per_request for one in planned.streams)
    drawn = draw_months(planned, rules, seed=seed, **_drawn_size(planned, requests))
    told(0.1)
    hosted = Way("all hosted", outcome(drawn, np.zeros(WEEK_H, dtype=np.int64), paying=paying))
    stuck = [one for one in planned.streams if not one.leaves]
    hosted = replace(hosted, refused="" if not stuck else f"{stuck[0].segment} may not leave own cards")
    ways = [hosted]
    least = _least_cards(drawn, paying)
    if any(one.own for one in planned.streams):
        ways += _own_ways(drawn, paying, least=least, told=told)
    ways.sort(key=lambda way: way.usd)
    best = next((way for way in ways if not way.refused), None)
    if best is None:
        raise PlannerError("no way to make the month: " + "; ".join(f"{way.name}: {way.refused}" for way in ways[:3]))
    own = next((way for way in ways if way.outcome.cards.any() and not way.refused), None)
    look = case.scenario.review.usd_per_image
    today = sum(row.usd_per_month + row.segment.volume * look for row in segments_today(case))
    learnt: tuple[tuple[str, ...], tuple[Doubt, ...]] = ((), ())
    if with_doubts:
        learnt = _learnt(drawn, rules, paying, hosted=hosted, own=own)
    return Mix(drawn, rules, paying, best, tuple(ways), hosted, own, today, least, lanes_of(drawn, best.outcome),
               *learnt, (*notes, *confidential_terms(case)))


def _learnt(drawn: Months, rules: Rules, paying: Paying, *, hosted: Way, own: Way | None) -> (
        tuple[tuple[str, ...], tuple[Doubt, ...]]):
    """What would turn the verdict, and what it costs to find out; nothing where there is only one way."""
    if hosted.refused:
        return (), ()
    changes = changes_of(paying, hosted=hosted.outcome, own=None if own is None else own.outcome)
    return changes, () if own is None else doubts_of(drawn, rules, paying=paying, hosted=hosted.outcome,
                                                     own=own.outcome)


def _drawn_size(planned: Planned, requests: float) -> dict[str, int]:
    """How many months are drawn, and how many hours of each, so that an answer takes seconds."""
    count = _REQUESTS_SERVED / 6 / max(requests, 1.0)
    if count >= _FEWEST_MONTHS or any(one.shape.campaign for one in planned.streams):
        return {"count": int(np.clip(count, 2, _MOST_MONTHS))}
    return {"count": int(np.clip(count * HOURS_PER_MONTH / WEEK_H, 2, _FEWEST_MONTHS)), "hours": WEEK_H}


def _promised(planned: Planned, rules: Rules) -> tuple[Planned, Rules, tuple[str, ...]]:
    """Waits that the promises leave time for; a card that is too slow for a promise makes nothing of that segment."""
    streams, waits, notes = [], dict(rules.most_wait_s), []
    for one in planned.streams:
        limit = one.promise.p95_s
        if limit is None or one.can_wait:
            streams.append(one)
            continue
        if one.own and one.own_p95_s > limit:
            if not one.leaves:
                raise PlannerError(f"segment {one.segment}: no fleet meets p95 {limit:g} s: service time alone is "
                                   f"{one.seconds:.1f} s; promise more, or take a faster card or fewer steps")
            notes.append(f"{one.segment}: no card of yours, for service time alone is {one.seconds:.1f} s and p95 "
                         f"{limit:g} s is promised")
            one = replace(one, own=False)  # noqa: PLW2901 (the stream without its cards)
        if not one.own and one.hosted_p50_s > limit:
            raise PlannerError(f"segment {one.segment}: nobody meets p95 {limit:g} s: {one.hosted} takes "
                               f"{one.hosted_p50_s:.0f} s as a rule; promise more (promise.p95_s)")
        if one.leaves and one.hosted_p95_s > limit:
            notes.append(f"{one.segment}: what goes to {one.hosted} takes up to {one.hosted_p95_s:.0f} s, more than "
                         f"the {limit:g} s promised")
        if one.own and one.leaves:
            waits[one.segment] = round(min(waits[one.segment], max(0.0, limit - one.own_p95_s)), 1)
        streams.append(one)
    return replace(planned, streams=tuple(streams)), Rules(waits, by_image=rules.by_image), tuple(notes)


def _least_cards(drawn: Months, paying: Paying) -> int:
    """Cards that keep the promise to work that may go nowhere else, with one more for the one that fails."""
    streams = drawn.planned.streams
    bound = [at for at, one in enumerate(streams) if not one.leaves]
    if not bound:
        return 0
    most = paying.most or _MOST_CARDS
    for cards in range(1, most + 1):
        found = outcome(drawn, np.full(WEEK_H, cards), paying=paying)
        late = [at for at in bound if not _keeps(found, at, streams[at].promise.p95_s, streams[at].promise.p99_s)]
        if not late and not found.lost.any():
            if cards + 1 > most:
                raise PlannerError(f"{streams[bound[0]].segment}: {cards} cards keep the promise and one more is "
                                   f"needed for the day one fails; {most} are there")
            return cards + 1
    raise PlannerError(f"segment {streams[bound[0]].segment}: {most} cards do not keep its promise; promise more")


def _keeps(found: Outcome, stream: int, p95_s: float | None, p99_s: float | None) -> bool:
    """Whether 19 of 20 drawn months keep a stream's promise."""
    for seen, limit in ((found.p95_s, p95_s), (found.p99_s, p99_s)):
        if limit is not None and np.nanpercentile(np.nan_to_num(seen[:, stream]), 95) > limit:
            return False
    return True


def _own_ways(drawn: Months, paying: Paying, *, least: int, told: Callable[[float], None]) -> list[Way]:
    most = min(paying.most or _MOST_CARDS, _MOST_CARDS)
    saved = saved_by_hour(drawn, paying, most=max(most, least) if paying.can_switch or paying.most else
                          max(least, paying.lot))
    told(0.6)
    always = max(least, _best_always(saved, paying), paying.lot if not paying.can_switch else 1)
    ways = [_way(f"{number} card{'s' * (number > 1)} {'at a time' if paying.usd_per_image else 'always on'}, overflow "
                 "hosted", drawn, paying, cards=np.full(WEEK_H, number)) for number in sorted({max(least, 1), always})]
    if paying.can_switch:
        padded = saved if saved.shape[1] > least else np.hstack([saved, np.repeat(
            saved[:, -1:], least + 1 - saved.shape[1], axis=1)])
        cards, reserved = best_schedule(padded, paying, least=least)
        if cards.any():
            ways.append(_way(f"cards by the hour of the week, up to {cards.max()}, overflow hosted", drawn, paying,
                             cards=cards, reserved=reserved))
            whole = outcome(drawn, cards, paying=paying, reserved=reserved, by_image=False)
            ways.append(Way("the same, whole requests overflow", whole, _fault(drawn, whole)))
    told(0.9)
    return ways


def _best_always(saved: NDArray[np.float64], paying: Paying) -> int:
    """The number of cards that pays best where all are always on."""
    weekly = saved.sum(axis=0)
    costs = np.array([paying.cards_usd(np.full(WEEK_H, number)) for number in range(saved.shape[1])]) * WEEK_H / 730
    return max(1, int(np.argmax((weekly - costs)[1:])) + 1) if saved.shape[1] > 1 else 1


def _way(name: str, drawn: Months, paying: Paying, *, cards: NDArray[np.int64], reserved: int = 0) -> Way:
    found = outcome(drawn, cards, paying=paying, reserved=reserved)
    return Way(name, found, _fault(drawn, found))


def _fault(drawn: Months, found: Outcome) -> str:
    """Why a way may not be chosen: images that nobody makes, or own answers later than promised."""
    lost = float(found.lost.mean())
    if lost >= 1:
        return f"{lost:,.0f} images a month that may go nowhere else are not made"
    for at, one in enumerate(drawn.planned.streams):
        if not one.can_wait and not _keeps(found, at, one.promise.p95_s, one.promise.p99_s):
            return f"own answers to {one.segment} take p95 {np.nanmean(found.p95_s[:, at]):,.0f} s"
    return ""

