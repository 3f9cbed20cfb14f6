"""The second engine of `fleet`: from event to event, for cards that fail, load, start and stop, and serve some first.

The router's rule is the same: it predicts the queue on its board, and sends elsewhere what would wait too long. What it
sends to cards of ours waits in one line by class, and a card that is free takes the first of it. The router is told at
once of a card that fails, starts or stops; it knows nothing of classes and of what is loaded.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from . import fleet_line as line
from . import fleet_moves as moves
from .conditions import Happened
from .fleet import HOUR_S, TRAVEL_S, WEEK_H
from .fleet_floor import floor_of
from .fleet_line import BUSY, DOWN, FILLED, HOURLY, IDLE, LEFT, OFF, ON, POOLED, STARTING, WAITING, Floor

if TYPE_CHECKING:
    from .conditions import Conditions
    from .fleet import Rule, Work

__all__ = ["serve_events"]

_FAILED, _DOWN_S = Happened._fields.index("failed"), Happened._fields.index("down_s")
_AGAIN, _SENT = Happened._fields.index("again"), Happened._fields.index("sent")
_COLD, _COLD_S = Happened._fields.index("cold"), Happened._fields.index("cold_s")


def serve_events(work: Work, rule: Rule, *, conditions: Conditions) -> None:
    """Every request in order of time; the rule's `served` is filled."""
    floor = floor_of(work, rule, conditions=conditions)
    _serve(floor)
    for name in ("own_images", "waited", "last"):
        getattr(rule.served, name)[:] = floor.jobs[name]


@njit(cache=True, nogil=True)
def _call(floor: Floor, job: int, images: int) -> None:
    """One call to cards of ours."""
    call, calls = floor.counts[line.CALLS], floor.calls
    floor.counts[line.CALLS] = call + 1
    calls[call].job, calls[call].images, calls[call].able = job, images, floor.counts[HOURLY]
    line.expect(floor, call)
    moves.place(floor, call)


@njit(cache=True, nogil=True)
def _whole(floor: Floor, job: int) -> None:
    """All images of a request, call by call; whoever asks has looked for more cards for the first."""
    left = floor.jobs[job].images
    while left > 0:
        number = min(left, floor.jobs[job].call_images)
        if left < floor.jobs[job].images:
            moves.scale(floor)
        _call(floor, job, number)
        left -= number


@njit(cache=True, nogil=True)
def _one_by_one(floor: Floor, job: int) -> None:
    """Each image of a request on cards of ours, as long as it would not wait too long."""
    for image in range(floor.jobs[job].images):
        if image:
            moves.scale(floor)
        if line.queued_s(floor) <= floor.jobs[job].most_wait:
            _call(floor, job, 1)


@njit(cache=True, nogil=True)
def _fill(floor: Floor) -> None:
    """Idle cards for what can wait, oldest first."""
    count, jobs = floor.counts, floor.jobs
    while count[FILLED] < count[POOLED] and count[line.EXPECTED] < count[line.READY]:
        job = floor.pool[count[FILLED]]
        count[FILLED] += 1
        if floor.clock[0] <= jobs[job].at + jobs[job].patience:
            _whole(floor, job)


@njit(cache=True, nogil=True)
def _can_wait(floor: Floor, job: int) -> None:
    """It takes idle cards alone; where none is on, one starts for what may go nowhere else."""
    floor.pool[floor.counts[POOLED]] = job
    floor.counts[POOLED] += 1
    if floor.scales and not floor.jobs[job].leaves and floor.counts[ON] == 0:
        moves.start(floor)
    _fill(floor)


@njit(cache=True, nogil=True)
def _arrive(floor: Floor, job: int) -> None:
    """What the router does with a request."""
    asked, count = floor.jobs[job], floor.counts
    floor.clock[0] = asked.at
    if not asked.own:
        return
    if asked.can_wait:
        _can_wait(floor, job)
    elif count[HOURLY]:
        moves.scale(floor)
        if count[ON] == 0 and not asked.leaves:  # all cards have failed: what may go nowhere else stands in line
            _whole(floor, job)
        elif line.queued_s(floor) > asked.most_wait:
            return
        elif not floor.by_image or not asked.leaves:
            _whole(floor, job)
        else:
            _one_by_one(floor, job)


@njit(cache=True, nogil=True)
def _done(floor: Floor, card: int) -> None:
    call, now = floor.cards[card].call, floor.clock[0]
    if floor.cards[card].state != BUSY or floor.cards[card].until != now:
        return  # it failed on the way
    asked = floor.jobs[floor.calls[call].job]
    asked.own_images += floor.calls[call].images
    asked.waited = max(asked.waited, floor.cards[card].begun - asked.at)
    asked.last = max(asked.last, now + TRAVEL_S - asked.at)
    heapq.heappush(floor.heap, (now + TRAVEL_S, moves.ANSWERED, call))
    moves.free(floor, card)


@njit(cache=True, nogil=True)
def _started(floor: Floor, card: int) -> None:
    if floor.cards[card].state != STARTING or floor.cards[card].until != floor.clock[0]:
        return  # it failed on the way
    call = moves.free(floor, card)
    line.recount(floor)
    if call >= 0:
        floor.counted[_COLD] += 1
        floor.counted[_COLD_S] += floor.clock[0] - floor.jobs[floor.calls[call].job].at


@njit(cache=True, nogil=True)
def _stops(floor: Floor, card: int) -> None:
    """A card is switched off if it has been idle all the while and is not one of the least."""
    cards = floor.cards
    if cards[card].state == IDLE and cards[card].until + floor.idle_s == floor.clock[0] and (
            floor.counts[ON] > floor.least):
        moves.bill(floor, card)
        cards[card].state = OFF
        line.recount(floor)


