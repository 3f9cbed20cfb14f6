"""Where jobs are asked for: accepted, shown, listed, cancelled, and their pictures handed out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..decide import decide
from ..errors import KeyInUse, LedgerError, NotDelivered
from ..events import Event
from ..images import Images, kept_names
from ..ledger.job_protocol import FINAL, JobRow
from ..unsent import AGAIN, not_delivered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..decide import Compiled, Decision
    from ..identity import Hasher
    from ..making import Maker
    from ..request import ImageRequest
    from .running import Runner
    from .workshop import Workshop

__all__ = ["JobDesk", "JobView"]


@dataclass(frozen=True)
class JobView:
    """A job as its caller sees it.

    Attributes:
        position: its place among the queued ones, from 1; None where it is not queued.
        estimate_s: seconds until it should have ended; None where nobody can say.
    """

    row: JobRow
    position: int | None = None
    estimate_s: float | None = None

    @property
    def is_over(self) -> bool:
        """It has ended."""
        return self.row.state in FINAL


class JobDesk:
    """One per router."""

    def __init__(self, shop: Workshop, maker: Maker, runner: Runner, *, hasher: Hasher,
                 compiled: Callable[[ImageRequest], Compiled]) -> None:
        self._shop, self._maker, self._runner, self._hasher = shop, maker, runner, hasher
        self._settings, self._compiled = shop.terms, compiled

    async def submit(self, request: ImageRequest, *, request_id: str, key: str = "", webhook_url: str = "") -> JobView:
        """Accept a request as a job; it is on disk when this returns.

        Args:
            request: checked, and completed by what its tenant's settings say.
            request_id: becomes the job's id.
            key: a repetition of the same key and parameters gets the same job.
            webhook_url: checked; told of the job's events.

        Raises:
            BadRequest: the model asked for means nothing here.
            KeyInUse: the key stands for another request, or its request runs with its caller on the line.
            NotDelivered: no backend could ever make it, or the tenant has too many unfinished jobs.
            LedgerError: books or store cannot be written.
        """
        now, patience = self._shop.clock.now(), self._settings.patience_of(request)
        decision = await self._decided(replace(request, deadline_s=patience), request_id)
        await self._refuse_too_many(request, request_id)
        due_at = now + timedelta(seconds=patience)
        if key:
            earlier = await self._by_key(request, request_id, key=key, ttl_s=patience + self._shop.store.settings.ttl_s)
            if earlier is not None:
                return await self._viewed(earlier)
        row = JobRow(request_id, request.tenant, "queued", request.operation, decision.segment.name, request.urgency,
                     request.n, now, due_at, now, await self._shop.parcels.keep(request, request_id), key, webhook_url,
                     expected_s=None if decision.choice is None else decision.choice.p50_s)
        try:
            await self._shop.ledger.jobs.add(row)
        except LedgerError:
            await self._shop.parcels.drop(row.parcel)
            raise
        self._shop.tell(Event("job_accepted", now, row.id, tenant=row.tenant, facts={"urgency": row.urgency}))
        self._runner.wake()
        return await self._viewed(row)

    async def find(self, tenant: str, job_id: str) -> JobView | None:
        """A tenant's job; None where it has none of this id."""
        row = await self._shop.ledger.jobs.find(tenant, job_id)
        return None if row is None else await self._viewed(row)

    async def page(self, tenant: str, *, most: int, after: str = "", state: str = "", key: str = "") -> (
            Sequence[JobView]):
        """A tenant's jobs, the latest first; without positions, which cost a question each."""
        rows = await self._shop.ledger.jobs.page(tenant, most=most, after=after, state=state, key=key)
        return [JobView(row) for row in rows]

    async def cancel(self, tenant: str, job_id: str) -> JobView | None:
        """End a queued job at once; a running one pays for nothing further, and what was paid for is delivered."""
        now = self._shop.clock.now()
        row = await self._shop.ledger.jobs.cancel(
            tenant, job_id, at=now, expires_at=now + timedelta(seconds=self._shop.store.settings.ttl_s),
            telling=self._shop.telling)
        if row is None:
            return None
        self._runner.cancel(job_id)
        self._runner.wake()
        if row.state == "cancelled":
            await self._shop.end(row, self._shop.ended(row.id, "cancelled"))
            self._shop.woken()
        return await self._viewed(row)

    async def images(self, row: JobRow) -> Images | None:
        """The pictures of a job that is done; None where they have expired."""
        names, fields = kept_names(row.answer)
        pictures = [await self._shop.store.find(name) for name in names]
        found = tuple(picture for picture in pictures if picture is not None)
        told: dict[str, Any] = dict(fields)
        return Images(pictures=found, kept=names, **told) if len(found) == len(names) else None

    async def _decided(self, request: ImageRequest, request_id: str) -> Decision:
        """A job that nothing could make is refused now, like a request with its caller on the line."""
        compiled = self._compiled(request)
        states = await self._maker.states(request, compiled=compiled)
        decision = decide(compiled, request, states=states, now=self._shop.clock.monotonic())
        if decision.choice is None:
            unsent = not_delivered(decision, None, request_id=request_id, retry_after_s=None)
            if unsent.state not in AGAIN:
                raise await self._maker.unsent(decision, request_id=request_id)
        return decision

    async def _refuse_too_many(self, request: ImageRequest, request_id: str) -> None:
        counts = await self._shop.ledger.jobs.counts(request.tenant)
        unfinished, most = sum(counts.values()), self._settings.most_queued
        if unfinished >= most:
            raise NotDelivered(f"no job: {unfinished:,} of yours are unfinished, {most:,} at most; wait for some",
                               state="busy", request_id=request_id, code="too_many_jobs", retry_after_s=60.0)

    async def _by_key(self, request: ImageRequest, request_id: str, *, key: str, ttl_s: float) -> JobRow | None:
        """The job a key stands for already; one that was answered on the line becomes a job that is done."""
        now, ledger = self._shop.clock.now(), self._shop.ledger
        claim = await ledger.claim(request.tenant, key, fingerprint=self._hasher.fingerprint(request),
                                   request_id=request_id, at=now, ttl_s=ttl_s)
        if claim.state == "new":
            return None
        if claim.state == "mismatch":
            raise KeyInUse(running=False)
        known = await ledger.jobs.find(request.tenant, claim.request_id)
        if known is not None:
            return known
        if claim.state == "running":
            raise KeyInUse(running=True)
        done = JobRow(claim.request_id, request.tenant, "done", request.operation, request.segment, request.urgency,
                      request.n, now, now, now, key=key, ended_at=now, answer=claim.answer,
                      expires_at=now + timedelta(seconds=self._shop.store.settings.ttl_s))
        await ledger.jobs.add(done)
        return done

    async def _viewed(self, row: JobRow) -> JobView:
        if row.state in FINAL:
            return JobView(row)
        expected = row.expected_s
        if row.state == "running":
            began = row.started_at or row.created_at
            ran = (self._shop.clock.now() - began).total_seconds()
            return JobView(row, None, None if expected is None else max(0.0, expected - ran))
        ahead = await self._shop.ledger.jobs.ahead(row)
        rounds = 1 + ahead / max(1, self._settings.most_running)
        return JobView(row, ahead + 1, None if expected is None else expected * rounds)
