"""Retention: the rows of old months go once their sums are kept; what they took from budgets stays counted."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, select, update

from .books import reading, writing
from .page import OPEN
from .rollups import open_count, roll_up_within
from .rows import from_us, month_bounds, month_of, text_keys, to_us
from .shadows import forget_shadows
from .tables import attempts, budgets, months, outcomes, requests

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from .books import Books
    from .rows import Key

__all__ = ["prune", "retire"]

_AT_ONCE = 1_000


def prune(books: Books, before: datetime) -> dict[str, str]:
    """Delete the rows of months that ended before an instant and are rolled up, a thousand rows to a transaction.

    Returns:
        What became of each month that still had rows: `pruned: 12,000 rows`, or why it was left.

    Raises:
        LedgerError: the books cannot be read or written.
    """
    told = {}
    for month in _old_months(books, to_us(before)):
        why = _closed(books, month)
        told[month] = why or f"pruned: {_delete_rows(books, month):,} rows"
    began = month_bounds(month_of(to_us(before)))[0]
    if watched := forget_shadows(books, from_us(began)):
        told["watched only"] = f"pruned: {watched:,} rows"
    return told


def retire(books: Books, before: datetime) -> dict[str, str]:
    """As `prune`, for months that nobody rolled up, too.

    Raises:
        LedgerError: the books cannot be read or written.
    """
    for month in _old_months(books, to_us(before)):
        with writing(books) as connection:
            if connection.execute(select(months).where(months.c.month == month)).first() is None:
                roll_up_within(connection, month)
    return prune(books, before)


def _old_months(books: Books, before: int) -> list[str]:
    """Months with rows that were over by then."""
    with reading(books) as connection:
        firsts = [connection.execute(select(func.min(column))).scalar()
                  for column in (attempts.c.reserved_at, requests.c.received_at)]
    found, at = [], min((first for first in firsts if first is not None), default=before)
    while (end := month_bounds(month_of(at))[1]) <= before:
        found.append(month_of(at))
        at = end
    return found


def _closed(books: Books, month: str) -> str:
    """Make the sums of a month final; why not, where that cannot be."""
    with writing(books) as connection:
        kept = connection.execute(select(months).where(months.c.month == month)).first()
        if kept is None:
            return "left: not rolled up"
        if kept.pruned_at is None:
            if left := open_count(connection, month):
                return f"left: {left:,} attempts have no end yet"
            if kept.stale:
                roll_up_within(connection, month)
            connection.execute(update(months).where(months.c.month == month)
                               .values(pruned_at=time.time_ns() // 1_000, stale=0))
    return ""


def _delete_rows(books: Books, month: str) -> int:
    count = 0
    for delete_some in (_delete_attempts, _delete_requests):
        while True:
            with writing(books) as connection:
                deleted = delete_some(connection, month)
            count += deleted
            if deleted < _AT_ONCE:
                break
            time.sleep(0.01)  # lets the writers of live traffic in
    return count


def _delete_attempts(connection: Connection, month: str) -> int:
    start, end = month_bounds(month)
    columns = attempts.c
    rows = connection.execute(
        select(columns.id, columns.budgets, columns.settled_micro_usd)
        .where(columns.reserved_at >= start, columns.reserved_at < end, columns.state.not_in(OPEN))
        .order_by(columns.id).limit(_AT_ONCE).with_for_update()).all()
    gone: defaultdict[Key, int] = defaultdict(int)
    for row in rows:
        for key in text_keys(row.budgets):
            gone[key] += row.settled_micro_usd
    for (scope, period), settled in sorted(gone.items()):
        connection.execute(update(budgets).where(budgets.c.scope == scope, budgets.c.period == period)
                           .values(pruned_micro_usd=budgets.c.pruned_micro_usd + settled))
    if rows:
        connection.execute(delete(attempts).where(columns.id.in_([row.id for row in rows])))
    return len(rows)


def _delete_requests(connection: Connection, month: str) -> int:
    start, end = month_bounds(month)
    ids = connection.execute(
        select(requests.c.id).where(requests.c.received_at >= start, requests.c.received_at < end,
                                    ~exists().where(attempts.c.request_id == requests.c.id))
        .limit(_AT_ONCE)).scalars().all()
    if ids:
        connection.execute(delete(outcomes).where(outcomes.c.request_id.in_(ids)))
        connection.execute(delete(requests).where(requests.c.id.in_(ids)))
    return len(ids)
