"""Which process an attempt belongs to: a lease that a living one renews, and adoption when it has run out."""

from __future__ import annotations

import os
import platform
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, select, update

from . import tables
from .operation import Operation
from .page import OPEN
from .rows import from_us
from .values import OpenAttempt

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Select

    from .page import Page, Wants
    from .rows import Row

__all__ = ["Adopt", "Owner", "has_lease", "last_batch", "sweep"]

_AT_ONCE = 500
_DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True)
class Owner:
    """One opened ledger, in one process.

    Attributes:
        lease_s: for how long its attempts are its own after its last sign of life.
    """

    lease_s: float
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = field(default_factory=lambda: platform.node()[:100])
    pid: int = field(default_factory=os.getpid)
    started_at: int = field(default_factory=lambda: time.time_ns() // 1_000)

    def row(self, *, batch: int, now: int) -> Row:
        """The owner's row, with its lease renewed from `now` (microseconds)."""
        return {"id": self.id, "host": self.host, "pid": self.pid, "started_at": self.started_at, "batch": batch,
                "lease_until": now + round(self.lease_s * 1_000_000)}


class Adopt(Operation[tuple[OpenAttempt, ...]]):
    """Take over attempts without an end whose process is gone; at most 500 at once."""

    def want(self, wants: Wants) -> None:
        """Nothing that a batch shares."""

    def apply(self, page: Page) -> tuple[OpenAttempt, ...]:
        """Each attempt goes to one process only: rows another is adopting are skipped."""
        rows = page.connection.execute(_orphans(page.now)).all()
        found = {row.id: row for row in rows if row.id not in page.attempts or page.attempts[row.id].state in OPEN}
        if found:
            page.connection.execute(update(tables.attempts).where(tables.attempts.c.id.in_(list(found)))
                                    .values(owner=page.owner))
        return tuple(OpenAttempt(
            attempt_id=row.id, request_id=row.request_id, backend=row.backend, model=row.model, quality=row.quality,
            n=row.n, size=row.size, provider_job=row.provider_job, reserve_micro_usd=row.reserve_micro_usd,
            sent_at=from_us(row.reserved_at if row.sent_at is None else row.sent_at), tenant=row.tenant or "",
            key=row.key or "") for row in found.values())


def _orphans(now: int) -> Select[Any]:
    attempts, keys, owners = tables.attempts, tables.keys, tables.owners
    living = select(owners.c.id).where(owners.c.lease_until >= now)
    unfinished = select(tables.jobs.c.id).where(tables.jobs.c.state.in_(("queued", "running")))
    behind = attempts.outerjoin(tables.requests, tables.requests.c.id == attempts.c.request_id).outerjoin(
        keys, and_(keys.c.request_id == attempts.c.request_id, keys.c.tenant == tables.requests.c.tenant))
    return (select(attempts, tables.requests.c.tenant, keys.c.key).select_from(behind)
            .where(attempts.c.state.in_(OPEN), attempts.c.owner.not_in(living),
                   attempts.c.request_id.not_in(unfinished))
            .order_by(attempts.c.id).limit(_AT_ONCE).with_for_update(of=attempts, skip_locked=True))


def has_lease(page: Page, owner: str) -> bool:
    """Whether a process may still be alive; this one is."""
    if owner == page.owner:
        return True
    lease = page.connection.execute(select(tables.owners.c.lease_until).where(tables.owners.c.id == owner)).scalar()
    return lease is not None and lease >= page.now


def last_batch(connection: Connection, owner: str) -> int:
    """Number of the owner's last batch that was committed, 0 before the first.

    Waits for a transaction of a broken connection to end, which holds the row until the server has decided.
    """
    row = tables.owners.c
    return connection.execute(select(row.batch).where(row.id == owner).with_for_update()).scalar() or 0


def sweep(connection: Connection, *, now: int) -> None:
    """Delete expired keys, a few hundred at once, and owners gone for a day that left nothing open."""
    keys, owners, attempts = tables.keys, tables.owners, tables.attempts
    expired = connection.execute(select(keys.c.tenant, keys.c.key).where(keys.c.expires_at < now).limit(_AT_ONCE)
                                 .with_for_update(skip_locked=True)).all()
    for tenant, key in expired:
        connection.execute(delete(keys).where(keys.c.tenant == tenant, keys.c.key == key))
    left = select(attempts.c.owner).where(attempts.c.state.in_(OPEN))
    connection.execute(delete(owners).where(owners.c.lease_until < now - _DAY_US, owners.c.id.not_in(left)))
