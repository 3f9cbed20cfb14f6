"""Jobs in memory, for worlds without waiting: one process, which refuses to end a job twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from router.ledger.job_protocol import FINAL, EarlierAttempt, JobEnd, JobRow, Message, TakenJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime


@dataclass
class MemoryJobs:
    rows: dict[str, JobRow] = field(default_factory=dict)
    ends: list[JobEnd] = field(default_factory=list)
    owned: set[str] = field(default_factory=set)
    tried: Callable[[str], tuple[EarlierAttempt, ...]] = lambda _: ()
    accepting: bool = True

    async def add(self, job: JobRow) -> bool:
        if not self.accepting or job.id in self.rows:
            return False
        self.rows[job.id] = job
        if job.state == "running":
            self.owned.add(job.id)
        return True

    def _takeable(self, at: datetime) -> list[JobRow]:
        found = [row for row in self.rows.values() if (row.state == "queued" and row.not_before <= at)
                 or (row.state == "running" and row.id not in self.owned)]
        return sorted(found, key=lambda row: (row.urgency != "now", row.created_at, row.id))

    async def is_waiting(self, *, at: datetime) -> bool:
        return bool(self._takeable(at))

    async def take(self, most: int, *, at: datetime, telling: Any = None) -> tuple[TakenJob, ...]:
        taken = []
        for row in self._takeable(at)[:most]:
            self.rows[row.id] = replace(row, state="running", starts=row.starts + 1, started_at=row.started_at or at)
            self.owned.add(row.id)
            taken.append(TakenJob(self.rows[row.id], self.tried(row.id)))
        return tuple(taken)

    async def attempts(self, job_id: str) -> tuple[EarlierAttempt, ...]:
        return self.tried(job_id)

    async def put_back(self, job_id: str, *, not_before: datetime, code: str) -> None:
        self.rows[job_id] = replace(self.rows[job_id], state="queued", not_before=not_before, code=code)
        self.owned.discard(job_id)

    async def split(self, job_id: str, *, parts: str) -> None:
        self.rows[job_id] = replace(self.rows[job_id], parts=parts)

    async def end(self, end: JobEnd, *, telling: Any = None) -> bool:
        row = self.rows[end.job_id]
        if row.state in FINAL:
            return False
        self.rows[end.job_id] = replace(row, state=end.state, ended_at=end.at, expires_at=end.expires_at, code=end.code,
                                        message=end.message, http_status=end.http_status, answer=end.answer)
        self.ends.append(end)
        return True

    async def cancel(self, tenant: str, job_id: str, *, at: datetime, expires_at: datetime, telling: Any = None) -> (
            JobRow | None):
        row = await self.find(tenant, job_id)
        if row is None or row.state in FINAL:
            return row
        state: Any = "cancelled" if row.state == "queued" else row.state
        self.rows[job_id] = replace(row, state=state, cancel_asked=True, ended_at=at if state == "cancelled" else None)
        return self.rows[job_id]

    async def asked_to_cancel(self) -> tuple[str, ...]:
        return tuple(row.id for row in self.rows.values() if row.state == "running" and row.cancel_asked)

    async def find(self, tenant: str, job_id: str) -> JobRow | None:
        row = self.rows.get(job_id)
        return row if row is not None and row.tenant == tenant else None

    async def page(self, tenant: str, *, most: int, after: str = "", state: str = "", key: str = "") -> list[JobRow]:
        found = [row for row in self.rows.values() if row.tenant == tenant and row.state == (state or row.state)]
        return sorted(found, key=lambda row: row.created_at, reverse=True)[:most]

    async def ahead(self, job: JobRow) -> int:
        return sum(row.state == "queued" and row.created_at < job.created_at for row in self.rows.values())

    async def counts(self, tenant: str | None = None) -> dict[str, int]:
        states = [row.state for row in self.rows.values() if row.state not in FINAL]
        return {state: states.count(state) for state in set(states)}

    async def ended(self, job_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(name for name in job_ids if name in self.rows and self.rows[name].state in FINAL)

    async def forget(self, before: datetime) -> int:
        return 0

    async def take_messages(self, most: int, *, at: datetime) -> tuple[Message, ...]:
        return ()

    async def delivered(self, message: Message, *, at: datetime, code: str) -> None:
        raise AssertionError(message)

    async def undelivered(self, message: Message, *, not_before: datetime | None, at: datetime, code: str) -> None:
        raise AssertionError(message)
