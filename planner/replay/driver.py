"""Drives the router's flow in event time. It holds no rule: it decides as the router does, sends, waits for events."""

from __future__ import annotations

import heapq
import math
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from router.attempts import Attempt, Kind, Outcome
from router.board import Board
from router.course import Legs, course_of, placed_part
from router.decide import decide
from router.delivery import parts_of
from router.errors import BadRequest
from router.quantities import limit_micro_usd
from router.unsent import AGAIN, not_delivered

from .asked import HOUR_S, week_hour
from .lives import Ended, Life, Paid, Part
from .money import Money
from .purse import Purse
from .waiting import AGAIN_S, Waiting, buys_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router.backends.protocol import Reply
    from router.decide import Compiled, Decision
    from router.flow import End
    from router.options import Option
    from router.ranking import Candidate
    from router.request import ImageRequest
    from router.settings import Settings

    from .asked import Asked
    from .money import Prices
    from .world import World

__all__ = ["Driver"]

_CLASSES_KEPT = 4096


class Driver:
    """One policy over one set of backends.

    Args:
        compiled: policy, catalogue and price day.
        settings: backends and budgets.
        world: what stands in for cards and vendors.
        ended: told of every request's end, in order of the ends.
        paid: told of every attempt that cost something or made images.
    """

    def __init__(self, compiled: Compiled, settings: Settings, *, world: World, ended: Callable[[Ended], None],
                 paid: Callable[[Paid], None]) -> None:
        self._compiled, self._world, self._ended, self._paid = compiled, world, ended, paid
        self._board, self._purse = Board(settings.backends), Purse(settings)
        self._patience = settings.jobs.patience_of
        self._events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._order, self._calls = count(), count()
        self._now = 0.0
        self._waiting, self._waking, self._woken_hourly = Waiting(), False, False
        self._own_hours = any(one.own is not None and one.own.hours for one in settings.backends)
        self._known: dict[tuple[object, ...], Money] = {}

    def run(self, requests: Iterable[Asked]) -> None:
        """Everything that was asked, in order of its arrival, to its end."""
        for number, asked in enumerate(requests):
            self._until(asked.at)
            self._now = asked.at
            self._receive(Life(number, asked))
        self._until(math.inf)

    def _until(self, at: float) -> None:
        events = self._events
        while events and events[0][0] <= at:
            self._now, _, what, facts = heapq.heappop(events)
            what(*facts)

    def _at(self, at: float, what: Callable[..., None], *facts: object) -> None:
        heapq.heappush(self._events, (at, next(self._order), what, facts))

    def _receive(self, life: Life) -> None:
        asked, now, request = life.asked, self._now, life.asked.request
        left = self._purse.left(request, now)
        try:
            decision = self._decided(request, asked, left)
        except BadRequest as error:
            self._end(life, "rejected", error.code)
            return
        if decision.choice is None:
            self._not_sent(life, decision)
            return
        plan = parts_of(decision)
        life.left = len(plan)
        for n in plan:
            self._begin(life, decision, n)

    def _decided(self, request: ImageRequest, asked: Asked, left: int | None) -> Decision:
        now = self._now
        if request.urgency == "can_wait":
            request = replace(request, deadline_s=self._patience(request) - (now - asked.at))
        states = self._board.states(now, hour=week_hour(now), left_micro_usd=left)
        return decide(self._compiled, request, states=states, now=now)

    def _not_sent(self, life: Life, decision: Decision) -> None:
        waited, patience = self._now - life.asked.at, self._patience(life.asked.request)
        if not decision.waits or waited >= patience:
            unsent = not_delivered(decision, None, request_id="", retry_after_s=None)
            if life.asked.request.urgency == "can_wait" and unsent.state in AGAIN and waited < patience:
                self._at(self._now + AGAIN_S, self._receive, life)
            else:
                self._end(life, "rejected", unsent.code)
            return
        if not life.buys_at:
            life.buys_at = buys_at(decision, life)
            self._at(life.buys_at, self._last_moment, life)
        if life.buys_at < self._now:
            self._at(self._now + AGAIN_S, self._receive, life)
        else:
            self._waiting.add(life)
            if self._own_hours and not self._woken_hourly:
                self._woken_hourly = True
                self._at((self._now // HOUR_S + 1) * HOUR_S, self._hour_begins)

    def _last_moment(self, life: Life) -> None:
        if self._waiting.take(life):
            self._receive(life)

    def _hour_begins(self) -> None:
        self._wake()
        self._woken_hourly = bool(self._waiting)
        if self._waiting:
            self._at(self._now + HOUR_S, self._hour_begins)

    def _wake(self) -> None:
        """A card may be idle: whoever is asked for first gets it, and then perhaps the next."""
        if self._waiting and not self._waking:
            self._waking = True
            at, life = self._waiting.next(self._now)
            self._at(at, self._woken, life)

    def _woken(self, life: Life) -> None:
        self._waking = False
        before = len(self._waiting)
        self._receive(life)
        if len(self._waiting) == before:
            self._wake()

    def _begin(self, life: Life, decision: Decision, n: int) -> None:
        now = self._now
        placed = decision if n == decision.request.n else placed_part(
            decision, n=n, now=now, states=lambda: self._board.states(now, hour=week_hour(now)).backends)
        part = Part(life, n, self._money(decision, n), Legs(placed, n=n))
        part.flow = course_of(placed, part.legs, n=n, reserve_usd=part.money.reserve_usd)
        attempt = next(part.flow, None)
        if attempt is None:
            self._part_ends(part, "failed", "", self._now)
        else:
            self._step(part, attempt)

    def _step(self, part: Part, attempt: Attempt | None) -> None:
        """Try, and try again, until something has to be waited for."""
        while attempt is not None:
            until = self._now + attempt.timeout_s
            if attempt.delay_s:
                self._at(self._now + attempt.delay_s, self._later, part, attempt, until)
                return
            outcome = self._try(part, attempt, until)
            if outcome is None:
                return
            attempt = self._tell(part, outcome)

    def _later(self, part: Part, attempt: Attempt, until: float) -> None:
        outcome = self._try(part, attempt, until)
        if outcome is not None:
            self._step(part, self._tell(part, outcome))

    def _try(self, part: Part, attempt: Attempt, until: float) -> Outcome | None:
        """Send, and wait for the first answer: None where an event will bring it."""
        if attempt.option is not None:
            refused = self._send(part, attempt, part.legs[attempt.option])
            if refused is not None:
                return refused
        running = part.running
        if not running:
            return self._outcome(part, attempt.number, Kind.TIMED_OUT)
        number = min(running, key=lambda one: running[one].ends_at) if len(running) > 1 else attempt.number
        called = running[number]
        if called.ends_at > until:
            self._at(until, self._too_late, part, attempt)
            return None
        if called.reply.kind is Kind.OK:  # an answer ends the flow, whenever it is told
            return self._answered(part, number)
        self._at(called.ends_at, self._came, part, number)
        return None

    def _too_late(self, part: Part, attempt: Attempt) -> None:
        if attempt.option is not None and not attempt.option.is_batched:
            self._board.late(attempt.option.backend.name, now=self._now)
        self._step(part, self._tell(part, self._outcome(part, attempt.number, Kind.TIMED_OUT, pending=True,
                                                        possibly_billed=True)))

    def _came(self, part: Part, number: int) -> None:
        self._step(part, self._tell(part, self._answered(part, number)))

    def _answered(self, part: Part, number: int) -> Outcome:
        called = part.running.pop(number)
        reply, billed = called.reply, called.reply.kind is Kind.OK or called.reply.possibly_billed
        return Outcome(number, reply.kind, called.ends_at - part.life.asked.at, delivered=part.n,
                       possibly_billed=billed, retry_after_s=reply.retry_after_s, code=reply.code)

    def _send(self, part: Part, attempt: Attempt, candidate: Candidate) -> Outcome | None:
        now, backend, life = self._now, candidate.backend, part.life
        batched = candidate.option.is_batched
        if not self._board.admits(backend, now, batched=batched):
            return self._outcome(part, attempt.number, Kind.NOT_STARTED, code="closed",
                                 retry_after_s=self._board.closed_for_s(backend, now))
        prices, request = part.money.of(candidate.option), life.asked.request
        reserve = prices.reserve_micro
        if request.max_usd is not None and life.committed + reserve > limit_micro_usd(request.max_usd):
            return self._outcome(part, attempt.number, Kind.NO_BUDGET, code="max_usd")
        short = self._purse.reserve(request, backend=backend, micro=reserve, at=now)
        if short:
            return self._outcome(part, attempt.number, Kind.NO_BUDGET, code=short)
        call = str(next(self._calls))
        if not batched:
            self._board.expects(backend, call, work_s=candidate.p50_s * part.n, now=now, hour=week_hour(now))
            self._board.started(backend, images=part.n, now=now)
        called = self._world.call(candidate, n=part.n, asked=life.asked, at=now)
        part.running[attempt.number], part.calls[attempt.number] = called, candidate.option
        life.waited_s = max(life.waited_s, called.waited_s)
        spent = _spent(prices, called.reply)
        life.committed += spent
        self._at(called.ends_at, self._done, part, candidate.option, call, called.reply, (now, reserve, spent))
        return None

    def _done(self, part: Part, option: Option, call: str, reply: Reply, money: tuple[float, int, int]) -> None:
        """A call is over, whether anybody still waits for it or not: the board and the purse are told."""
        sent_at, reserve, spent = money
        backend = option.backend.name
        self._board.ended(backend, call, reply=reply, now=self._now, batched=option.is_batched)
        if option.backend.is_own:
            self._wake()
        self._purse.settle(part.life.asked.request, backend=backend, freed=reserve - spent, at=sent_at)
        if reply.kind is Kind.OK or spent:
            self._paid(Paid(option, part.n if reply.kind is Kind.OK else 0, spent, self._now))

    def _tell(self, part: Part, outcome: Outcome) -> Attempt | None:
        try:
            return part.flow.send(outcome)
        except StopIteration as stop:
            end: End = stop.value
            if end.state == "ok" and end.outcome is not None:
                label = part.calls[end.outcome.number].label
                part.life.images[label] = part.life.images.get(label, 0) + part.n
            self._part_ends(part, end.state, outcome.code, part.life.asked.at + outcome.at_s)
            return None

    def _part_ends(self, part: Part, state: str, why: str, at: float) -> None:
        life = part.life
        life.left -= 1
        life.until = max(life.until, at)
        if state != "ok":
            life.state, life.why = state, why or state
        if not life.left:
            self._end(life, "partial" if life.state != "ok" and life.images else life.state, life.why)

    def _end(self, life: Life, state: str, why: str) -> None:
        self._ended(Ended(life.number, life.asked, state, why, life.images, life.committed,
                          max(life.until, life.asked.at) - life.asked.at, life.waited_s))

    def _outcome(self, part: Part, number: int, kind: Kind, **facts: object) -> Outcome:
        return Outcome(number, kind, self._now - part.life.asked.at, **facts)  # type: ignore[arg-type]

    def _money(self, decision: Decision, n: int) -> Money:
        request = decision.request
        key = (request.request_class, len(request.prompt), n)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _CLASSES_KEPT:
                self._known.clear()
            known = self._known[key] = Money(decision, n=n)
        return known


def _spent(prices: Prices, reply: Reply) -> int:
    """As the books settle it where a vendor tells nothing: what came at its quote, what may be billed at its most."""
    if reply.kind is Kind.OK:
        return prices.quoted_micro
    return prices.reserve_micro if reply.possibly_billed else 0