@njit(cache=True, nogil=True)
def _lives(floor: Floor, card: int) -> None:
    """When a card fails next, if that is still looked at."""
    life = floor.cards[card].life
    if life < floor.lives_s.shape[1] and floor.clock[0] + floor.lives_s[card, life] <= floor.until_s:
        floor.cards[card].life = life + 1
        heapq.heappush(floor.heap, (floor.clock[0] + floor.lives_s[card, life], moves.FAILS, card))


@njit(cache=True, nogil=True)
def _fails(floor: Floor, card: int) -> None:
    """A card breaks down, if it is on; chance has no memory of one that is not."""
    cards, state, now = floor.cards, floor.cards[card].state, floor.clock[0]
    if state == OFF or (state == IDLE and card >= floor.counts[HOURLY]):
        _lives(floor, card)
        return
    floor.counted[_FAILED] += 1
    floor.counted[_DOWN_S] += max(0.0, min(floor.repair_s, floor.until_s - now))
    left_s, cards[card].until = cards[card].until - now, now + floor.repair_s
    cards[card].state, cards[card].loaded = DOWN, -1
    if floor.scales:
        moves.bill(floor, card)
    line.recount(floor)
    heapq.heappush(floor.heap, (cards[card].until, moves.REPAIRED, card))
    if state == BUSY:
        _broken_off(floor, card, left_s)
    moves.keep_up(floor)


@njit(cache=True, nogil=True)
def _broken_off(floor: Floor, card: int, left_s: float) -> None:
    """What a card was making goes elsewhere where it may, else to the next card of ours, made anew."""
    call = floor.cards[card].call
    job, images = floor.calls[call].job, floor.calls[call].images
    hour = int(floor.cards[card].begun // HOUR_S) % WEEK_H
    floor.busy_s[hour] -= min(left_s, floor.jobs[job].seconds * images)
    if floor.jobs[job].leaves and not floor.jobs[job].can_wait:
        floor.counted[_SENT] += images
        line.forget(floor, call)
    else:
        floor.counted[_AGAIN] += images
        moves.place(floor, call)


@njit(cache=True, nogil=True)
def _repaired(floor: Floor, card: int) -> None:
    _lives(floor, card)
    if floor.scales:
        floor.cards[card].state = OFF
        moves.keep_up(floor)
    else:
        moves.free(floor, card)
        line.recount(floor)


@njit(cache=True, nogil=True)
def _hour(floor: Floor) -> None:
    """Cards of the hour come and go; one that goes ends what it makes."""
    now = floor.clock[0]
    floor.counts[HOURLY] = floor.on[int(now // HOUR_S) % WEEK_H]
    line.recount(floor)
    for card in range(floor.counts[HOURLY]):
        if floor.cards[card].state == IDLE:
            moves.give(floor, card)
    if floor.counts[LEFT] or floor.counts[FILLED] < floor.counts[POOLED] or floor.counts[WAITING]:
        heapq.heappush(floor.heap, ((now // HOUR_S + 1) * HOUR_S, moves.HOUR, 0))


@njit(cache=True, nogil=True)
def _card_event(floor: Floor, what: int, card: int) -> None:
    if what == moves.STARTED:
        _started(floor, card)
    elif what == moves.STOPS:
        _stops(floor, card)
    elif what == moves.FAILS:
        _fails(floor, card)
    else:
        _repaired(floor, card)


@njit(cache=True, nogil=True)
def _until(floor: Floor, at: float) -> None:
    """Everything that happens up to an instant."""
    heap = floor.heap
    while heap and heap[0][0] <= at:
        floor.clock[0], what, who = heapq.heappop(heap)
        if what == moves.DONE:
            _done(floor, who)
        elif what == moves.ANSWERED:
            line.forget(floor, who)
        elif what == moves.HOUR:
            _hour(floor)
        elif what != moves.DEADLINE:
            _card_event(floor, what, who)
        elif floor.calls[who].waits:
            line.leave_line(floor, who)
            moves.late(floor, who)
        if floor.counts[FILLED] < floor.counts[POOLED] and not (heap and heap[0][0] == floor.clock[0]):
            _fill(floor)


@njit(cache=True, nogil=True)
def _serve(given: Floor) -> None:
    heap = [(0.0, 0, 0)]  # for its type
    heap.pop()
    floor = Floor(given.jobs, given.cards, given.calls, given.line, given.expected, given.who, given.pool, given.counts,
                  given.clock, given.counted, given.busy_s, given.on_s, given.on, given.lives_s, given.by_image,
                  given.scales, given.least, given.start_s, given.wait_s, given.idle_s, given.repair_s, given.until_s,
                  heap)
    floor.counts[LEFT], floor.counts[HOURLY] = floor.jobs.size, floor.cards.size
    if not floor.scales and floor.jobs.size and floor.on.min() < floor.cards.size:
        floor.clock[0] = floor.jobs[0].at // HOUR_S * HOUR_S
        _hour(floor)
    line.recount(floor)
    floor.clock[0] = 0.0
    for card in range(floor.lives_s.shape[0]):
        _lives(floor, card)
    for job in range(floor.jobs.size):
        _until(floor, floor.jobs[job].at)
        floor.counts[LEFT] -= 1
        _arrive(floor, job)
    _until(floor, np.inf)
    floor.clock[0] = floor.until_s
    for card in range(floor.cards.size if floor.scales else 0):
        if floor.cards[card].state == IDLE:
            moves.bill(floor, card)
