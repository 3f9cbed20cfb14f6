"""What a plan's cards do beside working, as the scenario states it, and what of it came about in the drawn months."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.conditions import Conditions, Failures, Scaling
from planner.errors import PlannerError
from planner.gpu_costs import Serverless
from router.quantities import HOURS_PER_MONTH, SECONDS_PER_HOUR

from .documents import KEPT, policy_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from planner.drawing import Month
    from planner.queueing import Array
    from planner.scenario import Own, Segment

    from .documents import Rules
    from .months import Months, Outcome
    from .streams import Planned

__all__ = ["condition_lines", "conditions_of", "without_failures"]

_IDLE_MINUTES = 10.0
_CHANCES, _CARDS = 1, 2  # two dice of a month, so that one condition does not move the other


def conditions_of(planned: Planned, month: Month, *, rules: Rules, seed: tuple[int, int], hours: int) -> (
        Conditions | None):
    """What the scenario states for a drawn month; None where it states nothing.

    Raises:
        PlannerError: fine-tunes without the time to load one, or the other way round.
    """
    scenario = planned.case.scenario
    named = {one.name: one for one in scenario.segment}
    segments = [named[one.segment.removesuffix(KEPT)] for one in planned.streams]
    own, failures = scenario.own, scenario.own.failures
    tuned = [one for one in scenario.segment if one.fine_tunes is not None]
    if (own.switch is None) != (not tuned):
        raise PlannerError("own.switch is stated and no segment has fine_tunes; say how many it asks for" if not tuned
                           else f"segment {tuned[0].name} has fine_tunes; say with own.switch how long loading takes")
    scaling, priority = _scaling(own), [one.priority for one in segments]
    if not tuned and failures is None and scaling is None and len(set(priority)) == 1:
        return None
    kind, switch_s = _loaded(segments, own, month, np.random.default_rng((*seed, _CHANCES)))
    return Conditions(
        kind, switch_s, np.array(priority)[month.stream], _deadlines(planned, rules)[month.stream],
        None if failures is None else Failures(HOURS_PER_MONTH * SECONDS_PER_HOUR / failures.per_card_month,
                                               failures.repair_minutes * 60, (*seed, _CARDS)),
        scaling, hours * float(SECONDS_PER_HOUR))


def without_failures(drawn: Months) -> Months:
    """The same months with cards that never fail."""
    return replace(drawn, conditions=tuple(None if one is None else replace(one, failures=None)
                                           for one in drawn.conditions))


def condition_lines(drawn: Months, found: Outcome) -> Iterator[str]:
    """What was stated, and what came of it in an average month of a fleet."""
    own, seen = drawn.planned.case.scenario.own, found.happened
    images = float((found.own_share * found.images).mean())
    if seen is None or not found.cards.any():
        return
    if own.failures is not None:
        yield (f"Failures: {own.failures.per_card_month:g} a card-month, repaired in "
               f"{own.failures.repair_minutes / 60:g} h: {seen.failed:,.1f} a month, cards down "
               f"{seen.down_s / 3600:,.1f} h; {seen.again:,.1f} images made again, {seen.sent:,.1f} sent elsewhere")
    if own.switch is not None:
        tail = "" if own.switch.p90_s is None else f" (9 of 10 within {own.switch.p90_s:g} s)"
        yield (f"Fine-tunes: {own.switch.p50_s:g} s to load one{tail}: {seen.switches:,.0f} switches a month, "
               f"{seen.switch_s / 3600:,.1f} card-hours beside the work")
    scaling = _scaling(own)
    if scaling is not None:
        cold = seen.cold_s / seen.cold if seen.cold else 0.0
        yield (f"Cold starts: {seen.starts:,.0f} a month of {scaling.start_s:g} s, switched off after "
               f"{scaling.idle_s:g} s without work; {seen.cold:,.0f} calls for {images:,.0f} own images waited "
               f"{cold:,.1f} s each for one; {found.on_h:,.0f} card-hours are paid for")
    levels = sorted({(-one.priority, one.name) for one in drawn.planned.case.scenario.segment})
    if len({level for level, _ in levels}) > 1:
        yield "Served first among what waits for a card: " + ", ".join(name for _, name in levels)
    if seen.late >= 1:
        yield f"Past their deadline in the line: {seen.late:,.0f} images a month"


def _scaling(own: Own) -> Scaling | None:
    cost, stated = own.cost, own.autoscale
    if isinstance(cost, Serverless):
        return Scaling(0 if stated is None else stated.least, cost.cold_start_s,
                       0.0 if stated is None else stated.wait_s, cost.idle_tail_s)
    if stated is None:
        return None
    idle = _IDLE_MINUTES if stated.idle_minutes is None else stated.idle_minutes
    return Scaling(stated.least, own.start_minutes * 60, stated.wait_s, idle * 60)


def _loaded(segments: Sequence[Segment], own: Own, month: Month, rng: np.random.Generator) -> (
        tuple[NDArray[np.int64], Array]):
    """What each request needs loaded, 0 for the model as it is, and the seconds that loading it would take."""
    size = month.at.size
    kind = np.zeros(size, dtype=np.int64)
    if own.switch is None:
        return kind, np.zeros(size)
    known = 1
    for at, segment in enumerate(segments):
        tunes = segment.fine_tunes
        if tunes is not None:
            mine = np.flatnonzero(month.stream == at)
            asks = rng.random(mine.size) < tunes.share
            kind[mine] = np.where(asks, known + rng.integers(0, tunes.count, mine.size), 0)
            if segment not in segments[at + 1:]:  # what can wait asks for the same ones as what cannot
                known += tunes.count
    return kind, own.switch.p50_s * np.exp(own.switch.sigma * rng.standard_normal(size))


def _deadlines(planned: Planned, rules: Rules) -> Array:
    """By stream: how long the router leaves a call with our cards before it pays elsewhere, or gives it up."""
    stated = policy_document(planned.case, rules)["segment"]
    return np.array([math.inf if one.can_wait else float(stated[one.segment]["deadline_s"]) - (
        one.hosted_p95_s if one.leaves else one.own_p95_s) for one in planned.streams])
