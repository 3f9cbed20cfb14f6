"""The ledger on SQLite or PostgreSQL: the contract of `protocol`, each method an operation handed to the writer."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, TypeVar

from ..errors import LedgerError
from .arms import arm_sums
from .claims import ClaimKey, KeepAnswer
from .export import export_page
from .job_books import SqlJobBooks
from .judged import judged
from .leases import Adopt, Owner
from .money import Reserve, Settle, Submit
from .pruning import retire
from .request_notes import Close, NoteOutcome, ReadSpent, Record
from .rollups import month_totals
from .rows import month_bounds
from .shadows import SqlShadowBooks
from .values import Spent
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from ..acceptance import Looked
    from .arm_values import ArmAsk, ArmSums
    from .books import Books
    from .operation import Operation
    from .values import (
        Budget,
        Claim,
        Closing,
        Intent,
        MonthTotal,
        OpenAttempt,
        Outcome,
        RequestRow,
        Reservation,
        Settlement,
    )

__all__ = ["SqlLedger"]

Answer = TypeVar("Answer")
_FRESH_S = 1.0


class SqlLedger:
    """A `Ledger` in a database. Use `open_ledger`, in the process that will use it: a child made by fork cannot."""

    def __init__(self, books: Books, *, lease_s: float) -> None:
        self._books, self._owner, self._pid = books, Owner(lease_s), os.getpid()
        self._writer = Writer(books, self._owner)
        self._jobs = SqlJobBooks(books, self._owner.id, self._ask)
        self._shadows = SqlShadowBooks(self._ask)

    def __repr__(self) -> str:
        return f"SqlLedger({self._books.shown})"

    @property
    def jobs(self) -> SqlJobBooks:
        """Work whose answer is fetched later."""
        return self._jobs

    @property
    def shadows(self) -> SqlShadowBooks:
        """What was only watched."""
        return self._shadows

    async def _ask(self, operation: Operation[Answer]) -> Answer:
        self._check_process()
        return await self._writer.ask(operation)

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise LedgerError(f"ledger {self._books.shown}: opened in process {self._pid}, used in {os.getpid()}; open "
                              "it after the fork, in each process")

    async def reserve(self, intent: Intent) -> Reservation:
        """Set money aside under all budgets of an attempt, or say which is short."""
        return await self._ask(Reserve(intent, self._owner.id))

    async def submitted(self, attempt_id: str, *, provider_job: str) -> None:
        """Note the provider's id of the work."""
        await self._ask(Submit(attempt_id, provider_job))

    async def settle(self, settlement: Settlement) -> None:
        """Put the actual cost in place of the reserve, or of an earlier settlement."""
        await self._ask(Settle(settlement))

    async def close_request(self, closing: Closing) -> None:
        """Write how a request ended."""
        await self._ask(Close(closing))

    async def record(self, request: RequestRow, closing: Closing) -> None:
        """Write a request that was never sent anywhere."""
        await self._ask(Record(request, closing))

    async def claim(self, tenant: str, key: str, *, fingerprint: str, request_id: str, at: datetime,
                    ttl_s: float) -> Claim:
        """Own an idempotency key, or learn what it stands for."""
        return await self._ask(ClaimKey(tenant, key, fingerprint=fingerprint, request_id=request_id, at=at,
                                        ttl_s=ttl_s, owner=self._owner.id))

    async def keep_answer(self, tenant: str, key: str, *, answer: str) -> None:
        """Store what a repetition of the key gets; an empty answer frees the key."""
        await self._ask(KeepAnswer(tenant, key, answer=answer))

    async def record_outcome(self, outcome: Outcome) -> bool:
        """Write what a person made of an image; False where the request is unknown."""
        return await self._ask(NoteOutcome(outcome))

    async def spent(self, budgets: Sequence[Budget]) -> Mapping[tuple[str, str], Spent]:
        """What stands against each budget: this process's own writes at once, those of others within a second."""
        self._check_process()
        keys = [(budget.scope, budget.period) for budget in budgets]
        since, standing = time.monotonic() - _FRESH_S, self._writer.standing
        known = {key: line for key in keys if (line := standing.get(key)) is not None and line[0] >= since}
        if len(known) < len(set(keys)):
            return await self._ask(ReadSpent(keys))
        return {key: Spent(line.settled, line.reserved) for key, (_, line) in known.items()}

    async def open_attempts(self) -> tuple[OpenAttempt, ...]:
        """Attempts whose process is gone, adopted by this one, at most 500 at once; ask again from time to time."""
        return await self._ask(Adopt())

    async def month_totals(self, month: str) -> tuple[MonthTotal, ...]:
        """The sums of a month by tenant, segment, model, quality and backend."""
        self._check_process()
        return await asyncio.to_thread(month_totals, self._books, month)

    async def acceptance(self) -> Mapping[tuple[str, str, str], Looked]:
        """Accepted and judged images by segment, model and quality."""
        self._check_process()
        return await asyncio.to_thread(judged, self._books)

    async def arm(self, ask: ArmAsk) -> tuple[ArmSums, ...]:
        """How requests fared under a policy, class of work by class of work."""
        self._check_process()
        return await asyncio.to_thread(arm_sums, self._books, ask)

    async def retire(self, before: datetime) -> None:
        """Roll up the months that ended before an instant, and delete their rows."""
        self._check_process()
        await asyncio.to_thread(retire, self._books, before)

    async def export(self, month: str) -> AsyncIterator[Mapping[str, object]]:
        """Every attempt of a month with its request, oldest first, read a thousand at a time."""
        self._check_process()
        month_bounds(month)
        after: tuple[int, str] | None = None
        while True:
            rows, after = await asyncio.to_thread(export_page, self._books, month, after=after)
            for row in rows:
                yield row
            if after is None:
                return

    async def close(self) -> None:
        """Commit what waits, give up the lease and let go of the database."""
        self._check_process()
        await self._writer.end()
