"""An event of a job as its receiver reads it: what became of it and where to fetch it, no prompt and no picture."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from ..ledger.job_protocol import JobRow

__all__ = ["event_body"]

_MOST_MESSAGE_CHARS = 500
_MOST_WORD_CHARS = 100


def event_body(job: JobRow, *, at: datetime) -> str:
    """The JSON text of an event, at most 8,000 characters.

    `type` is `image.job.` and the job's state, `timestamp` the instant of the change, `data` the job as it stands then;
    `usd` is a text with six decimals.
    """
    data: dict[str, Any] = {
        "id": job.id, "state": job.state, "segment": _words(job.segment), "n": job.n,
        "usd": f"{job.usd_micro / 1_000_000:.6f}", "code": _words(job.code) or None,
        "message": _words(job.message, _MOST_MESSAGE_CHARS) or None, "created_at": _instant(job.created_at),
        "ended_at": _instant(job.ended_at), "expires_at": _instant(job.expires_at),
        "path": f"/v1/images/jobs/{job.id}"}
    event = {"type": f"image.job.{job.state}", "timestamp": _instant(at), "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _words(text: str, most: int = _MOST_WORD_CHARS) -> str:
    """A text that is certain to become UTF-8."""
    return text[:most].encode("utf-8", "replace").decode()


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
