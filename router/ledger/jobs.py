"""Operations on jobs: each finds the row as it stands, changes it once, and writes the event that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, or_, select, update

from . import tables
from .job_protocol import FINAL, JobRow, TakenJob
from .job_rows import attempt_of, job_of, row_of
from .operation import Operation
from .rows import cut, to_us

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from .job_protocol import JobEnd
    from .page import Page, Wants
    from .rows import Row

    Telling = Callable[[JobRow], str]

__all__ = ["AddJob", "CancelJob", "EndJob", "PutBack", "SplitJob", "TakeJobs", "is_takeable", "is_unfinished"]

_JOBS, _MESSAGES, _ATTEMPTS = tables.jobs.c, tables.messages, tables.attempts.c
_BOUNDS = tables.bounds(tables.jobs)
_BODY = tables.bounds(tables.messages)["body"]
_UNFINISHED = ("queued", "running")


class _OnJobs(Operation[Any]):
    """Jobs are locked last of all rows, when the operation runs; nothing of them is shared by a batch."""

    def want(self, wants: Wants) -> None:
        """Nothing that a batch shares."""


class AddJob(_OnJobs):
    """Write a new job."""

    def __init__(self, job: JobRow, *, owner: str) -> None:
        self._row = row_of(job) | {"owner": owner if job.state == "running" else ""}

    def apply(self, page: Page) -> bool:
        """The same job added again is left as it is."""
        if _locked(page, self._row["id"]) is not None:
            return False
        page.connection.execute(insert(tables.jobs).values(**self._row))
        return True


class TakeJobs(_OnJobs):
    """Make waiting jobs, and those whose process is gone, this process's own."""

    def __init__(self, most: int, at: datetime, telling: Telling | None) -> None:
        self._most, self._at, self._telling = most, to_us(at), telling

    def apply(self, page: Page) -> tuple[TakenJob, ...]:
        """Rows another process is taking are skipped."""
        rows = page.connection.execute(_takeable(self._at, page.now, self._most)).mappings().all()
        taken = [self._taken(page, dict(row)) for row in rows]
        earlier = _earlier(page, [job.id for job in taken])
        return tuple(TakenJob(job, tuple(attempt_of(row) for row in earlier if row["request_id"] == job.id))
                     for job in taken)

    def _taken(self, page: Page, row: Row) -> JobRow:
        first = row["started_at"] is None
        changed = {"state": "running", "owner": page.owner, "starts": row["starts"] + 1,
                   "started_at": self._at if first else row["started_at"]}
        return _change(page, row, changed, telling=self._telling if first else None)


class PutBack(_OnJobs):
    """A running job waits again."""

    def __init__(self, job_id: str, *, not_before: datetime, code: str) -> None:
        self._id = job_id
        self._changed = {"state": "queued", "owner": "", "not_before": to_us(not_before), "code": cut(code, 100)}

    def apply(self, page: Page) -> None:
        """Only while it is this process's own."""
        row = _locked(page, self._id)
        if row is not None and (row["state"], row["owner"]) == ("running", page.owner):
            _change(page, row, self._changed)


class SplitJob(_OnJobs):
    """Note how the images are split into calls."""

    def __init__(self, job_id: str, *, parts: str) -> None:
        self._id, self._parts = job_id, cut(parts, _BOUNDS["parts"])

    def apply(self, page: Page) -> None:
        """Write it."""
        page.connection.execute(update(tables.jobs).where(_JOBS.id == self._id).values(parts=self._parts))


class EndJob(_OnJobs):
    """End a job, once."""

    def __init__(self, end: JobEnd, telling: Telling | None) -> None:
        self._id, self._telling = end.job_id, telling
        self._changed = {
            "state": end.state, "ended_at": to_us(end.at), "expires_at": to_us(end.expires_at),
            "code": cut(end.code, 100), "message": cut(end.message, 500), "http_status": end.http_status,
            "answer": cut(end.answer, _BOUNDS["answer"])}

    def apply(self, page: Page) -> bool:
        """False where it had ended before, or another process has taken it over."""
        row = _locked(page, self._id)
        if row is None or row["state"] in FINAL or row["owner"] not in ("", page.owner):
            return False
        _change(page, row, self._changed | {"usd_micro": _spent(page, self._id)}, telling=self._telling)
        return True


