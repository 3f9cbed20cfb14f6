"""Models that their vendor shuts down inside the plan: what takes over, at which quality. Pure but for the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from planner.case import Case
    from planner.plan_terms import Successor
    from planner.scenario import Scenario, Segment

__all__ = ["orphans", "succeeded"]


def succeeded(case: Case, day: date) -> Scenario:
    """The scenario as it stands on a day: what was shut down by then is made by its named successor."""
    segments = tuple(_succeeded(case, segment, day) for segment in case.scenario.segment)
    return case.scenario.model_copy(update={"segment": segments})


def orphans(case: Case, day: date) -> Iterator[str]:
    """Why the plan cannot go on from a day: a sentence for each model that is gone by then with nobody named for it."""
    told = set()
    for segment in case.scenario.segment:
        gone = _gone_on(case, segment.today.model, day)
        if gone is not None and _named(case, segment.today.model) is None and segment.today.model not in told:
            told.add(segment.today.model)
            hint = case.book.prices.find(segment.today.model).successor
            yield (f"{segment.today.model} shuts down on {gone}; name its successor under [[plan.successor]]"
                   + (f", as in by = {hint!r}" if hint else ""))


def _succeeded(case: Case, segment: Segment, day: date) -> Segment:
    named = _named(case, segment.today.model)
    if named is None or _gone_on(case, segment.today.model, day) is None:
        return segment
    quality = segment.today.quality
    today = segment.today.model_copy(update={"model": named.by, "quality": named.qualities.get(quality or "", quality)})
    return segment.model_copy(update={"today": today})


def _named(case: Case, model: str) -> Successor | None:
    find = case.book.prices.find
    return next((row for row in case.scenario.plan.successor if find(row.model).model == find(model).model), None)


def _gone_on(case: Case, model: str, day: date) -> date | None:
    gone = case.book.prices.find(model).shutdown_on
    return gone if gone is not None and gone <= day else None
