"""What one batch has read of the books and will write back: budgets, attempts and keys change here, then on disk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .rows import month_bounds, month_of, text_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from .rows import Key, Row
    from .statements import Statements, Write

__all__ = ["OPEN", "AttemptLine", "BudgetLine", "KeyLine", "Page", "Wants"]

OPEN = ("reserved", "sent")
_TRIES = 3


@dataclass(slots=True)
class BudgetLine:
    """What stands against a budget, in micro-dollars."""

    settled: int = 0
    reserved: int = 0


@dataclass(slots=True)
class AttemptLine:
    """What a later operation must know of an attempt."""

    request_id: str
    owner: str
    state: str
    reserve: int
    settled: int
    budgets: tuple[Key, ...]
    provider_job: str
    reserved_at: int
    sent_at: int | None = None
    settlements: int = 0


@dataclass(slots=True)
class KeyLine:
    """An idempotency key as it stands; `fresh` where this batch has just made it."""

    fingerprint: str
    request_id: str
    owner: str
    state: str
    answer: str
    claimed_at: int
    expires_at: int
    fresh: bool = False


@dataclass
class Wants:
    """What a batch must read before it can decide."""

    attempts: set[str] = field(default_factory=set)
    budgets: set[Key] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    new_keys: dict[Key, Row] = field(default_factory=dict)


class Page:
    """The books as one transaction sees them.

    Rows are locked in one order in every process: owner, keys, attempts, budgets.

    Attributes:
        owner: this process in the owners table.
        now: microseconds since 1970, by the clock that leases are kept by.
        attempts, budgets, keys, requests: what was read, as the operations so far have changed it.
    """

    def __init__(self, connection: Connection, statements: Statements, *, owner: str, now: int, locks: bool) -> None:
        self.connection, self.statements, self.owner, self.now = connection, statements, owner, now
        self._locks, self._month_began_at = locks, month_bounds(month_of(now))[0]
        self.attempts: dict[str, AttemptLine] = {}
        self.budgets: dict[Key, BudgetLine] = {}
        self.keys: dict[Key, KeyLine] = {}
        self.requests: set[str] = set()
        self._touched: set[Key] = set()
        self._rows: defaultdict[Write, list[Row]] = defaultdict(list)

    def read(self, wants: Wants) -> None:
        """Read and lock what the operations of a batch want to know."""
        if wants.keys:
            self._read_keys(wants)
        if wants.attempts:
            self.read_attempts(wants.attempts)
        if wants.requests:
            self.requests |= {row.id for row in self.statements.see_requests.run(self.connection, wants.requests)}
        # Last, because every process waits for these rows, from here until the commit.
        held = {key for line in self.attempts.values() for key in line.budgets}
        self.read_budgets(wants.budgets | held)

    def read_attempts(self, ids: Iterable[str]) -> None:
        """Read and lock attempts."""
        for row in self.statements.read_attempts.run(self.connection, ids):
            self.attempts[row.id] = AttemptLine(row.request_id, row.owner, row.state, row.reserve_micro_usd,
                                                row.settled_micro_usd, text_keys(row.budgets), row.provider_job,
                                                row.reserved_at, row.sent_at, row.settlements)

    def read_budgets(self, keys: set[Key]) -> None:
        """Read and lock budgets; one that nothing was ever taken from stands at zero."""
        if not keys:
            return
        for key in keys:
            self.budgets[key] = BudgetLine()
        read = self.statements.read_budgets if self._locks else self.statements.see_budgets
        for row in read.run(self.connection, keys):
            self.budgets[(row.scope, row.period)] = BudgetLine(row.settled_micro_usd, row.reserved_micro_usd)

    def _read_keys(self, wants: Wants) -> None:
        missing = sorted(wants.new_keys)
        for _ in range(_TRIES):
            if missing:
                self.statements.new_key.run(self.connection, [wants.new_keys[key] for key in missing])
            for row in self.statements.read_keys.run(self.connection, wants.keys):
                made = wants.new_keys.get((row.tenant, row.key))
                fresh = made is not None and made["request_id"] == row.request_id and row.owner == self.owner
                self.keys[(row.tenant, row.key)] = KeyLine(row.fingerprint, row.request_id, row.owner, row.state,
                                                           row.answer, row.claimed_at, row.expires_at, fresh)
            # An expired key may be swept away by another process between the two statements.
            missing = [key for key in missing if key not in self.keys]
            if not missing:
                return

    def move(self, keys: Iterable[Key], *, settled: int = 0, reserved: int = 0) -> None:
        """Add micro-dollars to what stands against budgets."""
        for key in keys:
            line = self.budgets[key]
            line.settled += settled
            line.reserved += reserved
            self._touched.add(key)

    def write(self, statement: Write, row: Row) -> None:
        """Note a row for the end of the batch."""
        self._rows[statement].append(row)

    def note_late(self, line: AttemptLine) -> None:
        """The sums of the attempt's month no longer hold if it was rolled up before."""
        if line.reserved_at < self._month_began_at:
            self.write(self.statements.stale, {"month": month_of(line.reserved_at), "stale": 1})

    def flush(self) -> dict[Key, BudgetLine]:
        """Write everything noted; what stands against the budgets that moved."""
        said = self.statements
        order = (said.request, said.attempt, said.submitted, said.settled, said.closed, said.outcome, said.key,
                 said.stale)
        for statement in order:
            if rows := self._rows.get(statement):
                statement.run(self.connection, rows)
        moved = {key: self.budgets[key] for key in sorted(self._touched)}
        if moved:
            said.budget.run(self.connection, [
                {"scope": scope, "period": period, "settled_micro_usd": line.settled,
                 "reserved_micro_usd": line.reserved} for (scope, period), line in moved.items()])
        return moved
