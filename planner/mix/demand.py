"""The shape of every segment's demand; pasts that a scenario names are read here, each of them once. An edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.past import read_past
from planner.past_shape import shape_of_past
from planner.traffic import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from planner.case import Case
    from planner.past import Past
    from planner.traffic import Shape

    from .streams import Planned

__all__ = ["demand_lines", "pasts_json", "shapes_of"]


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


def demand_lines(planned: Planned) -> Iterator[str]:
    """Where each shape of demand is from, and what of it is assumed."""
    for label in dict.fromkeys(one.shape.label for one in planned.streams):
        like = [one for one in planned.streams if one.shape.label == label]
        past = like[0].shape.past
        times = "" if past is None else (
            f"; planned: {sum(one.images_per_month for one in like) / past.images_per_month:.2f} times their volume")
        yield f"Demand: {label}{times}"


def pasts_json(planned: Planned) -> list[dict[str, Any]]:
    """Every past that months are drawn from, and the digest of what it holds."""
    pasts = {(one.shape.past.digest, one.shape.past.rows): one.shape.past for one in planned.streams if one.shape.past}
    return [{"source": past.source, "content_sha256": past.digest, "segment": past.rows or None,
             "whole_days": len(past.days), "images_per_month": past.images_per_month} for past in pasts.values()]
