"""The jobs of a ledger in a database: the contract of `job_protocol`, writes through the writer, reads beside it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, or_, select

from . import tables
from .books import reading, writing
from .job_messages import EndMessage, TakeMessages
from .job_protocol import FINAL
from .job_rows import attempt_of, job_of
from .jobs import AddJob, CancelJob, EndJob, PutBack, SplitJob, TakeJobs, is_takeable
from .rows import to_us

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from .books import Books
    from .job_protocol import EarlierAttempt, JobEnd, JobRow, Message, TakenJob
    from .operation import Operation

    Telling = Callable[[JobRow], str]

__all__ = ["SqlJobBooks"]

_JOBS, _MESSAGES = tables.jobs.c, tables.messages.c
_AT_ONCE = 500


class SqlJobBooks:
    """`JobBooks` in a database."""

    def __init__(self, books: Books, owner: str, ask: Callable[[Operation[Any]], Awaitable[Any]]) -> None:
        self._books, self._owner, self._ask = books, owner, ask

    async def add(self, job: JobRow) -> bool:
        """Write a new job; False where its id is taken."""
        return bool(await self._ask(AddJob(job, owner=self._owner)))

    async def is_waiting(self, *, at: datetime) -> bool:
        """Whether there is something to take."""
        now = time.time_ns() // 1_000
        return bool(await self._rows(select(_JOBS.id).where(is_takeable(to_us(at), now)).limit(1)))

    async def take(self, most: int, *, at: datetime, telling: Telling | None = None) -> tuple[TakenJob, ...]:
        """Make jobs this process's own and `running`, what cannot wait first."""
        taken: tuple[TakenJob, ...] = await self._ask(TakeJobs(most, at, telling))
        return taken

    async def attempts(self, job_id: str) -> tuple[EarlierAttempt, ...]:
        """What has been tried for a job so far."""
        rows = await self._rows(select(tables.attempts).where(tables.attempts.c.request_id == job_id)
                                .order_by(tables.attempts.c.number))
        return tuple(attempt_of(row._mapping) for row in rows)  # noqa: SLF001 (SQLAlchemy's public name for it)

    async def put_back(self, job_id: str, *, not_before: datetime, code: str) -> None:
        """A running job waits again."""
        await self._ask(PutBack(job_id, not_before=not_before, code=code))

    async def split(self, job_id: str, *, parts: str) -> None:
        """Note how the images of a job are split into calls."""
        await self._ask(SplitJob(job_id, parts=parts))

    async def end(self, end: JobEnd, *, telling: Telling | None = None) -> bool:
        """End a job; False where it had ended before."""
        return bool(await self._ask(EndJob(end, telling)))

    async def cancel(self, tenant: str, job_id: str, *, at: datetime, expires_at: datetime,
                     telling: Telling | None = None) -> JobRow | None:
        """A queued job ends at once; a running one is asked to."""
        found: JobRow | None = await self._ask(CancelJob(tenant, job_id, at=at, expires_at=expires_at,
                                                         telling=telling))
        return found

    async def asked_to_cancel(self) -> tuple[str, ...]:
        """Jobs of this process that run and whose caller wants them no more."""
        mine = select(_JOBS.id).where(_JOBS.state == "running", _JOBS.owner == self._owner, _JOBS.cancel_asked > 0)
        return tuple(row[0] for row in await self._rows(mine))

    async def find(self, tenant: str, job_id: str) -> JobRow | None:
        """A tenant's job."""
        rows = await self._rows(select(tables.jobs).where(_JOBS.id == job_id, _JOBS.tenant == tenant))
        return job_of(rows[0]._mapping) if rows else None  # noqa: SLF001 (SQLAlchemy's public name for it)

    async def page(self, tenant: str, *, most: int, after: str = "", state: str = "", key: str = "") -> (
            Sequence[JobRow]):
        """A tenant's jobs, the latest first."""
        wanted = select(tables.jobs).where(_JOBS.tenant == tenant)
        if state:
            wanted = wanted.where(_JOBS.state == state)
        if key:
            wanted = wanted.where(_JOBS.key == key)
        if after:
            last = await self.find(tenant, after)
            if last is None:
                return ()
            created = to_us(last.created_at)
            wanted = wanted.where(or_(_JOBS.created_at < created, and_(_JOBS.created_at == created, _JOBS.id < after)))
        wanted = wanted.order_by(_JOBS.created_at.desc(), _JOBS.id.desc()).limit(most)
        return [job_of(row._mapping) for row in await self._rows(wanted)]  # noqa: SLF001 (as above)

    async def ahead(self, job: JobRow) -> int:
        """Queued jobs that are taken before a queued one."""
        created = to_us(job.created_at)
        earlier = or_(_JOBS.created_at < created, and_(_JOBS.created_at == created, _JOBS.id < job.id))
        before = or_(_JOBS.urgency > job.urgency, and_(_JOBS.urgency == job.urgency, earlier))
        rows = await self._rows(select(func.count()).select_from(tables.jobs).where(_JOBS.state == "queued", before))
        return int(rows[0][0])

    async def counts(self, tenant: str | None = None) -> Mapping[str, int]:
        """Unfinished jobs by state."""
        wanted = select(_JOBS.state, func.count()).where(_JOBS.state.in_(("queued", "running")))
        if tenant is not None:
            wanted = wanted.where(_JOBS.tenant == tenant)
        rows = await self._rows(wanted.group_by(_JOBS.state))
        return {row[0]: int(row[1]) for row in rows}

    async def ended(self, job_ids: Sequence[str]) -> frozenset[str]:
        """Which of some jobs have ended."""
        found: set[str] = set()
        for at in range(0, len(job_ids), _AT_ONCE):
            some = job_ids[at:at + _AT_ONCE]
            rows = await self._rows(select(_JOBS.id).where(_JOBS.id.in_(some), _JOBS.state.in_(FINAL)))
            found.update(row[0] for row in rows)
        return frozenset(found)

    async def forget(self, before: datetime) -> int:
        """Delete jobs and messages that ended before an instant."""
        return await asyncio.to_thread(self._forget, to_us(before))

    async def take_messages(self, most: int, *, at: datetime) -> tuple[Message, ...]:
        """Make messages this process's own that are to be sent now."""
        waits = and_(_MESSAGES.state == "waiting", _MESSAGES.not_before <= to_us(at))
        if not await self._rows(select(_MESSAGES.job_id).where(waits).limit(1)):
            return ()  # a read costs no disk, and most of the time there is nothing
        taken: tuple[Message, ...] = await self._ask(TakeMessages(most, at))
        return taken

    async def delivered(self, message: Message, *, at: datetime, code: str) -> None:
        """A message has arrived."""
        await self._ask(EndMessage(message, state="delivered", at=at, not_before=None, code=code))

    async def undelivered(self, message: Message, *, not_before: datetime | None, at: datetime, code: str) -> None:
        """A message has not arrived."""
        state = "given_up" if not_before is None else "waiting"
        await self._ask(EndMessage(message, state=state, at=at, not_before=not_before, code=code))

    async def _rows(self, wanted: Any) -> Sequence[Any]:
        return await asyncio.to_thread(self._read, wanted)

    def _read(self, wanted: Any) -> Sequence[Any]:
        with reading(self._books) as connection:
            return connection.execute(wanted).all()

    def _forget(self, before: int) -> int:
        forgotten = 0
        ended = and_(_JOBS.state.in_(FINAL), _JOBS.ended_at < before, _JOBS.expires_at < before)
        while True:
            with writing(self._books) as connection:
                ids = connection.execute(select(_JOBS.id).where(ended).limit(_AT_ONCE)).scalars().all()
                if not ids:
                    return forgotten
                connection.execute(delete(tables.messages).where(_MESSAGES.job_id.in_(ids)))
                connection.execute(delete(tables.jobs).where(_JOBS.id.in_(ids)))
                forgotten += len(ids)
