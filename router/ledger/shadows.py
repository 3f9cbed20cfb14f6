"""Watched requests in a database: written through the writer, read beside it a day at a time, forgotten when old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, tuple_

from . import tables
from .books import reading, writing
from .operation import Operation
from .rows import cut, from_us, identifier, to_us
from .shadow_protocol import ShadowRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime

    from .books import Books
    from .page import Page, Wants

__all__ = ["AddShadow", "SqlShadowBooks", "forget_shadows", "shadow_rows"]

_SHADOWS = tables.shadows.c
_BOUNDS = tables.bounds(tables.shadows)
_TEXTS = ("tenant", "segment", "operation", "data_class", "policy_digest", "option", "reason", "actual_model",
          "actual_state")
_NUMBERS = ("n", "usd_micro", "p50_s", "p95_s", "actual_usd_micro", "actual_latency_s")
_AT_ONCE = 1_000


class AddShadow(Operation[bool]):
    """Write what was watched."""

    def __init__(self, row: ShadowRow) -> None:
        self._row: dict[str, Any] = {name: cut(getattr(row, name), _BOUNDS[name]) for name in _TEXTS}
        self._row |= {name: getattr(row, name) for name in _NUMBERS}
        self._row |= {"id": identifier(row.id, _BOUNDS["id"], name="shadow id"), "watched_at": to_us(row.watched_at)}

    def want(self, wants: Wants) -> None:
        """Nothing that a batch shares."""

    def apply(self, page: Page) -> bool:
        """The same id again is left as it is."""
        if page.connection.execute(select(_SHADOWS.id).where(_SHADOWS.id == self._row["id"])).first() is not None:
            return False
        page.connection.execute(insert(tables.shadows).values(**self._row))
        return True


class SqlShadowBooks:
    """`ShadowBooks` in a database."""

    def __init__(self, ask: Callable[[Operation[Any]], Awaitable[Any]]) -> None:
        self._ask = ask

    async def add(self, row: ShadowRow) -> bool:
        """Write one; False where its id is taken."""
        return bool(await self._ask(AddShadow(row)))


def shadow_rows(books: Books, since: datetime, *, until: datetime) -> Iterator[ShadowRow]:
    """What was watched from one instant to another, oldest first, read a thousand rows at a time.

    Raises:
        LedgerError: the books cannot be read.
    """
    key = (_SHADOWS.watched_at, _SHADOWS.id)
    asked = (select(tables.shadows).where(key[0] >= to_us(since), key[0] < to_us(until)).order_by(*key)
             .limit(_AT_ONCE))
    after: tuple[int, str] | None = None
    while True:
        page = asked if after is None else asked.where(tuple_(*key) > tuple_(*after))
        with reading(books) as connection:
            found = connection.execute(page).mappings().all()
        for row in found:
            yield ShadowRow(row["id"], from_us(row["watched_at"]),
                            **{name: row[name] for name in (*_TEXTS, *_NUMBERS)})
        if len(found) < _AT_ONCE:
            return
        after = (found[-1]["watched_at"], found[-1]["id"])


def forget_shadows(books: Books, before: datetime) -> int:
    """Delete what was watched before an instant, a thousand rows to a transaction; how many rows went.

    Raises:
        LedgerError: the books cannot be written.
    """
    forgotten, old = 0, select(_SHADOWS.id).where(_SHADOWS.watched_at < to_us(before)).limit(_AT_ONCE)
    while True:
        with writing(books) as connection:
            ids = connection.execute(old).scalars().all()
            if ids:
                connection.execute(delete(tables.shadows).where(_SHADOWS.id.in_(ids)))
        forgotten += len(ids)
        if len(ids) < _AT_ONCE:
            return forgotten
