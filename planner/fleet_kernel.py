"""The compiled half of `fleet`: imported where a fleet is simulated, for numba takes a second to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from router.options import TRAVEL_S

from .fleet import HOUR_S, WEEK_H

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fleet import Rule, Served, Work
    from .queueing import Array

__all__ = ["serve_all"]

_MOST_CALLS = 1 << 16


class _Cards(NamedTuple):
    """Cards and the calls they have: `calls[0]` are in flight, each with its end and the end the board expects."""

    on: NDArray[np.int64]
    free: Array
    calls: NDArray[np.int64]
    ends: Array
    expected: Array


@njit(cache=True, nogil=True)
def _clean(cards: _Cards, now: float) -> None:
    """Forget calls that have ended."""
    kept = 0
    for at in range(cards.calls[0]):
        if cards.ends[at] > now:
            cards.ends[kept], cards.expected[kept] = cards.ends[at], cards.expected[at]
            kept += 1
    cards.calls[0] = kept


@njit(cache=True, nogil=True)
def _queued(cards: _Cards, on: int, now: float) -> float:
    """Seconds until a card is free for one more call, as the board predicts it."""
    calls = cards.calls[0]
    if calls < on:
        return 0.0
    expected = cards.expected[:calls]
    free_at = expected.min() if calls == on else np.sort(expected)[calls - on]
    return float(max(0.0, free_at - now))


@njit(cache=True, nogil=True)
def _call(cards: _Cards, on: int, now: float, seconds: float, images: int, served: Served) -> tuple[float, float]:
    """One call on the card that is free first; when it begins, and when it is answered."""
    queued, free = _queued(cards, on, now), cards.free
    first = 0
    for card in range(1, on):
        if free[card] < free[first]:
            first = card
    begun = max(now, free[first])
    free[first] = begun + seconds * images
    at = cards.calls[0]
    if at < _MOST_CALLS:
        cards.ends[at] = free[first] + TRAVEL_S
        cards.expected[at] = now + queued + (seconds + TRAVEL_S) * images
        cards.calls[0] = at + 1
    served.busy_s[int(begun // HOUR_S) % WEEK_H] += seconds * images
    return begun, free[first] + TRAVEL_S


@njit(cache=True, nogil=True)
def _whole(cards: _Cards, on: int, now: float, job: int, work: Work, served: Served) -> None:
    """All images of a request on cards of ours, call by call."""
    left = work.images[job]
    while left > 0:
        number = min(left, work.call_images[job])
        begun, ended = _call(cards, on, now, work.seconds[job], number, served)
        served.waited[job] = max(served.waited[job], begun - work.at[job])
        served.last[job] = max(served.last[job], ended - work.at[job])
        left -= number
    served.own_images[job] = work.images[job]


@njit(cache=True, nogil=True)
def _idle_at(cards: _Cards, since: float, until: float) -> float:
    """The first instant from `since` on when fewer calls are in flight than cards are on; `until` where none is."""
    now = since
    while now < until:
        on = cards.on[int(now // HOUR_S) % WEEK_H]
        calls, soonest = 0, np.inf
        for at in range(cards.calls[0]):
            if cards.ends[at] > now:
                calls += 1
                soonest = min(soonest, cards.ends[at])
        if calls < on:
            return now
        hour_ends = (now // HOUR_S + 1) * HOUR_S
        now = min(hour_ends, soonest) if on else hour_ends
    return until


@njit(cache=True, nogil=True)
def _fill(cards: _Cards, backlog: NDArray[np.int64], line: NDArray[np.int64], since: float, until: float, work: Work,
          served: Served) -> None:
    """Give cards that are idle after `since` to what can wait, oldest first; `backlog` says where its line is."""
    while backlog[0] < backlog[1]:
        job = line[backlog[0]]
        since = _idle_at(cards, max(since, work.at[job]), until)
        if since >= until and since <= work.at[job] + work.patience[job]:
            return
        if since <= work.at[job] + work.patience[job]:
            _clean(cards, since)
            _whole(cards, cards.on[int(since // HOUR_S) % WEEK_H], since, job, work, served)
        backlog[0] += 1


@njit(cache=True, nogil=True)
def serve_all(work: Work, rule: Rule) -> None:
    """Every request in order of time; the rule's `served` is filled."""
    on_by_hour, by_image, served = rule.on, rule.by_image, rule.served
    cards = _Cards(on_by_hour, np.zeros(on_by_hour.max()), np.zeros(1, np.int64), np.zeros(_MOST_CALLS),
                   np.zeros(_MOST_CALLS))
    backlog, line = np.zeros(2, np.int64), np.zeros(work.at.size, np.int64)
    for job in range(work.at.size):
        now = work.at[job]
        if backlog[0] < backlog[1]:
            _fill(cards, backlog, line, work.at[job - 1], now, work, served)
        if not work.own[job]:
            continue
        if work.can_wait[job]:
            line[backlog[1]] = job
            backlog[1] += 1
            continue
        on = on_by_hour[int(now // HOUR_S) % WEEK_H]
        _clean(cards, now)
        if on == 0 or _queued(cards, on, now) > work.most_wait[job]:
            continue
        if not by_image or not work.leaves[job]:
            _whole(cards, on, now, job, work, served)
            continue
        for _ in range(work.images[job]):
            if _queued(cards, on, now) <= work.most_wait[job]:
                begun, ended = _call(cards, on, now, work.seconds[job], 1, served)
                served.own_images[job] += 1
                served.waited[job] = max(served.waited[job], begun - now)
                served.last[job] = max(served.last[job], ended - now)
    _fill(cards, backlog, line, work.at[-1], np.inf, work, served)
