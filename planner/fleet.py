"""Own cards with overflow: what the router's rule sends to them, what goes elsewhere, and how long each waits.

Event time comes from the arrivals. The queue that decides is the one the router's board predicts: calls in flight with
the end each was expected at, the cards of the hour, and the seconds of travel it adds. A replay of the same month
through the router itself ends the same, request by request; a test holds it to that. Failures, fine-tunes, cards that
come and go with demand and priorities are served by a second engine that goes from event to event (`fleet_events`);
without any of them both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .conditions import Happened, nothing_happened
from .errors import PlannerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .conditions import Conditions
    from .queueing import Array

__all__ = ["HOUR_S", "WEEK_H", "Rule", "Served", "Work", "serve"]

WEEK_H = 168
HOUR_S = 3600.0


class Work(NamedTuple):
    """Requests in order of time; arrays of one length.

    Attributes:
        at: seconds since Monday 00:00 of some week.
        images: of each request.
        seconds: a card's for one image.
        call_images: the most images the router puts into one call.
        own: whether cards of ours may make it.
        leaves: whether others may make it, too.
        can_wait: whether it takes idle cards alone, up to `patience` seconds.
        most_wait: seconds it waits for a card while others may make it; beyond the deadline for the rest.
    """

    at: Array
    images: NDArray[np.int64]
    seconds: Array
    call_images: NDArray[np.int64]
    own: NDArray[np.bool_]
    leaves: NDArray[np.bool_]
    can_wait: NDArray[np.bool_]
    patience: Array
    most_wait: Array


class Served(NamedTuple):
    """What became of the work.

    Attributes:
        own_images: images of each request that cards of ours made; the others went elsewhere, or nowhere.
        waited: the longest wait of each request's own images, seconds.
        last: seconds from arrival to the last own image.
        busy_s: GPU-seconds of work in each hour of the week, by when it began.
        on_s: card-seconds in each hour of the week from start to off, where cards come and go with demand.
        counted: what is behind `happened`.
    """

    own_images: NDArray[np.int64]
    waited: Array
    last: Array
    busy_s: Array
    on_s: Array
    counted: Array

    @property
    def happened(self) -> Happened:
        """What the cards did beside working, where conditions were given."""
        return Happened(*self.counted.tolist())


class Rule(NamedTuple):
    """What the compiled half is told beside the work: cards by hour of the week, the overflow, and where to write."""

    on: NDArray[np.int64]
    by_image: bool
    served: Served


def serve(work: Work, cards: NDArray[np.int64], *, by_image: bool = True, conditions: Conditions | None = None) -> (
        Served):
    """Every request through cards that are on by the hour of the week.

    Args:
        work: in order of time.
        cards: 168 numbers, from Monday 00:00 on.
        by_image: single images overflow; else whole requests.
        conditions: what happens beside. Where cards come and go with demand, `cards` says how many there may be.

    Raises:
        PlannerError: a clock that goes backwards, or not 168 hours.
    """
    if cards.shape != (WEEK_H,) or (cards < 0).any():
        raise PlannerError(f"cards: {cards.size} hours; give 168 numbers of at least 0")
    if work.at.size and (np.diff(work.at) < 0).any():
        raise PlannerError("the clock goes backwards; sort the requests by time")
    size = work.at.size
    found = Served(np.zeros(size, dtype=np.int64), np.zeros(size), np.zeros(size), np.zeros(WEEK_H), np.zeros(WEEK_H),
                   nothing_happened())
    if conditions is not None and cards.any():
        from .fleet_events import serve_events  # noqa: PLC0415 (as below)

        serve_events(work, Rule(cards.astype(np.int64), by_image, found), conditions=conditions)
    elif size and cards.any():
        from .fleet_kernel import serve_all  # noqa: PLC0415 (numba takes a second to load)

        serve_all(work, Rule(cards.astype(np.int64), by_image, found))
    return found
