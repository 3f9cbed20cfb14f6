"""What statuses, headers and broken connections mean, in our words: the part of a translation all vendors share."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..attempts import Kind, Refusal
from .answers import read_pictures
from .protocol import Reply, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..pictures import Picture
    from ..vendors import Vendor
    from .protocol import Job

__all__ = ["after_submission", "bad_answer", "delivered", "delivered_texts", "error_code", "from_status", "headroom",
           "lost", "refused", "retry_after_s", "word"]

_WORD = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}")
_REFUSALS = frozenset({"moderation_blocked", "content_policy_violation", "content_filter", "contentFilter",
                       "content_safety_violation"})
_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"})
_PAYMENT, _CONFLICT, _TIMEOUT, _TOO_MANY = 402, 409, 408, 429
_NO_ACCESS = (401, 403)
_SERVER_FAULT = 500


def word(value: object) -> str:
    """A vendor's code as it may be logged: one short word, never a sentence; empty for anything else."""
    text = value.strip().replace(" ", "_") if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return text if _WORD.fullmatch(text) else ""


def error_code(document: object) -> str:
    """The code of an error document: OpenAI's `error.code` or `error.type`, or the first `detail[].type` of FastAPI."""
    told = document.get("error") or document.get("detail") if isinstance(document, dict) else None
    first = told[0] if isinstance(told, list) and told else told
    if isinstance(first, dict):
        return word(first.get("code")) or word(first.get("type"))
    return word(document.get("error_type")) if isinstance(document, dict) else ""


def from_status(status: int, *, code: str, headers: Mapping[str, str], vendor: Vendor) -> Reply:
    """What an answer without pictures means, by its status and its code; no text is searched."""
    reply = Reply(Kind.FAILED, code=code or f"http_{status}", retry_after_s=retry_after_s(headers),
                  request_id=word(headers.get("x-request-id")), headroom=headroom(headers))
    if code in _REFUSALS:
        return replace(reply, kind=Kind.REFUSED, refusal=Refusal(code), possibly_billed=vendor.refusals_billed)
    if status == _PAYMENT or code in _MONEY:
        return replace(reply, kind=Kind.NOT_STARTED, trouble=Trouble.MONEY)
    if status in _NO_ACCESS:
        return replace(reply, kind=Kind.NOT_STARTED, trouble=Trouble.ACCOUNT)
    if status in (_TOO_MANY, _CONFLICT):
        return replace(reply, kind=Kind.NOT_STARTED, trouble=Trouble.BUSY)
    if status >= _SERVER_FAULT or status == _TIMEOUT:
        return replace(reply, trouble=Trouble.OUTAGE, possibly_billed=not (vendor.own or vendor.failures_free))
    if status >= 400:  # noqa: PLR2004 (the client errors of HTTP)
        return replace(reply, trouble=Trouble.OUR_REQUEST)
    return replace(reply, kind=Kind.BAD_ANSWER, possibly_billed=not vendor.own)


def refused(code: str, *, stage: str, vendor: Vendor) -> Reply:
    """The vendor declined the content."""
    return Reply(Kind.REFUSED, refusal=Refusal(code, stage), code=code, possibly_billed=vendor.refusals_billed)


def lost(code: str, *, sent: bool, vendor: Vendor) -> Reply:
    """No answer came: nothing was done where nothing was sent, and nobody knows where something was."""
    if not sent:
        return Reply(Kind.NOT_STARTED, trouble=Trouble.OUTAGE, code=code)
    return Reply(Kind.FAILED, trouble=Trouble.OUTAGE, code=code, possibly_billed=not vendor.own)


def bad_answer(code: str, *, vendor: Vendor) -> Reply:
    """An answer that says it is one and holds no picture."""
    return Reply(Kind.BAD_ANSWER, code=code, possibly_billed=not vendor.own)


def delivered_texts(job: Job, texts: Iterable[object], *, vendor: Vendor) -> Reply:
    """The reply to base64 texts."""
    pictures, bad = read_pictures(texts)
    return delivered(job, pictures, bad=bad, vendor=vendor)


def delivered(job: Job, pictures: tuple[Picture, ...], *, bad: int, vendor: Vendor) -> Reply:
    """The reply to pictures that came, of which `bad` were none: OK only if all of them are what was asked."""
    code = ("not_a_picture" if bad else "no_picture" if not pictures else "too_few" if len(pictures) < job.n
            else "wrong_size" if any(picture.size != job.size for picture in pictures) else "")
    return Reply(Kind.BAD_ANSWER if code else Kind.OK, pictures, code=code, possibly_billed=not vendor.own)


def after_submission(reply: Reply, provider_job: str, *, vendor: Vendor) -> Reply:
    """A reply about work that the provider took.

    What it said of the work stands. What it said of a question about the work (a key withdrawn, too many questions)
    leaves the work where it is: started, perhaps billed, and to be collected.
    """
    if reply.kind is Kind.NOT_STARTED or reply.trouble is Trouble.OUR_REQUEST:
        reply = replace(reply, kind=Kind.FAILED, possibly_billed=not vendor.own)
    return replace(reply, provider_job=provider_job)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds the vendor asks to wait; a date counts from the answer's own `Date`, so that no clock is read."""
    told = headers.get("retry-after-ms")
    if told is not None and (milliseconds := _seconds(told)) is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    if told is None or (seconds := _seconds(told)) is not None:
        return None if told is None else seconds
    try:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def headroom(headers: Mapping[str, str]) -> int | None:
    """Images that may still be asked for in this window, where the vendor counts them."""
    told = [headers.get(f"x-ratelimit-remaining-{what}", "") for what in ("images", "requests")]
    return min((int(text) for text in told if _COUNT.fullmatch(text)), default=None)