class CancelJob(_OnJobs):
    """A queued job ends at once; a running one is asked to."""

    def __init__(self, tenant: str, job_id: str, *, at: datetime, expires_at: datetime,
                 telling: Telling | None) -> None:
        self._tenant, self._id, self._telling = tenant, job_id, telling
        self._ended = {"state": "cancelled", "ended_at": to_us(at), "expires_at": to_us(expires_at),
                       "code": "cancelled", "http_status": 409, "cancel_asked": 1}

    def apply(self, page: Page) -> JobRow | None:
        """The job as it stands now; one that has ended is left as it is."""
        row = _locked(page, self._id)
        if row is None or row["tenant"] != self._tenant:
            return None
        if row["state"] in FINAL:
            return job_of(row)
        if row["state"] == "queued" and not _was_sent(page, self._id):
            spent = _spent(page, self._id)
            told = "" if spent else "; nothing was paid for"
            return _change(page, row, self._ended | {"usd_micro": spent, "message": f"cancelled while it waited{told}"},
                           telling=self._telling)
        return _change(page, row, {"cancel_asked": 1, "not_before": 0})


def _locked(page: Page, job_id: str) -> Row | None:
    found = page.connection.execute(select(tables.jobs).where(_JOBS.id == job_id).with_for_update())
    row = found.mappings().one_or_none()
    return None if row is None else dict(row)


def _change(page: Page, row: Row, changed: Row, *, telling: Telling | None = None) -> JobRow:
    """Write a change and, where somebody is to be told, its event."""
    told = telling is not None and bool(row["webhook_url"])
    if told:
        changed = changed | {"messages": row["messages"] + 1}
    page.connection.execute(update(tables.jobs).where(_JOBS.id == row["id"]).values(**changed))
    job = job_of(row | changed)
    if told and telling is not None:
        page.connection.execute(insert(_MESSAGES).values(
            job_id=job.id, number=changed["messages"], tenant=job.tenant, owner="", state="waiting",
            url=job.webhook_url, body=cut(telling(job), _BODY), created_at=page.now, not_before=0))
    return job


def _takeable(at: int, now: int, most: int) -> Select[Any]:
    return (select(tables.jobs).where(is_takeable(at, now)).limit(most).with_for_update(skip_locked=True)
            .order_by(_JOBS.urgency.desc(), _JOBS.created_at, _JOBS.id))


def is_takeable(at: int, now: int) -> ColumnElement[bool]:
    """Whether a job's time has come, or its process is gone."""
    owners = tables.owners.c
    living = select(owners.id).where(owners.lease_until >= now)
    orphaned = and_(_JOBS.state == "running", _JOBS.owner.not_in(living))
    return or_(orphaned, and_(_JOBS.state == "queued", _JOBS.not_before <= at))


def _earlier(page: Page, jobs: Sequence[str]) -> Sequence[Any]:
    """What was tried for jobs; what still runs changes hands with them."""
    if not jobs:
        return ()
    page.connection.execute(update(tables.attempts).where(
        _ATTEMPTS.request_id.in_(jobs), _ATTEMPTS.state.in_(("reserved", "sent"))).values(owner=page.owner))
    return page.connection.execute(select(tables.attempts).where(_ATTEMPTS.request_id.in_(jobs))
                                   .order_by(_ATTEMPTS.request_id, _ATTEMPTS.number)).mappings().all()


def _spent(page: Page, job_id: str) -> int:
    """Micro-dollars of all attempts."""
    return int(page.connection.execute(select(func.coalesce(func.sum(_ATTEMPTS.settled_micro_usd), 0)).where(
        _ATTEMPTS.request_id == job_id)).scalar_one())


def _was_sent(page: Page, job_id: str) -> bool:
    open_still = and_(_ATTEMPTS.request_id == job_id, _ATTEMPTS.state.in_(("reserved", "sent")))
    return page.connection.execute(select(_ATTEMPTS.id).where(open_still).limit(1)).first() is not None


def is_unfinished(page: Page, job_id: str) -> bool:
    """Whether a request is a job that has not ended."""
    row = page.connection.execute(select(_JOBS.state).where(_JOBS.id == job_id)).first()
    return row is not None and row.state in _UNFINISHED
