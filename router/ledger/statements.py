"""What the writer says to the database, compiled once per dialect: reads of many rows, and writes of many rows."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    JSON,
    String,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from . import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Column, Connection, Dialect, Table
    from sqlalchemy import Row as Record
    from sqlalchemy.sql.elements import ClauseElement

    from .rows import Row

__all__ = ["Read", "Statements", "Write", "statements_for"]

_INSERTED_REQUEST = ("id", "received_at", "tenant", "project", "segment", "brand", "campaign", "cost_center",
                     "operation", "model_asked", "size_asked", "quality_asked", "n_asked", "references", "text_words",
                     "data_class", "prompt_hash", "prompt_chars", "fingerprint", "policy_digest", "verdicts", "tags",
                     "prompt")
_INSERTED_ATTEMPT = ("id", "request_id", "owner", "number", "backend", "model", "quality", "tier", "n", "size",
                     "reserve_micro_usd", "quoted_usd", "price_row", "reserved_at", "budgets", "state")
_SETTLED = ("state", "kind", "code", "settled_micro_usd", "actual_usd", "settled_at", "settlements", "provider_job",
            "provider_request", "images", "image_bytes", "pixels", "digests", "flags", "kept")
_STANDING, _LEASE = ("settled_micro_usd", "reserved_micro_usd"), ("lease_until", "batch")
_OUTCOME = ("verdict", "reason", "reviewer_seconds", "at")
_KEY = ("fingerprint", "request_id", "owner", "state", "answer", "claimed_at", "expires_at")
_READ_OF_ATTEMPT = ("id", "request_id", "owner", "state", "reserve_micro_usd", "settled_micro_usd", "budgets",
                    "provider_job", "reserved_at", "sent_at", "settlements")
_CLOSED = ("state", "code", "http_status", "backend", "model", "quality", "size_delivered", "n_delivered", "usd_micro",
           "latency_s", "closed_at", "flags")


class Write:
    """One statement for many rows, compiled once.

    SQLite runs it row by row inside this process. PostgreSQL gets all rows as one JSON document in one round trip; of
    rows with the same identity only the last is sent, because one statement may touch a row once.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect, *, identity: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._identity = itemgetter(*identity)
        order = getattr(compiled, "positiontup", None)
        self._shape = itemgetter(*order) if order else None

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write the rows in their order."""
        if self._shape is not None:
            given: Any = [self._shape(row) for row in rows]
        else:
            given = {"rows": json.dumps(list({self._identity(row): row for row in rows}.values()))}
        connection.exec_driver_sql(self._sql, given)


def _inserted(table: Table, names: Sequence[str], dialect: Dialect, *, over: Sequence[str] | None = None) -> Write:
    """Insert; a row that is there already is left, or has the columns `over` replaced."""
    if dialect.name == "sqlite":
        made: Any = sqlite.insert(table).values({name: bindparam(name) for name in names})
    else:
        made = postgresql.insert(table).from_select(names, select(*_sent(table, names)))
    identity = [column.name for column in table.primary_key]
    if over is None:
        return Write(made.on_conflict_do_nothing(), dialect, identity=identity)
    return Write(made.on_conflict_do_update(index_elements=identity, set_={name: made.excluded[name] for name in over}),
                 dialect, identity=identity)


def _updated(table: Table, names: Sequence[str], dialect: Dialect) -> Write:
    """Set columns of the rows with the same primary key."""
    identity = [column.name for column in table.primary_key]
    sent: Any = None if dialect.name == "sqlite" else _sent(table, (*identity, *names))
    given = {name: bindparam(name) if sent is None else sent[name] for name in (*identity, *names)}
    same = and_(*(table.c[name] == given[name] for name in identity))
    return Write(update(table).where(same).values({name: given[name] for name in names}), dialect, identity=identity)


def _sent(table: Table, names: Sequence[str]) -> Any:
    """The columns of the JSON document, typed as the table's row."""
    typed = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), cast(bindparam("rows"), JSON))
    return typed.table_valued(*(column(name, table.c[name].type) for name in names), name="sent").c


