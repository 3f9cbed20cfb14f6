"""What cards and calls do at an instant in the second engine of `fleet`; `Floor.state` says which instant it is."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from .fleet import HOUR_S, WEEK_H
from .fleet_line import (
    BUSY,
    IDLE,
    OFF,
    STARTING,
    first_for,
    forget,
    idle_for,
    join_line,
    leave_line,
    queued_s,
    recount,
)

if TYPE_CHECKING:
    from .fleet_line import Floor

__all__ = ["ANSWERED", "DEADLINE", "DONE", "FAILS", "HOUR", "REPAIRED", "STARTED", "STOPS", "bill", "free",
           "give", "keep_up", "late", "place", "scale", "start"]

DONE = 0
ANSWERED = 1
STARTED = 2
STOPS = 3
FAILS = 4
REPAIRED = 5
DEADLINE = 6
HOUR = 7
"""Events: instant, one of these, and the card or call it is about; at one instant in this order."""



@njit(cache=True, nogil=True)
def bill(floor: Floor, card: int) -> None:
    """A card was paid for from its start until now, hour by hour."""
    since, now = floor.cards[card].since, floor.state[0].now
    while since < now:
        hour = int(since // HOUR_S)
        until = min(now, (hour + 1) * HOUR_S)
        floor.hours[hour % WEEK_H].on_s += until - since
        since = until


@njit(cache=True, nogil=True)
def _take(floor: Floor, card: int, call: int) -> None:
    """A card begins a call, after loading what it needs."""
    cards, asked, now = floor.cards, floor.jobs[floor.calls[call].job], floor.state[0].now
    switch_s, kind = 0.0, asked.kind
    if cards[card].loaded != kind:
        if cards[card].loaded >= 0 and asked.switch_s > 0:
            switch_s = asked.switch_s
            floor.state[0].switches += 1
            floor.state[0].switch_s += switch_s
        cards[card].loaded = kind
    seconds = asked.seconds * floor.calls[call].images
    cards[card].state, cards[card].call, cards[card].begun = BUSY, call, now
    cards[card].until = now + (switch_s + seconds)
    floor.hours[int(now // HOUR_S) % WEEK_H].busy_s += seconds
    heapq.heappush(floor.heap, (cards[card].until, DONE, card))


@njit(cache=True, nogil=True)
def give(floor: Floor, card: int) -> int:
    """The first in line that a card may take begins on it; -1 where nobody waits for it."""
    call = first_for(floor, card)
    if call >= 0:
        leave_line(floor, call)
        _take(floor, card, call)
    return call


@njit(cache=True, nogil=True)
def free(floor: Floor, card: int) -> int:
    """A card has nothing to do: whoever waits has it, else it is idle from now on; what `give` says."""
    floor.cards[card].state, floor.cards[card].until = IDLE, floor.state[0].now
    call = give(floor, card)
    if call < 0 and floor.state[0].scales:
        heapq.heappush(floor.heap, (floor.state[0].now + floor.state[0].idle_s, STOPS, card))
    return call


@njit(cache=True, nogil=True)
def late(floor: Floor, call: int) -> None:
    """A call whose deadline has passed is not made by cards of ours."""
    floor.state[0].late += floor.calls[call].images
    forget(floor, call)


@njit(cache=True, nogil=True)
def place(floor: Floor, call: int) -> None:
    """A call on the card that is idle for it, else in the line, while its deadline lets it wait."""
    card, job = idle_for(floor, call), floor.calls[call].job
    until = floor.jobs[job].at + floor.jobs[job].deadline_s
    if card >= 0:
        _take(floor, card, call)
    elif until < floor.state[0].now:
        late(floor, call)
    else:
        join_line(floor, call)
        if until < np.inf:
            heapq.heappush(floor.heap, (until, DEADLINE, call))


@njit(cache=True, nogil=True)
def start(floor: Floor) -> bool:
    """One more card is asked for, where there is one."""
    cards, now = floor.cards, floor.state[0].now
    for card in range(cards.size):
        if cards[card].state == OFF:
            cards[card].state, cards[card].since, cards[card].loaded = STARTING, now, -1
            cards[card].until = now + floor.state[0].start_s
            floor.state[0].starts += 1
            recount(floor)
            heapq.heappush(floor.heap, (cards[card].until, STARTED, card))
            return True
    return False


@njit(cache=True, nogil=True)
def scale(floor: Floor) -> None:
    """One more where a call would wait too long; a fleet with nothing on always starts for it."""
    if floor.state[0].scales and (floor.state[0].on == 0 or queued_s(floor) > floor.state[0].wait_s):
        start(floor)


@njit(cache=True, nogil=True)
def keep_up(floor: Floor) -> None:
    """The least that must be on, and one where anybody waits."""
    need = max(floor.state[0].least, 1 if floor.state[0].waiting else 0)
    while floor.state[0].scales and floor.state[0].on < need and start(floor):
        pass
