"""Values of the contract as rows of the tables: texts cut to their columns, instants as microseconds, money checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError, short_text
from . import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .values import Closing, Intent, Outcome, RequestRow, Settlement

__all__ = ["Key", "Row", "attempt_row", "closing_row", "cut", "from_us", "identifier", "keys_text", "month_bounds",
           "month_of", "outcome_row", "request_row", "settlement_row", "text_keys", "to_us"]

Key = tuple[str, str]
Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_MOST_MICRO_USD = 10**15
_REQUESTS, _ATTEMPTS = tables.bounds(tables.requests), tables.bounds(tables.attempts)
_OUTCOMES = tables.bounds(tables.outcomes)
_OPENING = ("tenant", "project", "segment", "brand", "campaign", "cost_center", "operation", "model_asked",
            "size_asked", "quality_asked", "data_class", "prompt_hash", "fingerprint", "policy_digest", "verdicts",
            "tags")
_COUNTS = ("n_asked", "references", "text_words", "prompt_chars")
_LONGEST = tables.bounds(tables.budgets)


def to_us(at: datetime) -> int:
    """Microseconds since 1970.

    Raises:
        LedgerError: the instant has no time zone.
    """
    if at.tzinfo is None:
        raise LedgerError(f"ledger: {at.isoformat()} has no time zone; instants are aware, in UTC")
    return (at - _EPOCH) // _US


def from_us(us: int) -> datetime:
    """The instant, aware in UTC."""
    return _EPOCH + us * _US


def month_of(us: int) -> str:
    """The month of an instant, as in `2026-11`."""
    return from_us(us).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[int, int]:
    """First microsecond of a month and of the next one.

    Raises:
        LedgerError: not a month.
    """
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise LedgerError(f"month = {short_text(month)}: not a month; write it as 2026-11") from None
    return to_us(first), to_us((first + timedelta(days=31)).replace(day=1))


def cut(text: str, most: int) -> str:
    """A text as a column holds it: at most `most` characters, without what no database stores."""
    if len(text) > most:
        text = text[:most]
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def identifier(text: str, most: int, *, name: str) -> str:
    """A text that must be kept whole, because others are told apart by it.

    Raises:
        LedgerError: empty, too long, or with characters that are not kept.
    """
    if not text or cut(text, most) != text:
        raise LedgerError(f"ledger: {name} = {short_text(text)}: must be 1 to {most} characters of plain text")
    return text


def _money(micro_usd: int, name: str) -> int:
    if not isinstance(micro_usd, int) or not 0 <= micro_usd <= _MOST_MICRO_USD:
        raise LedgerError(f"ledger: {name} = {short_text(micro_usd)}: must be whole micro-dollars, 0 to 10^15")
    return micro_usd


def keys_text(keys: Iterable[Key]) -> str:
    """Budgets as an attempt remembers them: one line each, the period before the scope.

    Raises:
        LedgerError: a scope or period that cannot be kept, or more budgets than a row holds.
    """
    for scope, period in keys:
        identifier(scope, _LONGEST["scope"], name="scope")
        identifier(period, _LONGEST["period"], name="period")
        if not scope.isprintable() or not period.isprintable() or " " in period:
            raise LedgerError(f"ledger: budget {short_text(scope)} in {short_text(period)}: no control characters, "
                              "and no space in a period")
    text = "\n".join(f"{period} {scope}" for scope, period in keys)
    if len(text) > _ATTEMPTS["budgets"]:
        raise LedgerError(f"ledger: the names of an attempt's budgets take {len(text)} characters; "
                          f"{_ATTEMPTS['budgets']} fit")
    return text


def text_keys(text: str) -> tuple[Key, ...]:
    """The budgets behind `keys_text`."""
    pairs = (line.partition(" ") for line in text.split("\n") if line)
    return tuple((scope, period) for period, _, scope in pairs)


def _cut_all(source: object, names: Iterable[str], bounds: Mapping[str, int]) -> Row:
    return {name: cut(getattr(source, name), bounds[name]) for name in names}


def request_row(request: RequestRow) -> Row:
    """The row of a request that has not ended."""
    row = _cut_all(request, _OPENING, _REQUESTS)
    for name in _COUNTS:
        row[name] = getattr(request, name)
    row["id"] = identifier(request.id, _REQUESTS["id"], name="request id")
    row["received_at"] = to_us(request.received_at)
    row["prompt"] = None if request.prompt is None else cut(request.prompt, _REQUESTS["prompt"])
    return row


def attempt_row(intent: Intent, *, keys: Iterable[Key], owner: str) -> Row:
    """The row of an attempt that is about to be sent."""
    row = _cut_all(intent, ("backend", "model", "quality", "tier", "size", "quoted_usd", "price_row"), _ATTEMPTS)
    row["id"] = identifier(intent.attempt_id, _ATTEMPTS["id"], name="attempt id")
    row["request_id"], row["owner"], row["state"] = intent.request.id, owner, "reserved"
    row["number"], row["n"] = intent.number, intent.n
    row["reserve_micro_usd"] = _money(intent.reserve_micro_usd, "reserve_micro_usd")
    row["reserved_at"], row["budgets"] = to_us(intent.at), keys_text(keys)
    return row


def settlement_row(settlement: Settlement) -> Row:
    """What a settlement writes over an attempt's row."""
    row = _cut_all(settlement, ("state", "kind", "code", "actual_usd", "provider_job", "provider_request", "digests",
                                "flags", "kept"), _ATTEMPTS)
    if settlement.state not in ("billed", "free", "refused", "possibly_billed"):
        raise LedgerError(f"ledger: an attempt cannot be settled as {short_text(settlement.state)}")
    row["id"], row["settled_at"] = settlement.attempt_id, to_us(settlement.at)
    row["settled_micro_usd"] = _money(settlement.settled_micro_usd, "settled_micro_usd")
    for name in ("images", "image_bytes", "pixels"):
        row[name] = getattr(settlement, name)
    return row


def closing_row(closing: Closing) -> Row:
    """What a closing writes over a request's row."""
    row = _cut_all(closing, ("state", "code", "backend", "model", "quality", "size_delivered", "flags"), _REQUESTS)
    row["id"], row["closed_at"] = closing.request_id, to_us(closing.at)
    row["usd_micro"] = _money(closing.usd_micro, "usd_micro")
    for name in ("http_status", "n_delivered", "latency_s"):
        row[name] = getattr(closing, name)
    return row


def outcome_row(outcome: Outcome) -> Row:
    """The row of what a person made of an image."""
    return {"request_id": outcome.request_id, "image": outcome.image, "at": to_us(outcome.at),
            "reviewer_seconds": outcome.reviewer_seconds, **_cut_all(outcome, ("verdict", "reason"), _OUTCOMES)}
