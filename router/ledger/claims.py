"""Operations on idempotency keys: a repetition joins what runs or gets the answer, and is never paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from ..errors import LedgerError, short_text
from . import tables
from .jobs import is_unfinished
from .leases import has_lease
from .operation import Operation
from .rows import cut, identifier, to_us
from .values import Claim

if TYPE_CHECKING:
    from datetime import datetime

    from .page import KeyLine, Page, Wants
    from .rows import Row

__all__ = ["ClaimKey", "KeepAnswer"]

_BOUNDS = tables.bounds(tables.keys)


class ClaimKey(Operation[Claim]):
    """Own a key, or learn what it stands for."""

    def __init__(self, tenant: str, key: str, *, fingerprint: str, request_id: str, at: datetime, ttl_s: float,
                 owner: str) -> None:
        self._key = (cut(tenant, _BOUNDS["tenant"]), identifier(key, _BOUNDS["key"], name="idempotency key"))
        self._at = to_us(at)
        self._row: Row = {
            "fingerprint": cut(fingerprint, _BOUNDS["fingerprint"]), "owner": owner, "state": "running", "answer": "",
            "request_id": identifier(request_id, _BOUNDS["request_id"], name="request id"), "claimed_at": self._at,
            "expires_at": self._at + round(ttl_s * 1_000_000)}

    def want(self, wants: Wants) -> None:
        """The key, made where it is not there yet; of two in one batch the first makes it."""
        wants.keys.add(self._key)
        wants.new_keys.setdefault(self._key, {"tenant": self._key[0], "key": self._key[1], **self._row})

    def apply(self, page: Page) -> Claim:
        """Judge the key as it stands."""
        line, asked = page.keys[self._key], self._row["request_id"]
        if line.expires_at <= self._at:
            return self._take(page, line)
        if line.fingerprint != self._row["fingerprint"]:
            return Claim("mismatch", line.request_id)
        if line.state == "done":
            return Claim("done", line.request_id, line.answer)
        if line.fresh and line.request_id == asked:
            return Claim("new", asked)
        if not (has_lease(page, line.owner) or is_unfinished(page, line.request_id)
                or _may_be_billed(page, line.request_id)):
            return self._take(page, line)
        return Claim("running", line.request_id)

    def _take(self, page: Page, line: KeyLine) -> Claim:
        for name, value in self._row.items():
            setattr(line, name, value)
        _write(page, *self._key)
        return Claim("new", line.request_id)


class KeepAnswer(Operation[None]):
    """Store what a repetition gets, or free the key."""

    def __init__(self, tenant: str, key: str, *, answer: str) -> None:
        self._key, self._answer = (cut(tenant, _BOUNDS["tenant"]), key), answer
        if cut(answer, _BOUNDS["answer"]) != answer:
            raise LedgerError(f"ledger: an answer of {len(answer)} characters cannot be kept with a key; keep at most "
                              f"{_BOUNDS['answer']} of plain text, and images elsewhere")

    def want(self, wants: Wants) -> None:
        """The key."""
        wants.keys.add(self._key)

    def apply(self, page: Page) -> None:
        """Keep it; another live process's key is not freed."""
        line = page.keys.get(self._key)
        if self._answer:
            if line is None:
                raise LedgerError(f"ledger: idempotency key {short_text(self._key[1])} is not on the books; claim it")
            line.state, line.answer = "done", self._answer
        elif line is not None and (line.owner == page.owner or not has_lease(page, line.owner)):
            line.expires_at = 0
        else:
            return
        _write(page, *self._key)


def _write(page: Page, tenant: str, key: str) -> None:
    line = page.keys[(tenant, key)]
    page.write(page.statements.key, {
        "tenant": tenant, "key": key, "fingerprint": line.fingerprint, "request_id": line.request_id,
        "owner": line.owner, "state": line.state, "answer": line.answer, "claimed_at": line.claimed_at,
        "expires_at": line.expires_at})


def _may_be_billed(page: Page, request_id: str) -> bool:
    columns = tables.attempts.c
    billed = or_(columns.state.not_in(("free", "refused")), columns.settled_micro_usd > 0)
    return page.connection.execute(select(columns.id).where(columns.request_id == request_id, billed)
                                   .limit(1)).first() is not None
