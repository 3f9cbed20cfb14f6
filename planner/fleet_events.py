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

from router.options import TRAVEL_S

from . import fleet_line as line
from . import fleet_moves as moves
from .conditions import Happened
from .fleet import HOUR_S, WEEK_H
from .fleet_floor import floor_of
from .fleet_line import BUSY, DOWN, IDLE, OFF, STARTING, Floor

if TYPE_CHECKING:
    from .conditions import Conditions
    from .fleet import Rule, Work

__all__ = ["serve_events"]



def serve_events(work: Work, rule: Rule, *, conditions: Conditions) -> None:
    """Every request in order of time; the rule's `served` is filled."""
    floor = floor_of(work, rule, conditions=conditions)
    _serve(floor)
    for name in ("own_images", "waited", "last"):
        getattr(rule.served, name)[:] = floor.jobs[name]
    for name in ("busy_s", "on_s"):
        getattr(rule.served, name)[:] = floor.hours[name]
    rule.served.counted[:] = [floor.state[name][0] for name in Happened._fields]


@njit(cache=True, nogil=True)
def _call(floor: Floor, job: int, images: int) -> None:
    """One call to cards of ours."""
    call, calls = floor.state[0].calls, floor.calls
    floor.state[0].calls = call + 1
    calls[call].job, calls[call].images, calls[call].able = job, images, floor.state[0].hourly
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
    state, jobs = floor.state[0], floor.jobs
    while state.filled < state.pooled and state.expected < state.ready:
        job = floor.jobs[state.filled].pooled
        state.filled += 1
        if floor.state[0].now <= jobs[job].at + jobs[job].patience:
            _whole(floor, job)


@njit(cache=True, nogil=True)
def _can_wait(floor: Floor, job: int) -> None:
    """It takes idle cards alone; where none is on, one starts for what may go nowhere else."""
    floor.jobs[floor.state[0].pooled].pooled = job
    floor.state[0].pooled += 1
    if floor.state[0].scales and not floor.jobs[job].leaves and floor.state[0].on == 0:
        moves.start(floor)
    _fill(floor)


@njit(cache=True, nogil=True)
def _arrive(floor: Floor, job: int) -> None:
    """What the router does with a request."""
    asked, state = floor.jobs[job], floor.state[0]
    floor.state[0].now = asked.at
    if not asked.own:
        return
    if asked.can_wait:
        _can_wait(floor, job)
    elif state.hourly:
        moves.scale(floor)
        if state.on == 0 and not asked.leaves:  # all cards have failed: what may go nowhere else stands in line
            _whole(floor, job)
        elif line.queued_s(floor) > asked.most_wait:
            return
        elif not floor.state[0].by_image or not asked.leaves:
            _whole(floor, job)
        else:
            _one_by_one(floor, job)


@njit(cache=True, nogil=True)
def _done(floor: Floor, card: int) -> None:
    call, now = floor.cards[card].call, floor.state[0].now
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
    if floor.cards[card].state != STARTING or floor.cards[card].until != floor.state[0].now:
        return  # it failed on the way
    call = moves.free(floor, card)
    line.recount(floor)
    if call >= 0:
        floor.state[0].cold += 1
        floor.state[0].cold_s += floor.state[0].now - floor.jobs[floor.calls[call].job].at


@njit(cache=True, nogil=True)
def _stops(floor: Floor, card: int) -> None:
    """A card is switched off if it has been idle all the while and is not one of the least."""
    cards = floor.cards
    if cards[card].state == IDLE and cards[card].until + floor.state[0].idle_s == floor.state[0].now and (
            floor.state[0].on > floor.state[0].least):
        moves.bill(floor, card)
        cards[card].state = OFF
        line.recount(floor)


@njit(cache=True, nogil=True)
def _lives(floor: Floor, card: int) -> None:
    """When a card fails next, if that is still looked at."""
    life = floor.cards[card].life
    if life < floor.lives_s.shape[1] and floor.state[0].now + floor.lives_s[card, life] <= floor.state[0].until_s:
        floor.cards[card].life = life + 1
        heapq.heappush(floor.heap, (floor.state[0].now + floor.lives_s[card, life], moves.FAILS, card))


@njit(cache=True, nogil=True)
def _fails(floor: Floor, card: int) -> None:
    """A card breaks down, if it is on; chance has no memory of one that is not."""
    cards, state, now = floor.cards, floor.cards[card].state, floor.state[0].now
    if state == OFF or (state == IDLE and card >= floor.state[0].hourly):
        _lives(floor, card)
        return
    floor.state[0].failed += 1
    floor.state[0].down_s += max(0.0, min(floor.state[0].repair_s, floor.state[0].until_s - now))
    left_s, cards[card].until = cards[card].until - now, now + floor.state[0].repair_s
    cards[card].state, cards[card].loaded = DOWN, -1
    if floor.state[0].scales:
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
    floor.hours[hour].busy_s -= min(left_s, floor.jobs[job].seconds * images)
    if floor.jobs[job].leaves and not floor.jobs[job].can_wait:
        floor.state[0].sent += images
        line.forget(floor, call)
    else:
        floor.state[0].again += images
        moves.place(floor, call)


@njit(cache=True, nogil=True)
def _repaired(floor: Floor, card: int) -> None:
    _lives(floor, card)
    if floor.state[0].scales:
        floor.cards[card].state = OFF
        moves.keep_up(floor)
    else:
        moves.free(floor, card)
        line.recount(floor)


@njit(cache=True, nogil=True)
def _hour(floor: Floor) -> None:
    """Cards of the hour come and go; one that goes ends what it makes."""
    now = floor.state[0].now
    floor.state[0].hourly = floor.hours[int(now // HOUR_S) % WEEK_H].on
    line.recount(floor)
    for card in range(floor.state[0].hourly):
        if floor.cards[card].state == IDLE:
            moves.give(floor, card)
    if floor.state[0].left or floor.state[0].filled < floor.state[0].pooled or floor.state[0].waiting:
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
        floor.state[0].now, what, who = heapq.heappop(heap)
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
        if floor.state[0].filled < floor.state[0].pooled and not (heap and heap[0][0] == floor.state[0].now):
            _fill(floor)


@njit(cache=True, nogil=True)
def _serve(given: Floor) -> None:
    heap = [(0.0, 0, 0)]  # for its type
    heap.pop()
    floor = Floor(given.jobs, given.cards, given.calls, given.line, given.hours, given.state, given.expected,
                  given.lives_s, heap)
    state = floor.state[0]
    if not state.scales and floor.jobs.size and floor.hours["on"].min() < floor.cards.size:
        state.now = floor.jobs[0].at // HOUR_S * HOUR_S
        _hour(floor)
    line.recount(floor)
    state.now = 0.0
    for card in range(floor.lives_s.shape[0]):
        _lives(floor, card)
    for job in range(floor.jobs.size):
        _until(floor, floor.jobs[job].at)
        state.left -= 1
        _arrive(floor, job)
    _until(floor, np.inf)
    state.now = state.until_s
    for card in range(floor.cards.size if state.scales else 0):
        if floor.cards[card].state == IDLE:
            moves.bill(floor, card)
