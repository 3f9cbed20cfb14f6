"""One request from its decision to its end on the books: decided, written, sent, closed, and handed on as images."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .card_hours import hour_of_week
from .decide import decide
from .errand import Errand
from .errors import BadRequest, NotDelivered
from .events import Event
from .images import Images, MadeBy
from .ledger.values import Closing
from .quantities import usd_from_micro
from .rows import closing_of, request_row
from .unsent import AGAIN, not_delivered, status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .board import Board
    from .decide import Compiled, Decision
    from .delivery import Delivery, PartPlan
    from .dispatch import Dispatcher
    from .errand import Clock, Late
    from .identity import Hasher
    from .ledger.protocol import Ledger
    from .limits import Limits
    from .options import Option
    from .pictures import Picture
    from .request import ImageRequest
    from .settings import Tenant
    from .states import States
    from .waiting import Wait

    Told = Callable[[Images | None], Awaitable[None]]

__all__ = ["Maker", "Terms"]


@dataclass(frozen=True)
class Terms:
    """How a job is made, beyond what a caller on the line gets.

    Attributes:
        keep: puts a picture into the store, before it is settled.
        split: told how the images are split into calls, before the first is sent.
        plans: what of it was made or tried before; empty for a first start.
        committed: micro-dollars of earlier attempts, by attempt.
        on_sent: told of every option an attempt is sent to.
    """

    keep: Callable[[Picture], Awaitable[str]]
    split: Callable[[tuple[int, ...]], Awaitable[None]]
    on_sent: Callable[[Option], None]
    plans: tuple[PartPlan, ...] = ()
    committed: tuple[tuple[str, int], ...] = ()


class Maker:
    """Makes images; who asks, whether it was asked before, and who waits is other people's business."""

    def __init__(self, *, ledger: Ledger, dispatcher: Dispatcher, board: Board, limits: Limits, clock: Clock,
                 hasher: Hasher, tenants: Mapping[str, Tenant], tell: Callable[[Event], None]) -> None:
        self._ledger, self._dispatcher, self._board, self._limits = ledger, dispatcher, board, limits
        self._clock, self._hasher, self._tenants, self._tell = clock, hasher, tenants, tell

    async def make(self, request: ImageRequest, wait: Wait, *, name: str, compiled: Compiled, late: Told,
                   terms: Terms | None = None) -> Images:
        """The images of a request.

        Args:
            request: checked, and completed by what its tenant's settings say.
            wait: who waits for it.
            name: its id.
            compiled: the policy it is decided by.
            late: called with an answer after the end, or with None when none will come.
            terms: of a job. What a job may yet get by waiting leaves no end on the books.

        Raises:
            BadRequest: the model asked for means nothing here.
            NotDelivered: no image.
            LedgerError: the books cannot be written.
        """
        started, at = self._clock.monotonic(), self._clock.now()
        try:
            decision = decide(compiled, request, states=await self.states(request, compiled=compiled), now=started)
        except BadRequest as error:
            await self.reject(request, error, request_id=name)
            raise
        tenant = self._tenants.get(request.tenant)
        row = request_row(request, decision, request_id=name, at=at, hasher=self._hasher,
                          keep_prompt=tenant is not None and tenant.keep_prompts)
        errand = Errand(row, decision, lambda backend: self._limits.budgets(request, backend), started, wait.abandoned,
                        wait.on_partial, self._kept(name, decision, late), dict(terms.committed) if terms else {},
                        terms=terms)
        self._tell(Event("request_decided", at, name, option=decision.choice.option.label if decision.choice else "",
                         tenant=request.tenant))
        if decision.choice is None and not (terms and terms.plans and all(plan.delivered for plan in terms.plans)):
            await self._refuse(decision, errand)
        if terms is not None and not terms.plans:
            await terms.split(tuple(plan.n for plan in errand.plans))
        return await self._closed(errand, await self._dispatcher.run(errand))

    async def states(self, request: ImageRequest, *, compiled: Compiled) -> States:
        """The board, and the budget that has least left."""
        left, budget = await self._limits.left(request, self._ledger, pacing=compiled.policy.pacing)
        return self._board.states(self._clock.monotonic(), hour=hour_of_week(self._clock.now()), left_micro_usd=left,
                                  budget=budget)

    async def reject(self, request: ImageRequest, error: BadRequest, *, request_id: str) -> None:
        """One row for a request that was never sent anywhere."""
        at = self._clock.now()
        row = request_row(request, None, request_id=request_id, at=at, hasher=self._hasher, keep_prompt=False)
        await self._ledger.record(row, Closing(request_id, "rejected", error.code, 400, "", "", "", "", 0, 0, 0.0, at))

    async def unsent(self, decision: Decision, *, request_id: str) -> NotDelivered:
        """Why nothing may make a request, with its row in the books."""
        unsent = not_delivered(decision, None, request_id=request_id, retry_after_s=None)
        row = request_row(decision.request, decision, request_id=request_id, at=self._clock.now(), hasher=self._hasher,
                          keep_prompt=False)
        await self._ledger.record(row, self._rejected(request_id, unsent, waited_s=0.0))
        return unsent

    async def _refuse(self, decision: Decision, errand: Errand) -> None:
        """Of a job, what is there already is handed on even where the rest can never be made."""
        name, terms = errand.row.id, errand.terms
        unsent = not_delivered(decision, None, request_id=name, retry_after_s=None)
        if terms is not None and unsent.state in AGAIN:
            raise unsent
        if terms is not None and any(plan.delivered for plan in terms.plans):
            return
        waited_s = self._clock.monotonic() - errand.accepted_at
        await self._ledger.record(errand.row, self._rejected(name, unsent, waited_s=waited_s))
        raise unsent

    def _rejected(self, name: str, unsent: NotDelivered, *, waited_s: float) -> Closing:
        return Closing(name, "rejected", unsent.code, status_of(unsent), "", "", "", "", 0, 0, waited_s,
                       self._clock.now())

    def _kept(self, name: str, decision: Decision, late: Told) -> Callable[[Late], Awaitable[None]]:
        async def kept(told: Late) -> None:
            images = _images(name, decision, told.pictures, made_by=MadeBy.of(told.candidate))
            usd = usd_from_micro(told.usd_micro)
            await late(replace(images, usd=usd, attempts=told.attempts, kept=told.kept,
                               state="ok" if len(told.pictures) >= decision.request.n else "partial")
                       if told.pictures else None)
        return kept

    async def _closed(self, errand: Errand, delivery: Delivery) -> Images:
        decision, name = errand.decision, errand.row.id
        missed = None if delivery.pictures else not_delivered(decision, delivery, request_id=name, retry_after_s=(
            delivery.outcome.retry_after_s if delivery.outcome else None))
        latency = self._clock.monotonic() - errand.accepted_at
        closing = closing_of(name, delivery, decision=decision, http_status=status_of(missed), latency_s=latency,
                             at=self._clock.now())
        end = self._ledger.close_request(closing) if delivery.sent else self._ledger.record(errand.row, closing)
        await asyncio.gather(end, *map(asyncio.shield, errand.bookings))
        self._tell(Event("request_closed", self._clock.now(), name, tenant=decision.request.tenant, facts={
            "state": delivery.state, "usd_micro": delivery.usd_micro, "latency_s": latency,
            "images": len(delivery.pictures), "attempts": delivery.attempts, "segment": decision.segment.name,
            "backend": delivery.made_by.backend if delivery.made_by else ""}))
        if missed is not None or delivery.made_by is None:
            raise missed or NotDelivered("no image", state="failed", request_id=name)
        made = _images(name, decision, delivery.pictures, made_by=delivery.made_by)
        return replace(made, usd=usd_from_micro(delivery.usd_micro), attempts=delivery.attempts, state=delivery.state,
                       ignored=delivery.ignored, created_at=int(self._clock.now().timestamp()),
                       usage=delivery.usage, held_bytes=delivery.held_bytes, kept=delivery.kept)


def _images(name: str, decision: Decision, pictures: tuple[Picture, ...], *, made_by: MadeBy) -> Images:
    request = decision.request
    return Images(name, pictures, made_by.option, made_by.backend, made_by.model, made_by.quality, decision.size,
                  str(request.size or "auto"), request.n, usd_from_micro(0), 0, "ok", made_by.simulated,
                  stepped_down=made_by.stepped_down, policy=decision.compiled.digest)
