"""Sums of a month: made from its rows, kept when it is over, and all that is left once the rows are pruned."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    case,
    cast,
    delete,
    distinct,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ..errors import LedgerError
from .books import reading, writing
from .page import OPEN
from .rows import month_bounds
from .tables import attempts, months, requests, rollups
from .values import MonthTotal

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from .books import Books

__all__ = ["month_totals", "open_count", "roll_up", "roll_up_within"]

_GROUPS = ("tenant", "segment", "model", "quality", "backend")
# An attempt that began in the last second of a month may be written a little later.
_SETTLING_US = 3_600 * 1_000_000


def month_totals(books: Books, month: str) -> tuple[MonthTotal, ...]:
    """The sums of a month: its roll-up where that still holds, else fresh sums of its rows.

    Raises:
        LedgerError: not a month, or the books cannot be read.
    """
    fresh = _sums(month)
    with reading(books) as connection:
        kept = connection.execute(select(months).where(months.c.month == month)).first()
        holds = kept is not None and (kept.pruned_at is not None or not kept.stale)
        found = connection.execute(select(rollups).where(rollups.c.month == month) if holds else fresh).mappings().all()
    return tuple(sorted((MonthTotal(**row) for row in found),
                        key=lambda total: [getattr(total, name) for name in _GROUPS]))


def roll_up(books: Books, month: str) -> int:
    """Keep the sums of a month; how many rows they take.

    Raises:
        LedgerError: not a month, its rows are pruned, or the books cannot be written.
    """
    with writing(books) as connection:
        return roll_up_within(connection, month)


def roll_up_within(connection: Connection, month: str) -> int:
    """As `roll_up`, inside a transaction.

    The sums hold from an hour after the month on, if nothing was open then; a later settlement ends that, and
    they are made anew when asked for.
    """
    start_to_end, now = month_bounds(month), time.time_ns() // 1_000
    new: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # First of all, so that a settlement that comes late waits here and marks the sums as stale afterwards.
    connection.execute(new(months).values(month=month, rolled_up_at=now, stale=1).on_conflict_do_update(
        index_elements=[months.c.month], set_={"rolled_up_at": now, "stale": 1}))
    if connection.execute(select(months.c.pruned_at).where(months.c.month == month)).scalar() is not None:
        raise LedgerError(f"month {month}: its rows are pruned, so its sums are final")
    rows = [dict(row) for row in connection.execute(_sums(month)).mappings()]
    connection.execute(delete(rollups).where(rollups.c.month == month))
    if rows:
        connection.execute(insert(rollups), rows)
    if now >= start_to_end[1] + _SETTLING_US and not open_count(connection, month):
        connection.execute(update(months).where(months.c.month == month).values(stale=0))
    return len(rows)


def open_count(connection: Connection, month: str) -> int:
    """How many attempts of a month have no end yet."""
    return connection.execute(select(func.count()).select_from(attempts)
                              .where(_within(attempts.c.reserved_at, month), attempts.c.state.in_(OPEN))).scalar_one()


def _within(instant: ColumnElement[int], month: str) -> ColumnElement[bool]:
    start, end = month_bounds(month)
    return (instant >= start) & (instant < end)


def _sum(values: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(values), 0), BigInteger)


def _sums(month: str) -> Select[Any]:
    asked, tried = requests.c, attempts.c
    group = (asked.tenant, asked.segment, tried.model, tried.quality, tried.backend)
    failed = case(((tried.images == 0) & tried.state.not_in(OPEN), 1), else_=0)
    sent = (select(literal(month).label("month"), *group, func.count(distinct(tried.request_id)).label("requests"),
                   func.count().label("attempts"), _sum(tried.images).label("images"),
                   _sum(tried.settled_micro_usd).label("settled_micro_usd"), _sum(failed).label("failures"))
            .select_from(attempts.join(requests, asked.id == tried.request_id))
            .where(_within(tried.reserved_at, month)).group_by(*group))
    unsent_group = (asked.tenant, asked.segment, asked.model_asked, asked.quality_asked)
    zero, refused = cast(literal(0), BigInteger), case((asked.state != "ok", 1), else_=0)
    unsent = (select(literal(month), *unsent_group, literal(""), func.count(), zero, zero, zero, _sum(refused))
              .where(_within(asked.received_at, month), ~exists().where(tried.request_id == asked.id))
              .group_by(*unsent_group))
    return select(union_all(sent, unsent).subquery())
