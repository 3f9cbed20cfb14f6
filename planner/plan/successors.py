"""Models that their vendor shuts down inside the plan: what takes over, at which quality. Pure but for the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from planner.case import Case
    from planner.plan_terms import Successor
    from planner.scenario import Scenario, Segment

__all__ = ["orphans", "succeeded"]


def succeeded(case: Case, day: date) -> Scenario:
    """The scenario as it stands on a day: what was shut down by then is made by its named successor, or by that one's.

    Raises:
        PlannerError: successors that lead back to where they began.
    """
    segments = tuple(_succeeded(case, segment, day) for segment in case.scenario.segment)
    return case.scenario.model_copy(update={"segment": segments})


def orphans(case: Case, day: date) -> Iterator[str]:
    """Why the plan cannot go on at a day: a sentence for each model that is gone by then with nobody named for it."""
    models = dict.fromkeys(segment.today.model for segment in succeeded(case, day).segment)
    for model in models:
        gone = _gone_on(case, model, day)
        if gone is not None:
            hint = case.book.prices.find(model).successor
            yield (f"{model} shuts down on {gone}; name its successor under [[plan.successor]]"
                   + (f", as in by = {hint!r}" if hint else ""))


def _succeeded(case: Case, segment: Segment, day: date) -> Segment:
    seen = {segment.today.model}
    while _gone_on(case, segment.today.model, day) is not None:
        named = _named(case, segment.today.model)
        if named is None:
            return segment
        if named.by in seen:
            raise PlannerError(f"plan.successor: {named.model} to {named.by} leads back to where it began; name a "
                               "model that stays")
        seen.add(named.by)
        quality = named.qualities.get(segment.today.quality or "", segment.today.quality)
        today = segment.today.model_copy(update={"model": named.by, "quality": quality})
        segment = segment.model_copy(update={"today": today})
    return segment


def _named(case: Case, model: str) -> Successor | None:
    find = case.book.prices.find
    return next((row for row in case.scenario.plan.successor if find(row.model).model == find(model).model), None)


def _gone_on(case: Case, model: str, day: date) -> date | None:
    gone = case.book.prices.find(model).shutdown_on
    return gone if gone is not None and gone <= day else None
