"""The shape of every segment's demand; pasts that a scenario names are read here, each of them once. An edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.past import read_past
from planner.past_shape import shape_of_past
from planner.traffic import shape_of

if TYPE_CHECKING:
    from planner.case import Case
    from planner.past import Past
    from planner.traffic import Shape

__all__ = ["shapes_of"]


def shapes_of(case: Case) -> dict[str, Shape]:
    """By segment. Segments of like traffic share one shape, and so rise and fall together; so do those of one past.

    Raises:
        PlannerError: an unknown archetype, or a trace that cannot be read or is too short.
        LedgerError: books that cannot be read.
    """
    scenario = case.scenario
    pasts: dict[str, Past] = {}
    shapes: dict[str, Shape] = {}
    shared: dict[str, Shape] = {}
    for segment in scenario.segment:
        traffic = segment.traffic or scenario.traffic
        if traffic.trace is None:
            key = traffic.model_dump_json()
            if key not in shared:
                shared[key] = shape_of(traffic, case.book.archetypes)
            shapes[segment.name] = shared[key]
            continue
        if traffic.trace not in pasts:
            pasts[traffic.trace] = read_past(traffic.trace)
        shapes[segment.name] = shape_of_past(traffic, pasts[traffic.trace], segment=segment.name)
    return shapes
