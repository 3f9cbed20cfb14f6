"""Do the books agree with themselves? A budget equals the sum of its attempts; an attempt has a request."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from .books import reading
from .page import OPEN, BudgetLine
from .rows import text_keys
from .tables import attempts, budgets, requests

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .books import Books
    from .rows import Key

__all__ = ["check"]

_AT_ONCE = 5_000
_MOST_TOLD = 20


def check(books: Books) -> tuple[str, ...]:
    """What is wrong with the books, one line each and at most twenty; nothing where all is well.

    Raises:
        LedgerError: the books cannot be read.
    """
    with reading(books) as connection:
        problems = [*_damage(connection, books), *_orphans(connection), *_differences(connection)]
    return tuple(problems[:_MOST_TOLD])


def _damage(connection: Connection, books: Books) -> list[str]:
    if not books.is_sqlite:
        return []
    told = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_TOLD})").scalars().all()
    return [f"file: {line}" for line in told if line != "ok"]


def _orphans(connection: Connection) -> list[str]:
    lonely = ~exists().where(requests.c.id == attempts.c.request_id)
    count = connection.execute(select(func.count()).select_from(attempts).where(lonely)).scalar_one()
    return [f"attempts: {count:,} have no request"] if count else []


def _differences(connection: Connection) -> list[str]:
    sums = _sums(connection)
    told = []
    for row in connection.execute(select(budgets).order_by(budgets.c.scope, budgets.c.period)):
        due = sums.pop((row.scope, row.period), BudgetLine())
        due.settled += row.pruned_micro_usd
        if (due.settled, due.reserved) != (row.settled_micro_usd, row.reserved_micro_usd):
            told.append(f"budget {row.scope} {row.period}: settled {row.settled_micro_usd} and reserved "
                        f"{row.reserved_micro_usd} micro-dollars, but its attempts sum to {due.settled} and "
                        f"{due.reserved}")
    told += [f"budget {scope} {period}: its attempts took money, but it has no row" for (scope, period), due
             in sorted(sums.items()) if due.settled or due.reserved]
    return told


def _sums(connection: Connection) -> dict[Key, BudgetLine]:
    columns = attempts.c
    sums: defaultdict[Key, BudgetLine] = defaultdict(BudgetLine)
    asked = select(columns.state, columns.budgets, columns.reserve_micro_usd, columns.settled_micro_usd)
    with connection.execution_options(yield_per=_AT_ONCE).execute(asked) as found:
        for row in found:
            for key in text_keys(row.budgets):
                if row.state in OPEN:
                    sums[key].reserved += row.reserve_micro_usd
                else:
                    sums[key].settled += row.settled_micro_usd
    return sums
