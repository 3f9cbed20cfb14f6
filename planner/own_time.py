"""How long one own image of a segment takes: the throughput law asked with the scenario's card and engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.service_time import Estimate, ServiceAsk, estimate

if TYPE_CHECKING:
    from .case import Case
    from .scenario import Segment

__all__ = ["own_seconds"]


def own_seconds(case: Case, segment: Segment) -> Estimate | None:
    """The throughput law's seconds for one own image of the segment; None where the scenario states them.

    Raises:
        OutOfReach: the measurements do not reach the card, or the model does not fit on it.
    """
    own = case.scenario.own
    if own.seconds_per_image is not None:
        return None
    return estimate(case.book.law, ServiceAsk(
        model=own.model, gpu=own.gpu, engine=own.engine, precision=own.precision, compile=own.compile,
        size=segment.size, steps=own.steps, references=len(segment.references), part="end-to-end"))
