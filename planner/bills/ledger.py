"""The router's own books as a bill: what was delivered, to whom, for how much. Only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from router.ledger.books import reading
from router.ledger.tables import requests
from router.quantities import usd_from_micro

from .cells import shown_name, size_of
from .uses import Kind, Passed, Use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.ledger.books import Books

    from .uses import Event

__all__ = ["SOURCE", "read_ledger"]

SOURCE = "ledger"
_AT_ONCE = 1_000
_MADE = ("ok", "partial")
_COLUMNS = ("id", "received_at", "tenant", "project", "operation", "size_asked", "state", "backend", "model", "quality",
            "size_delivered", "n_delivered", "usd_micro")


def read_ledger(books: Books) -> Iterator[Event]:
    """Every request that ended, oldest first, a thousand at a time; neither prompts nor their hashes are read.

    Raises:
        LedgerError: the books cannot be read.
    """
    key = (requests.c.received_at, requests.c.id)
    asked = (select(*(requests.c[name] for name in _COLUMNS)).where(requests.c.state != "")
             .order_by(*key).limit(_AT_ONCE))
    after: tuple[int, str] | None = None
    while True:
        page = asked if after is None else asked.where(tuple_(*key) > tuple_(*after))
        with reading(books) as connection:
            found = connection.execute(page).mappings().all()
        yield from map(_event, found)
        if len(found) < _AT_ONCE:
            return
        after = (found[-1]["received_at"], found[-1]["id"])


def _event(row: Mapping[Any, Any]) -> Event:
    if row["state"] not in _MADE or not row["n_delivered"]:
        return Passed(SOURCE, "requests without an image")
    begin = row["received_at"] / 1e6
    kind = Kind(SOURCE, (f"{row['backend']}/{row['model']}", row["model"]),
                size_of(row["size_delivered"]) or size_of(row["size_asked"]), row["quality"] or None,
                "edit" if row["operation"] == "edit" else "generate")
    return Use("ledger", begin, begin, kind, row["n_delivered"], 1, usd_from_micro(row["usd_micro"]),
               shown_name(row["project"] or row["tenant"]), "", row["id"])