class Read:
    """One statement that finds many rows by their primary key, compiled once."""

    def __init__(self, table: Table, names: Sequence[str], dialect: Dialect, *, lock: bool) -> None:
        key = list(table.primary_key)
        self._single = len(key) == 1
        self._sqlite = dialect.name == "sqlite"
        self._names = [column.name for column in key]
        wanted = select(*(table.c[name] for name in names)).where(self._found(table, key))
        if lock:
            wanted = wanted.order_by(*key).with_for_update(of=table)
        self._sql = str(wanted.compile(dialect=dialect))

    def _found(self, table: Table, key: list[Column[Any]]) -> Any:
        rows: Any = bindparam("rows")
        if self._sqlite:
            value: Any = literal_column("value")
            parts = [value] if self._single else [func.json_extract(value, literal_column(f"'$[{place}]'"))
                                                  for place in range(len(key))]
            return tuple_(*key).in_(select(*parts).select_from(func.json_each(rows)))
        if self._single:
            return key[0] == any_(cast(rows, ARRAY(String)))
        return tuple_(*key).in_(select(*_sent(table, self._names)))

    def run(self, connection: Connection, keys: Iterable[Any]) -> Sequence[Record[Any]]:
        """The rows that exist, locked in the order of their keys, so that no two processes wait for each other."""
        wanted = sorted(keys)
        if self._sqlite:
            given: Any = (json.dumps(wanted),)
        elif self._single:
            given = {"rows": wanted}
        else:
            given = {"rows": json.dumps([dict(zip(self._names, key, strict=True)) for key in wanted])}
        return connection.exec_driver_sql(self._sql, given).all()


@lru_cache(maxsize=2)
def statements_for(dialect: str) -> Statements:
    """The statements of `sqlite` or `postgresql`; compiling them takes some 50 ms, once per process."""
    return Statements(sqlite.dialect() if dialect == "sqlite" else PGDialect_psycopg())  # type: ignore[no-untyped-call]


class Statements:
    """Every read and write of a batch."""

    def __init__(self, dialect: Dialect) -> None:
        self.request = _inserted(tables.requests, _INSERTED_REQUEST, dialect)
        self.closed = _updated(tables.requests, _CLOSED, dialect)
        self.attempt = _inserted(tables.attempts, _INSERTED_ATTEMPT, dialect)
        self.submitted = _updated(tables.attempts, ("state", "provider_job", "sent_at"), dialect)
        self.settled = _updated(tables.attempts, _SETTLED, dialect)
        self.new_budget = _inserted(tables.budgets, ("scope", "period"), dialect)
        self.budget = _inserted(tables.budgets, ("scope", "period", *_STANDING), dialect, over=_STANDING)
        self.outcome = _inserted(tables.outcomes, ("request_id", "image", *_OUTCOME), dialect, over=_OUTCOME)
        self.new_key = _inserted(tables.keys, ("tenant", "key", *_KEY), dialect)
        self.key = _updated(tables.keys, _KEY, dialect)
        self.owner = _inserted(tables.owners, ("id", "host", "pid", "started_at", *_LEASE), dialect, over=_LEASE)
        self.stale = _updated(tables.months, ("stale",), dialect)
        self.read_attempts = Read(tables.attempts, _READ_OF_ATTEMPT, dialect, lock=True)
        self.read_budgets = Read(tables.budgets, ("scope", "period", *_STANDING), dialect, lock=True)
        self.see_budgets = Read(tables.budgets, ("scope", "period", *_STANDING), dialect, lock=False)
        self.see_requests = Read(tables.requests, ("id",), dialect, lock=False)
        self.read_keys = Read(tables.keys, ("tenant", "key", *_KEY), dialect, lock=True)
