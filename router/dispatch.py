"""Drives the flow of a request against real backends. It holds no rule: it sends, waits, settles and tells."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .attempts import Attempt, Kind, Outcome
from .backends.protocol import Job, Reply
from .card_hours import hour_of_week
from .course import Legs, course_of, placed_part
from .delivery import Delivery, joined
from .errand import Call, Charges, Part, Watch, settlement_of
from .errors import LedgerError
from .events import Event
from .flow import MOST_PAID, End
from .images import MadeBy
from .ledger.values import Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .backends.protocol import Backend, Gate
    from .board import Board
    from .charges import Charge
    from .delivery import PartPlan
    from .errand import Clock, Errand
    from .ledger.protocol import Ledger
    from .ledger.values import Settlement
    from .ranking import Candidate

__all__ = ["Dispatcher"]

_SHUTDOWN_S = 20.0


class Dispatcher:
    """Sends attempts, one task each; a task settles itself, so that a late answer is booked and kept like any other."""

    def __init__(self, *, ledger: Ledger, backends: Mapping[str, Backend], board: Board, clock: Clock,
                 gate: Gate, tell: Callable[[Event], None]) -> None:
        self._ledger, self._backends, self._board, self._clock = ledger, backends, board, clock
        self._gate, self._tell = gate, tell
        self._calls: set[asyncio.Task[Any]] = set()
        self._long: set[asyncio.Task[Any]] = set()
        self._unsettled: list[Settlement] = []

    async def run(self, errand: Errand) -> Delivery:
        """Everything the decision allows, until there are images or an end; n images that no call makes are split."""
        parts = await asyncio.gather(*(self._part(errand, plan) for plan in errand.plans))
        return joined(parts, wanted=errand.decision.request.n)

    async def close(self) -> None:
        """Wait for what was sent and may be paid for; what stays is found again through the books."""
        for task in self._long:
            task.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=_SHUTDOWN_S)
        with contextlib.suppress(LedgerError):
            await self.settle_again()

    async def settle_again(self) -> None:
        """Write what the books could not take when it was known.

        Raises:
            LedgerError: they still cannot.
        """
        while self._unsettled:
            await self._ledger.settle(self._unsettled[-1])
            self._unsettled.pop()

    async def _part(self, errand: Errand, plan: PartPlan) -> Delivery:
        if plan.delivered is not None:
            return plan.delivered
        return await self._drive(Part(errand, plan.n, plan.first_number), most_paid=MOST_PAID - plan.paid)

    async def _drive(self, part: Part, *, most_paid: int) -> Delivery:
        now = self._clock.monotonic()
        decision = placed_part(part.errand.decision, n=part.n, now=now, states=lambda: self._board.states(
            now, hour=hour_of_week(self._clock.now())).backends)
        legs = Legs(decision, n=part.n)
        charges = Charges(part, legs)
        life = course_of(decision, legs, n=part.n, reserve_usd=charges.reserve_usd, most_paid=most_paid)
        attempt = next(life, None)
        try:
            while attempt is not None:
                outcome = await self._attempt(part, attempt, legs, charges)
                if part.errand.abandoned.is_set() and outcome.kind is not Kind.OK:
                    life.close()
                    return self._delivered(part, End("failed", outcome, attempt.number))
                attempt = life.send(outcome)
        except StopIteration as stop:
            return self._delivered(part, stop.value)
        return self._delivered(part, End("failed", None, 0))

    async def _attempt(self, part: Part, attempt: Attempt, legs: Legs,
                       charges: Charges) -> Outcome:
        until = self._clock.monotonic() + attempt.timeout_s
        if attempt.option is not None:
            if attempt.delay_s:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(part.errand.abandoned.wait(), attempt.delay_s)
            refused = await self._send(part, attempt, legs[attempt.option], charges.of(attempt.option))
            if refused is not None:
                return refused
        watched = [part.running[number] for number in (*attempt.alongside, attempt.number) if number in part.running]
        if not watched:
            return self._outcome(part, Outcome(attempt.number, Kind.TIMED_OUT, 0.0))
        done, _ = await asyncio.wait(watched, timeout=max(0.0, until - self._clock.monotonic()),
                                     return_when=asyncio.FIRST_COMPLETED)
        if not done:
            if attempt.option is not None and not attempt.option.is_batched:
                self._board.late(attempt.option.backend.name, now=self._clock.monotonic())
            return self._outcome(part, Outcome(attempt.number, Kind.TIMED_OUT, 0.0, pending=True, possibly_billed=True))
        best = min((task.result() for task in done), key=lambda outcome: outcome.kind is not Kind.OK)
        part.running.pop(best.number, None)
        return best

    async def _send(self, part: Part, attempt: Attempt, candidate: Candidate, charge: Charge) -> Outcome | None:
        """Reserve, then send; an outcome where nothing was sent."""
        now, backend = self._clock.monotonic(), candidate.backend
        batched = candidate.option.is_batched  # a batch has limits of its own
        if part.errand.abandoned.is_set() or not self._board.admits(backend, now, batched=batched):
            return self._outcome(part, Outcome(attempt.number, Kind.NOT_STARTED, 0.0, code="closed",
                                               retry_after_s=self._board.closed_for_s(backend, now)))
        number = part.first_number + attempt.number
        call = Call(part, attempt.number, f"{part.errand.row.id}.{number}", candidate, charge, attempt.n)
        with contextlib.ExitStack() as undo:
            if not batched:
                self._board.expects(backend, call.attempt_id, work_s=candidate.p50_s * call.n, now=now,
                                    hour=hour_of_week(self._clock.now()))
                undo.callback(self._board.forgets, backend, call.attempt_id)
            short = await self._short(call, number)
            if short is not None:
                self._told("budget_short", call, code=short)
                return self._outcome(part, Outcome(attempt.number, Kind.NO_BUDGET, 0.0, code=short))
            undo.pop_all()
        if not batched:
            self._board.started(backend, images=call.n, now=now)
        task = asyncio.create_task(self._call(call))
        part.running[attempt.number], part.made_by[attempt.number] = task, candidate
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        if batched:
            self._long.add(task)
            task.add_done_callback(self._long.discard)
        if errand_terms := part.errand.terms:
            errand_terms.on_sent(candidate.option)
        self._told("attempt_sent", call)
        return None

    async def _short(self, call: Call, number: int) -> str | None:
        """Set money aside; the limit that is short where it cannot be."""
        errand, micro = call.part.errand, call.charge.reserve_micro_usd
        if not errand.affords(micro):
            return "max_usd"
        errand.committed[call.attempt_id] = micro
        granted = await self._ledger.reserve(self._intent(call, number))
        if granted.granted:
            errand.open_calls.add(call.attempt_id)
            return None
        del errand.committed[call.attempt_id]
        return granted.short.scope if granted.short else "budget"

    def _intent(self, call: Call, number: int) -> Intent:
        errand, option = call.part.errand, call.candidate.option
        return Intent(call.attempt_id, errand.row, number, call.candidate.backend, option.model or option.card.id,
                      option.quality, option.tier, call.n, str(errand.decision.size), call.charge.reserve_micro_usd,
                      str(call.charge.quoted_usd), call.charge.price_row, self._clock.now(),
                      errand.budgets_of(call.candidate.backend))

    async def _call(self, call: Call) -> Outcome:
        errand = call.part.errand
        decision, option = errand.decision, call.candidate.option
        job = Job(decision.request, option.wire_model, call.n, decision.size, option.quality, call.attempt_id,
                  "batch" if option.is_batched else "sync")
        reply: Reply | None = None
        left_open = False
        try:
            watcher = Watch(self._ledger, call, errand.on_partial)
            reply = await self._backends[call.candidate.backend].make(job, watcher)
        except asyncio.CancelledError:
            left_open = call.number in call.part.submitted  # the next process asks the provider for it
            raise
        finally:
            self._board.ended(call.candidate.backend, call.attempt_id, reply=reply, now=self._clock.monotonic(),
                              batched=option.is_batched)
            if reply is None and not left_open:
                await asyncio.shield(self._broken(call))
        await self._keep(call, reply)
        outcome = await self._settle(call, reply)
        if call.number in call.part.kept:
            reply, outcome = self._on_disk(reply, outcome)
        errand.open_calls.discard(call.attempt_id)
        call.part.ignored.update(reply.ignored)
        call.part.replies[call.number] = reply
        if call.part.answered:
            await self._late(call, outcome)
        if call.part.answered or outcome.kind is not Kind.OK:
            self._gate.leave(reply.held_bytes)
        return outcome

    async def _keep(self, call: Call, reply: Reply) -> None:
        """What a job has got is on disk before it is settled; what cannot be put there is handed on all the same."""
        terms = call.part.errand.terms
        if terms is not None and reply.kind is Kind.OK:
            with contextlib.suppress(LedgerError):
                call.part.kept[call.number] = tuple([await terms.keep(picture) for picture in reply.pictures])

    def _on_disk(self, reply: Reply, outcome: Outcome) -> tuple[Reply, Outcome]:
        """Pictures that are kept take no room in memory, where the parts of one request would wait for each other."""
        self._gate.leave(reply.held_bytes)
        heads = tuple(picture.head for picture in reply.pictures)
        return replace(reply, pictures=heads, held_bytes=0), outcome._replace(images=heads)

    async def _broken(self, call: Call) -> None:
        """A backend that raises, or a process that ends, leaves an attempt that may be billed."""
        outcome = await self._settle(call, Reply(Kind.FAILED, possibly_billed=True, code="broken"))
        call.part.errand.open_calls.discard(call.attempt_id)
        if call.part.answered:
            await self._late(call, outcome)

    async def _late(self, call: Call, outcome: Outcome) -> None:
        errand = call.part.errand
        call.part.running.pop(call.number, None)
        if errand.on_late is not None and (outcome.images or not errand.open_calls):
            self._told("late_answer_kept" if outcome.images else "late_answer_lost", call)
            await errand.on_late(errand.late(outcome.images, call.candidate,
                                             kept=call.part.kept.get(call.number, ())))

    async def _settle(self, call: Call, reply: Reply) -> Outcome:
        settlement, off = settlement_of(call, reply, at=self._clock.now())
        booking = asyncio.create_task(self._book(call, settlement))
        self._calls.add(booking)
        booking.add_done_callback(self._calls.discard)
        if reply.kind is Kind.OK and not call.part.answered:
            call.part.errand.bookings.append(booking)  # written in one batch with the request's end
        else:
            await booking
        micro = call.part.usd_micro[call.number] = settlement.settled_micro_usd
        call.part.errand.committed[call.attempt_id] = micro
        if off:
            self._told("price_row_off", call, code=call.charge.price_row)
        self._told("attempt_ended", call, code=reply.code, kind=reply.kind.value, usd_micro=micro)
        return self._outcome(call.part, Outcome(
            call.number, reply.kind, 0.0, reply.pictures, len(reply.pictures), None,
            reply.possibly_billed or reply.kind is Kind.OK, retry_after_s=reply.retry_after_s, refusal=reply.refusal,
            provider_job=reply.provider_job, code=reply.code))

    async def _book(self, call: Call, settlement: Settlement) -> None:
        """Books that fail now do not take a picture away that is paid for; its reserve stands until they work again."""
        try:
            await self._ledger.settle(settlement)
        except LedgerError:
            self._unsettled.append(settlement)
            self._told("books_unavailable", call)

    def _outcome(self, part: Part, outcome: Outcome) -> Outcome:
        at_s = self._clock.monotonic() - part.errand.accepted_at
        return outcome._replace(at_s=at_s)

    def _delivered(self, part: Part, end: End) -> Delivery:
        part.answered = True
        self._keep_others(part)
        outcome = end.outcome
        made_by = part.made_by.get(outcome.number) if outcome is not None else None
        pictures = outcome.images if outcome is not None and end.state == "ok" else ()
        reply = part.replies.get(outcome.number) if outcome is not None and pictures else None
        return Delivery(end.state, pictures, MadeBy.of(made_by) if made_by else None, end.attempts,
                        sum(part.usd_micro.values()), outcome, tuple(sorted(part.ignored)), bool(part.made_by),
                        bool(end.pending or part.running),
                        reply.usage if reply else None, reply.held_bytes if reply else 0,
                        part.kept.get(outcome.number, ()) if outcome is not None and pictures else ())

    def _keep_others(self, part: Part) -> None:
        """Two answers at the same moment are both paid for: the one that was not taken is kept like a late one."""
        for number, task in list(part.running.items()):
            if task.done() and not task.cancelled() and task.exception() is None:
                del part.running[number]
                keeping = asyncio.create_task(self._keep_other(part, task.result()))
                self._calls.add(keeping)
                keeping.add_done_callback(self._calls.discard)

    async def _keep_other(self, part: Part, outcome: Outcome) -> None:
        if outcome.kind is Kind.OK:
            if part.errand.on_late is not None:
                await part.errand.on_late(part.errand.late(outcome.images, part.made_by[outcome.number],
                                                           kept=part.kept.get(outcome.number, ())))
            self._gate.leave(part.replies[outcome.number].held_bytes)

    def _told(self, name: str, call: Call, **facts: object) -> None:
        self._tell(Event(name, self._clock.now(), call.part.errand.row.id, call.attempt_id, call.candidate.option.label,
                         call.part.errand.row.tenant, facts))
