"""A request whose caller went away becomes a job: what is on its way is finished, kept, and found under its id."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import LedgerError, NotDelivered
from ..ledger.job_protocol import JobRow
from ..unsent import status_of

if TYPE_CHECKING:
    from ..errors import RouterError
    from ..request import ImageRequest
    from .workshop import Workshop

__all__ = ["Inheritance"]


class Inheritance:
    """The `Heir` of one request. Books that cannot be written now cost the job its row, and nobody a picture."""

    def __init__(self, shop: Workshop, request: ImageRequest, request_id: str, *, key: str, patience_s: float) -> None:
        self._shop, self._request, self._id, self._key = shop, request, request_id, key
        self._began_at, self._patience_s = shop.clock.now(), patience_s
        self._begun: asyncio.Task[bool] | None = None

    async def begins(self) -> None:
        """The job is on the books, running."""
        if self._begun is None:
            self._begun = asyncio.ensure_future(self._shop.ledger.jobs.add(self._row()))
        with contextlib.suppress(LedgerError):
            await asyncio.shield(self._begun)

    async def gets(self, answer: str) -> None:
        """The job is done."""
        await self.begins()
        with contextlib.suppress(LedgerError):
            await self._shop.ledger.jobs.end(self._shop.ended(self._id, "done", answer=answer))

    async def misses(self, error: RouterError) -> None:
        """The job has failed, or was refused."""
        await self.begins()
        told = error if isinstance(error, NotDelivered) else None
        state, code = (told.state, told.code) if told else ("failed", "")
        with contextlib.suppress(LedgerError):
            await self._shop.ledger.jobs.end(self._shop.ended(
                self._id, "refused" if state == "refused" else "failed", code=code or state, message=str(error),
                http_status=status_of(told) if told else 500))

    def _row(self) -> JobRow:
        request, began_at = self._request, self._began_at
        return JobRow(self._id, request.tenant, "running", request.operation, request.segment, request.urgency,
                      request.n, began_at, began_at + timedelta(seconds=self._patience_s), began_at, key=self._key,
                      started_at=began_at)
