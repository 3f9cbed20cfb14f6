"""What speaks against a candidate now: breaker, limits, time, money; and when to buy what could wait. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .breaker import RATE_LIMIT
from .states import IDLE
from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from .ranking import Candidate
    from .request import ImageRequest
    from .states import BackendState, States

__all__ = ["Moment", "last_moment_s", "may_buy", "verdict_now"]

_ALLOWED = allowed()
_LAST_MOMENT_S, _LAST_SHARE = 120.0, 0.02
"""Work that can wait is asked again once a minute at least, so that it is bought before it is too late."""


class Moment(NamedTuple):
    """What a candidate is looked at for, and when.

    Attributes:
        now: monotonic seconds.
        deadline_s: seconds from acceptance to the answer.
        most_wait_s: for a card of ours, while others may make the image; None for no such limit.
        n: images that are to be placed.
    """

    request: ImageRequest
    states: States
    now: float
    deadline_s: float
    most_wait_s: float | None
    n: int


def verdict_now(candidate: Candidate, moment: Moment) -> Verdict:
    """What speaks against a candidate at this moment: breaker, limits, time, money, a queue; the first of them."""
    request, states, now, n = moment.request, moment.states, moment.now, moment.n
    state = states.backends.get(candidate.backend, IDLE)
    batched = candidate.option.is_batched
    if state.closed_until > now and not (batched and state.why_closed == RATE_LIMIT):
        return refused(Reason.CLOSED, asked=state.why_closed, limit=state.closed_until - now)
    full = None if batched else _is_full(candidate, moment, state)
    if full is not None:
        return full
    predicted = state.queued_s + candidate.p95_s
    if predicted > moment.deadline_s:
        return refused(Reason.DEADLINE, asked=predicted, limit=moment.deadline_s)
    micro = candidate.usd_micro * n
    if request.max_usd is not None and candidate.usd_per_image * request.n > request.max_usd:
        return refused(Reason.MAX_USD, asked=candidate.usd_per_image * request.n, limit=request.max_usd)
    if states.left_micro_usd is not None and micro > states.left_micro_usd:
        return refused(Reason.BUDGET, asked=micro / 1e6, limit=states.left_micro_usd / 1e6)
    if moment.most_wait_s is not None and state.queued_s > moment.most_wait_s:
        return refused(Reason.QUEUE, asked=state.queued_s, limit=moment.most_wait_s)
    return _ALLOWED


def last_moment_s(candidate: Candidate) -> float:
    """Seconds before the deadline at which a hosted option must be bought to be in time."""
    return candidate.p95_s + max(_LAST_MOMENT_S, candidate.p95_s * _LAST_SHARE)


def may_buy(candidate: Candidate, verdict: Verdict, *, deadline_s: float, at_last_s: float) -> Verdict:
    """Work that can wait for idle GPUs of ours is bought elsewhere only when the time for that comes.

    Args:
        candidate: where it might be bought.
        verdict: what else speaks against it.
        deadline_s: seconds that are left.
        at_last_s: of the cheapest that may be bought now: a dearer one that takes longer is not bought before it.
    """
    if verdict.reason is not None or candidate.option.backend.is_own or deadline_s <= at_last_s:
        return verdict
    return refused(Reason.WAITS, asked=deadline_s, limit=at_last_s)


def _is_full(candidate: Candidate, moment: Moment, state: BackendState) -> Verdict | None:
    own = candidate.option.backend.own
    if state.is_off:
        return refused(Reason.OFF, asked=None)
    if own is not None and moment.request.urgency == "can_wait" and state.in_flight >= own.cards:
        return refused(Reason.NOT_IDLE, asked=state.in_flight, limit=own.cards)
    if state.images_left is not None and moment.n > state.images_left:
        return refused(Reason.RATE, asked=moment.n, limit=state.images_left)
    concurrent = candidate.option.backend.concurrent
    if concurrent is not None and state.in_flight >= concurrent and not candidate.option.backend.is_own:
        return refused(Reason.CONCURRENT, asked=state.in_flight, limit=concurrent)
    return None
