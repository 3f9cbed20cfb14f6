"""Values of jobs as rows of the tables, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import tables
from .job_protocol import EarlierAttempt, JobRow, Message
from .rows import cut, from_us, identifier, to_us

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping

    from .rows import Row

__all__ = ["attempt_of", "job_of", "message_of", "row_of"]

_BOUNDS = tables.bounds(tables.jobs)
_TEXTS = ("state", "operation", "segment", "urgency", "parcel", "key", "webhook_url", "parts", "code", "message",
          "answer")
_INSTANTS = ("created_at", "due_at", "not_before", "started_at", "ended_at", "expires_at")


def row_of(job: JobRow) -> Row:
    """The row of a job.

    Raises:
        LedgerError: an id that cannot be kept whole, or an instant without a time zone.
    """
    row: Row = {name: cut(getattr(job, name), _BOUNDS[name]) for name in _TEXTS}
    row |= {name: _us(getattr(job, name)) for name in _INSTANTS}
    row |= {name: getattr(job, name) for name in ("n", "starts", "http_status", "usd_micro", "expected_s")}
    row["id"] = identifier(job.id, _BOUNDS["id"], name="job id")
    row["tenant"], row["cancel_asked"] = cut(job.tenant, _BOUNDS["tenant"]), int(job.cancel_asked)
    return row


def job_of(row: RowMapping | Row) -> JobRow:
    """The job of a row."""
    plain = (*_TEXTS, "id", "tenant", "n", "starts", "http_status", "usd_micro", "expected_s")
    facts: dict[str, Any] = {name: row[name] for name in plain}
    facts |= {name: None if row[name] is None else from_us(row[name]) for name in _INSTANTS}
    return JobRow(**facts, cancel_asked=bool(row["cancel_asked"]))


def attempt_of(row: RowMapping | Row) -> EarlierAttempt:
    """The attempt of a row."""
    names = ("number", "backend", "model", "quality", "tier", "n", "size", "state", "provider_job", "kept",
             "reserve_micro_usd", "settled_micro_usd", "quoted_usd")
    sent_at = row["reserved_at"] if row["sent_at"] is None else row["sent_at"]
    return EarlierAttempt(attempt_id=row["id"], sent_at=from_us(sent_at), **{name: row[name] for name in names})


def message_of(row: RowMapping | Row) -> Message:
    """The message of a row."""
    return Message(row["job_id"], row["number"], row["tenant"], row["url"], row["body"], from_us(row["created_at"]),
                   row["tries"])


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)
