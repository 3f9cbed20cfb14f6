"""What everybody who handles jobs shares: books, backends, store, clock; and how a job is ended."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import LedgerError
from ..events import Event
from ..ledger.job_protocol import JobEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..backends.protocol import Backend
    from ..errand import Clock
    from ..ledger.job_protocol import EarlierAttempt, JobRow, JobState
    from ..ledger.protocol import Ledger
    from ..store import PictureStore
    from .parcels import Parcels

__all__ = ["Workshop"]


@dataclass(frozen=True)
class Workshop:
    """Shared parts.

    Attributes:
        own: names of the backends on our own hosts, whose work costs nothing where it is lost.
        telling: makes of a job the text of its webhook's event.
        woken: told when an event may be waiting for a webhook.
    """

    ledger: Ledger
    backends: Mapping[str, Backend]
    store: PictureStore
    parcels: Parcels
    clock: Clock
    tell: Callable[[Event], None]
    own: frozenset[str]
    telling: Callable[[JobRow], str]
    woken: Callable[[], None]

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
