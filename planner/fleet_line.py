"""The compiled state behind `fleet_events`: cards, calls, the one line by class, and the router's board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from router.options import TRAVEL_S

from .conditions import Happened

if TYPE_CHECKING:
    from .queueing import Array

__all__ = ["BUSY", "CALL", "CARD", "DOWN", "ENDS", "HOURS", "IDLE", "JOB", "OFF", "STARTING", "STATE", "Floor",
           "expect", "first_for", "forget", "idle_for", "join_line", "leave_line", "queued_s", "recount"]

OFF = 0
STARTING = 1
IDLE = 2
BUSY = 3
DOWN = 4
"""What a card is doing."""

_INT, _REAL, _YES = np.int64, np.float64, np.bool_
CARD = np.dtype([("state", _INT), ("until", _REAL), ("call", _INT), ("begun", _REAL), ("since", _REAL),
                 ("loaded", _INT), ("life", _INT)])
"""What it is doing, until when (since when where it is idle); the call in work and its begin, loading included; since
when it is paid for, where cards come and go; the kind that is loaded, -1 for none; how many of its lives are over."""
CALL = np.dtype([("job", _INT), ("images", _INT), ("able", _INT), ("slot", _INT), ("after", _INT), ("before", _INT),
                 ("waits", _YES), ("posted", _INT)])
"""Its request and images of it; the first so many cards may make it; its place on the board; its neighbours in the
line, -1 for none, and whether it is in it. `posted` is the call at this place of the board."""
JOB = np.dtype([("at", _REAL), ("images", _INT), ("seconds", _REAL), ("call_images", _INT), ("own", _YES),
                ("leaves", _YES), ("can_wait", _YES), ("patience", _REAL), ("most_wait", _REAL), ("kind", _INT),
                ("switch_s", _REAL), ("rank", _INT), ("deadline_s", _REAL), ("own_images", _INT), ("waited", _REAL),
                ("last", _REAL), ("pooled", _INT)])
"""A request: the fields of `Work`, those of `Conditions` (`rank` 0 is served first), those of `Served`. `pooled` is the
request at this place of those that can wait."""
ENDS = np.dtype([("head", _INT), ("tail", _INT)])
HOURS = np.dtype([("on", _INT), ("busy_s", _REAL), ("on_s", _REAL)])
STATE = np.dtype([("now", _REAL), ("until_s", _REAL), ("by_image", _YES), ("scales", _YES), ("least", _INT),
                  ("start_s", _REAL), ("wait_s", _REAL), ("idle_s", _REAL), ("repair_s", _REAL), ("left", _INT),
                  ("calls", _INT), ("expected", _INT), ("waiting", _INT), ("hourly", _INT), ("on", _INT),
                  ("ready", _INT), ("filled", _INT), ("pooled", _INT), *((name, _REAL) for name in Happened._fields)])
"""The instant and the terms; requests to come; calls made, on the board, in the line; cards of the hour, those that the
router counts on, those that are there; requests that can wait, taken and come; what has happened so far."""


class Floor(NamedTuple):
    """Everything.

    Attributes:
        jobs, cards, calls: records, as above.
        line: its two ends for each class.
        hours: of the week.
        state: one record.
        expected: the board: when each call in flight is expected to end.
        lives_s: of each card until it fails, a row for each.
        heap: the events ahead; only the compiled half has it.
    """

    jobs: Any
    cards: Any
    calls: Any
    line: Any
    hours: Any
    state: Any
    expected: Array
    lives_s: Array
    heap: Any = None


@njit(cache=True, nogil=True)
def recount(floor: Floor) -> None:
    """Cards the router counts on, and of them those that are there."""
    on = ready = 0
    for card in range(floor.cards.size):
        state = floor.cards[card].state
        if state in (IDLE, BUSY) and card < floor.state[0].hourly:
            on += 1
            ready += 1
        elif state == STARTING:
            on += 1
    floor.state[0].on, floor.state[0].ready = on, ready


@njit(cache=True, nogil=True)
def queued_s(floor: Floor) -> float:
    """Seconds until a card is free for one more call, as the board predicts it; one that starts is busy till then."""
    on, entries, ends = floor.state[0].on, floor.state[0].expected, floor.expected
    if on == 0:
        return np.inf
    if on > floor.state[0].ready:
        for card in range(floor.cards.size):
            if floor.cards[card].state == STARTING:
                ends[entries] = floor.cards[card].until  # behind the last entry, for this one look
                entries += 1
    if entries < on:
        return 0.0
    if entries == on:
        free_at = ends[:entries].min()
    elif on == 1:
        free_at = ends[:entries].max()
    else:
        free_at = np.partition(ends[:entries], entries - on)[entries - on]
    return float(max(0.0, free_at - floor.state[0].now))


@njit(cache=True, nogil=True)
def expect(floor: Floor, call: int) -> None:
    """A call goes on the board, with the end the router expects."""
    slot, job, queued = floor.state[0].expected, floor.calls[call].job, queued_s(floor)
    work_s = (floor.jobs[job].seconds + TRAVEL_S) * floor.calls[call].images
    floor.expected[slot] = floor.state[0].now + (queued if queued < np.inf else 0.0) + work_s
    floor.calls[slot].posted, floor.calls[call].slot = call, slot
    floor.state[0].expected = slot + 1


@njit(cache=True, nogil=True)
def forget(floor: Floor, call: int) -> None:
    """A call is over: the last one takes its place on the board."""
    last, slot = floor.state[0].expected - 1, floor.calls[call].slot
    floor.expected[slot], floor.calls[slot].posted = floor.expected[last], floor.calls[last].posted
    floor.calls[floor.calls[last].posted].slot = slot
    floor.state[0].expected = last


@njit(cache=True, nogil=True)
def join_line(floor: Floor, call: int) -> None:
    """Behind everybody of its class that was asked for earlier; seen from the end, where nearly all belong."""
    calls, rank = floor.calls, floor.jobs[floor.calls[call].job].rank
    before = floor.line[rank].tail
    while before > call:
        before = calls[before].before
    after = calls[before].after if before >= 0 else floor.line[rank].head
    calls[call].before, calls[call].after, calls[call].waits = before, after, True
    if before >= 0:
        calls[before].after = call
    else:
        floor.line[rank].head = call
    if after >= 0:
        calls[after].before = call
    else:
        floor.line[rank].tail = call
    floor.state[0].waiting += 1


@njit(cache=True, nogil=True)
def leave_line(floor: Floor, call: int) -> None:
    """A call waits no longer."""
    calls, rank = floor.calls, floor.jobs[floor.calls[call].job].rank
    before, after = calls[call].before, calls[call].after
    if before >= 0:
        calls[before].after = after
    else:
        floor.line[rank].head = after
    if after >= 0:
        calls[after].before = before
    else:
        floor.line[rank].tail = before
    calls[call].waits = False
    floor.state[0].waiting -= 1


@njit(cache=True, nogil=True)
def _may(floor: Floor, card: int, call: int) -> bool:
    """A call goes to the cards that were on when it came, as the router's world has it; where cards fail, to any."""
    return card < floor.calls[call].able or (floor.lives_s.size > 0 and card < floor.state[0].hourly)


@njit(cache=True, nogil=True)
def first_for(floor: Floor, card: int) -> int:
    """The call that a card takes next: the highest class, in it who came first; -1 for none."""
    if floor.state[0].waiting:
        for rank in range(floor.line.size):
            call = floor.line[rank].head
            while call >= 0:
                if _may(floor, card, call):
                    return int(call)
                call = floor.calls[call].after
    return -1


@njit(cache=True, nogil=True)
def idle_for(floor: Floor, call: int) -> int:
    """The idle card for a call, -1 for none: one that has loaded what it needs, then an empty one.

    Among equals that which is idle longest; where cards come and go the last one, so that the others can be stopped.
    """
    cards, asked = floor.cards, floor.jobs[floor.calls[call].job]
    best, best_rank, best_since = -1, 0, 0.0
    for card in range(cards.size):
        if cards[card].state != IDLE or not _may(floor, card, call):
            continue
        rank = 0
        if asked.switch_s > 0 and cards[card].loaded != asked.kind:
            rank = 1 if cards[card].loaded < 0 else 2
        since = -cards[card].until if floor.state[0].scales else cards[card].until
        if best < 0 or rank < best_rank or (rank == best_rank and since < best_since):
            best, best_rank, best_since = card, rank, since
    return best
