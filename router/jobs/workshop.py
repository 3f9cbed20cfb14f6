"""What everybody who handles jobs shares: books, backends, store, clock; and how a job is ended."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from ..errors import LedgerError
from ..events import Event
from ..ledger.job_protocol import JobEnd
from ..webhooks.body import event_body
from .parcels import Parcels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..backends.protocol import Backend
    from ..byte_gate import ByteGate
    from ..errand import Clock
    from ..ledger.job_protocol import EarlierAttempt, JobRow, JobState
    from ..ledger.protocol import Ledger
    from ..server_settings import JobSettings
    from ..settings import Settings
    from ..store import PictureStore

__all__ = ["Workshop"]


@dataclass(frozen=True)
class Workshop:
    """Shared parts.

    Attributes:
        own: names of the backends on our own hosts, whose work costs nothing where it is lost.
        terms: how many jobs are run, and how long they may take.
        leave: told how many bytes of answers are in the store now, and count no longer against those in flight.
        woken: told when an event may be waiting for a webhook.
    """

    ledger: Ledger
    backends: Mapping[str, Backend]
    store: PictureStore
    parcels: Parcels
    clock: Clock
    tell: Callable[[Event], None]
    own: frozenset[str]
    terms: JobSettings
    leave: Callable[[int], None]
    woken: Callable[[], None]

    @classmethod
    def over(cls, settings: Settings, ledger: Ledger, *, gate: ByteGate, backends: Mapping[str, Backend],
             store: PictureStore, clock: Clock, tell: Callable[[Event], None], woken: Callable[[], None]) -> Self:
        """The workshop of a router; one that only watches runs nothing."""
        own = frozenset(backend.name for backend in settings.backends if backend.is_own)
        terms = settings.jobs if settings.server.mode == "serve" else replace(settings.jobs, most_running=0)
        return cls(ledger, backends, store, Parcels(settings.store.folder), clock, tell, own, terms, gate.leave,
                   woken)

    def telling(self, job: JobRow) -> str:
        """The text of a job's event for its webhook."""
        return event_body(job, at=self.clock.now())

    def ended(self, job_id: str, state: JobState, *, code: str = "", message: str = "", http_status: int = 200,
              answer: str = "") -> JobEnd:
        """An end that takes place now; its pictures are kept for the store's time."""
        now = self.clock.now()
        return JobEnd(job_id, state, now, now + timedelta(seconds=self.store.settings.ttl_s), code, message,
                      http_status, answer)

    async def end(self, row: JobRow, end: JobEnd) -> None:
        """End a job on the books: first what a repetition of its key gets, then the job, then its parcel.

        Raises:
            LedgerError: the books cannot be written; it has not ended then.
        """
        if row.key:
            with contextlib.suppress(LedgerError):  # a key may have expired; books that cannot be written fail below
                await self.ledger.keep_answer(row.tenant, row.key, answer=end.answer)
        if await self.ledger.jobs.end(end, telling=self.telling):
            self.tell(Event("job_ended", end.at, row.id, tenant=row.tenant, facts={
                "state": end.state, "code": end.code, "starts": row.starts,
                "seconds": (end.at - row.created_at).total_seconds()}))
            self.woken()
        await self.parcels.drop(row.parcel)

    async def earlier(self, job_id: str) -> tuple[EarlierAttempt, ...]:
        """What has been tried for a job of this process so far."""
        return await self.ledger.jobs.attempts(job_id)
