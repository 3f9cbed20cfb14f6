"""The books of a month opened for reading, with who stands behind each backend. An edge."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.building import settings_of
from router.catalog import data_roots
from router.ledger.books import reading
from router.ledger.open import open_books
from router.prices import load_prices
from router.service_time import load_law
from router.vendors import load_vendors

from .month import month_begun
from .places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from router.price_table import PriceTable

    from .month import Month

__all__ = ["MonthsBooks", "opened_month"]


@dataclass(frozen=True)
class MonthsBooks:
    """One transaction over the books, which sees one state of them from beginning to end."""

    connection: Connection
    month: Month
    places: Places
    prices: PriceTable
    shown: str


@contextmanager
def opened_month(url: str | None, month: str, *, settings: Path | None, data: Path | None,
                 environ: Mapping[str, str]) -> Iterator[MonthsBooks]:
    """The books of a month; a ledger that is not there is not made.

    Args:
        url: of the ledger; that of the settings where left out.
        month: as in `2026-11`.
        settings: a router.toml, which knows the cards of ours.
        data: overlay folder of tables.
        environ: the process environment.

    Raises:
        LedgerError: no ledger, not a month, or the books cannot be read.
        PlannerError: the month has not begun, or no ledger is named.
        SettingsError: the settings cannot be used.
        TableError: a table cannot be read.
    """
    begun, roots = month_begun(month), data_roots(data, environ)
    known = None if settings is None else settings_of(settings, environ, data=data)
    where = url or (known.ledger.value if known is not None else "")
    if not where:
        raise PlannerError("no ledger is named; give --ledger sqlite:///breakeven.sqlite, BREAKEVEN_LEDGER, or the "
                           "router's --settings")
    prices = load_prices(roots)
    places = Places(load_vendors(roots), prices, known, None if known is None else load_law(roots))
    books = open_books(where, create=False)
    try:
        with reading(books) as connection:
            yield MonthsBooks(connection, begun, places, prices, books.shown)
    finally:
        books.dispose()
