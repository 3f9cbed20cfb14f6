"""What the writer says to the database, compiled once per dialect: reads of many rows, and writes of many rows."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import String, bindparam, case, func, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from . import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Dialect, Table
    from sqlalchemy import Row as Record
    from sqlalchemy.sql.elements import ClauseElement

    from .rows import Key, Row

__all__ = ["Statements", "Write", "padded", "read_attempts", "read_budgets", "read_keys", "read_requests"]

Item = TypeVar("Item")
_INSERTED_REQUEST = ("id", "received_at", "tenant", "project", "segment", "brand", "campaign", "cost_center",
                     "operation", "model_asked", "size_asked", "quality_asked", "n_asked", "references", "text_words",
                     "data_class", "prompt_hash", "prompt_chars", "fingerprint", "policy_digest", "verdicts", "tags",
                     "prompt")
_INSERTED_ATTEMPT = ("id", "request_id", "owner", "number", "backend", "model", "quality", "tier", "n", "size",
                     "reserve_micro_usd", "quoted_usd", "price_row", "reserved_at", "budgets", "state")
_SETTLED = ("state", "kind", "code", "settled_micro_usd", "actual_usd", "settled_at", "settlements", "provider_job",
            "provider_request", "images", "image_bytes", "pixels", "digests", "flags")
_READ_OF_ATTEMPT = ("id", "request_id", "owner", "state", "reserve_micro_usd", "settled_micro_usd", "budgets",
                    "provider_job", "reserved_at", "settlements")
_CLOSED = ("state", "code", "http_status", "backend", "model", "quality", "size_delivered", "n_delivered", "usd_micro",
           "latency_s", "closed_at", "flags")


class Write:
    """One statement for many rows."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        order = getattr(compiled, "positiontup", None)
        self._shape = itemgetter(*order) if order else None

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write the rows in their order."""
        given: Any = [self._shape(row) for row in rows] if self._shape else list(rows)
        connection.exec_driver_sql(self._sql, given)


class Statements:
    """Every write of a batch."""

    def __init__(self, dialect: Dialect) -> None:
        insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert

        def new(table: Table, names: Iterable[str] | None = None) -> Any:
            return insert(table).values({name: bindparam(name) for name in names or table.columns.keys()})

        def changed(table: Table, identity: Any, *, names: Iterable[str]) -> Write:
            return Write(update(table).where(identity).values({name: bindparam(name) for name in names}), dialect)

        def over(table: Table, names: Iterable[str], *, also: Iterable[str]) -> Write:
            made = new(table, (*also, *names))
            return Write(made.on_conflict_do_update(index_elements=list(table.primary_key),
                                                    set_={name: made.excluded[name] for name in names}), dialect)

        attempts, keys = tables.attempts, tables.keys
        of_attempt, of_request = attempts.c.id == bindparam("attempt"), tables.requests.c.id == bindparam("request")
        of_key = (keys.c.tenant == bindparam("of_tenant")) & (keys.c.key == bindparam("of_key"))
        self.request = Write(new(tables.requests, _INSERTED_REQUEST).on_conflict_do_nothing(), dialect)
        self.attempt = Write(new(attempts, _INSERTED_ATTEMPT), dialect)
        reserved, sent = literal_column("'reserved'", String()), literal_column("'sent'", String())
        self.submitted = Write(update(attempts).where(of_attempt).values(
            provider_job=bindparam("job"), sent_at=func.coalesce(attempts.c.sent_at, bindparam("at")),
            state=case((attempts.c.state == reserved, sent), else_=attempts.c.state)), dialect)
        self.settled = changed(attempts, of_attempt, names=_SETTLED)
        self.closed = changed(tables.requests, of_request, names=_CLOSED)
        self.budget = over(tables.budgets, ("settled_micro_usd", "reserved_micro_usd"), also=("scope", "period"))
        self.new_budget = Write(new(tables.budgets, ("scope", "period")).on_conflict_do_nothing(), dialect)
        self.outcome = over(tables.outcomes, ("verdict", "reason", "reviewer_seconds", "at"),
                            also=("request_id", "image"))
        self.new_key = Write(new(keys).on_conflict_do_nothing(), dialect)
        self.key = changed(keys, of_key, names=("fingerprint", "request_id", "owner", "state", "answer", "claimed_at",
                                                "expires_at"))
        self.owner = over(tables.owners, ("lease_until", "batch"), also=("id", "host", "pid", "started_at"))
        self.stale = Write(update(tables.months).where(tables.months.c.month == bindparam("of_month"))
                           .values(stale=bindparam("stale")), dialect)


def padded(items: list[Item]) -> list[Item]:
    """The items with the last one repeated up to a power of four, so that few different statements are prepared."""
    size = 1
    while size < len(items):
        size *= 4
    return items + items[-1:] * (size - len(items))


def read_attempts(connection: Connection, ids: Iterable[str]) -> Sequence[Record[Any]]:
    """Locked rows of attempts, in the order of their ids."""
    columns = tables.attempts.c
    wanted = [columns[name] for name in _READ_OF_ATTEMPT]
    return connection.execute(select(*wanted).where(columns.id.in_(padded(sorted(ids)))).order_by(columns.id)
                              .with_for_update()).all()


def read_budgets(connection: Connection, keys: Iterable[Key], *, lock: bool) -> Sequence[Record[Any]]:
    """Rows of budgets, locked in one order everywhere, so that no two processes wait for each other."""
    columns = tables.budgets.c
    wanted = select(tables.budgets).where(tuple_(columns.scope, columns.period).in_(padded(sorted(keys))))
    if lock:
        wanted = wanted.order_by(columns.scope, columns.period).with_for_update()
    return connection.execute(wanted).all()


def read_keys(connection: Connection, keys: Iterable[Key]) -> Sequence[Record[Any]]:
    """Locked rows of idempotency keys."""
    columns = tables.keys.c
    return connection.execute(select(tables.keys).where(tuple_(columns.tenant, columns.key).in_(padded(sorted(keys))))
                              .order_by(columns.tenant, columns.key).with_for_update()).all()


def read_requests(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Which of these requests are on the books."""
    columns = tables.requests.c
    return set(connection.execute(select(columns.id).where(columns.id.in_(padded(sorted(ids))))).scalars())
