"""What the router asks of its books about jobs: requests whose answer is fetched later, by whoever asked.

    queued -> running -> done | failed | refused | cancelled
       ^---------|   put back: nothing was paid for, and it is tried again

A job ends once. Its row holds no prompt: that lies in the store, as the job's parcel, until the job has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 (dataclass fields are read by tools)
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Telling = Callable[["JobRow"], str]

__all__ = ["FINAL", "EarlierAttempt", "JobBooks", "JobEnd", "JobRow", "JobState", "Message", "TakenJob"]

JobState = Literal["queued", "running", "done", "failed", "refused", "cancelled"]
FINAL: frozenset[JobState] = frozenset({"done", "failed", "refused", "cancelled"})


@dataclass(frozen=True)
class JobRow:
    """A job as the books keep it.

    Attributes:
        id: the request's id.
        parcel: name of what it asks for in the store; empty for a request whose caller went away, which is finished
            but not begun again.
        key: the caller's idempotency key; empty where there is none.
        due_at: its deadline. What is paid for then is waited for, and nothing further is begun.
        not_before: it is not begun, or not begun again, before this.
        starts: how often a process took it up.
        expected_s: seconds it usually takes once it runs, as was thought when it was accepted.
        parts: images per call as they were split at its first start, parted by blanks.
        code, message, http_status: why there is no image, once it has ended without.
        answer: as `images.answer_text` writes it, once it is done.
        expires_at: until when its pictures are kept.
    """

    id: str
    tenant: str
    state: JobState
    operation: str
    segment: str
    urgency: str
    n: int
    created_at: datetime
    due_at: datetime
    not_before: datetime
    parcel: str = ""
    key: str = ""
    webhook_url: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    starts: int = 0
    cancel_asked: bool = False
    parts: str = ""
    expected_s: float | None = None
    code: str = ""
    message: str = ""
    http_status: int = 0
    usd_micro: int = 0
    answer: str = ""


@dataclass(frozen=True)
class EarlierAttempt:
    """An attempt of a job from before it was taken up again; fields as in `Intent`, `OpenAttempt` and `Settlement`."""

    attempt_id: str
    number: int
    backend: str
    model: str
    quality: str
    tier: str
    n: int
    size: str
    state: str
    provider_job: str
    kept: str
    reserve_micro_usd: int
    settled_micro_usd: int
    sent_at: datetime
    quoted_usd: str = ""


@dataclass(frozen=True)
class TakenJob:
    """A job that this process is to run now, with what was tried for it before."""

    row: JobRow
    attempts: tuple[EarlierAttempt, ...] = ()


@dataclass(frozen=True)
class JobEnd:
    """How a job ended; `state` is one of `FINAL`, and what it cost is summed up by the books."""

    job_id: str
    state: JobState
    at: datetime
    expires_at: datetime
    code: str = ""
    message: str = ""
    http_status: int = 200
    answer: str = ""


@dataclass(frozen=True)
class Message:
    """One event of a job on its way to the caller's webhook.

    Attributes:
        number: 1, 2 ... within the job; the first that was neither delivered nor given up is sent before the next.
        tries: how often it was sent without success.
    """

    job_id: str
    number: int
    tenant: str
    url: str
    body: str
    created_at: datetime
    tries: int = 0

    @property
    def id(self) -> str:
        """The same on every try, so that a receiver knows a repetition."""
        return f"msg-{self.job_id}-{self.number}"


class JobBooks(Protocol):
    """The part of the books that holds jobs. Every method is durable when it returns.

    `telling` makes of a job as it stands after a change the text of an event. It is pure, it is asked only where the
    job has a webhook and the change took place, and its text is written in the same transaction as the change.

    Raises:
        LedgerError: the books cannot be read or written.
    """

    async def add(self, job: JobRow) -> bool:
        """Write a new job; one that is `running` already belongs to this process. False where its id is taken."""

    async def is_waiting(self, *, at: datetime) -> bool:
        """Whether there is something to take."""

    async def take(self, most: int, *, at: datetime, telling: Telling | None = None) -> tuple[TakenJob, ...]:
        """Make jobs this process's own and `running`, what cannot wait first, then the longest waiting.

        Taken are queued jobs whose time has come, and running ones whose process is gone; each goes to one process.
        A first start is told of.
        """

    async def attempts(self, job_id: str) -> tuple[EarlierAttempt, ...]:
        """What has been tried for a job so far."""

    async def put_back(self, job_id: str, *, not_before: datetime, code: str) -> None:
        """A running job waits again."""

    async def split(self, job_id: str, *, parts: str) -> None:
        """Note how the images of a job are split into calls."""

    async def end(self, end: JobEnd, *, telling: Telling | None = None) -> bool:
        """End a job at what its attempts are settled at; False where it had ended before, which stays as it was."""

    async def cancel(self, tenant: str, job_id: str, *, at: datetime, expires_at: datetime,
                     telling: Telling | None = None) -> JobRow | None:
        """A queued job ends at once; a running one is asked to. None where the tenant has no such job."""

    async def asked_to_cancel(self) -> tuple[str, ...]:
        """Jobs of this process that run and whose caller wants them no more."""

    async def find(self, tenant: str, job_id: str) -> JobRow | None:
        """A tenant's job; None where it has none of this id."""

    async def page(self, tenant: str, *, most: int, after: str = "", state: str = "", key: str = "") -> (
            Sequence[JobRow]):
        """A tenant's jobs, the latest first, from behind the job `after` on."""

    async def ahead(self, job: JobRow) -> int:
        """Queued jobs, of everybody, that are taken before this queued one."""

    async def counts(self, tenant: str | None = None) -> Mapping[str, int]:
        """Unfinished jobs by state, of everybody or of one tenant."""

    async def ended(self, job_ids: Sequence[str]) -> frozenset[str]:
        """Which of some jobs have ended."""

    async def forget(self, before: datetime) -> int:
        """Delete jobs and messages that ended before an instant; how many jobs."""

    async def take_messages(self, most: int, *, at: datetime) -> tuple[Message, ...]:
        """Make messages this process's own that are to be sent now; of each job only the first that is not ended."""

    async def delivered(self, message: Message, *, at: datetime, code: str) -> None:
        """A message has arrived."""

    async def undelivered(self, message: Message, *, not_before: datetime | None, at: datetime, code: str) -> None:
        """A message has not arrived: it is sent again at an instant, or given up where there is none."""
