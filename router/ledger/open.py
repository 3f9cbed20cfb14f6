"""Opening a ledger: the file or database is made ready, and everything that cannot work is said in one line."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from ..errors import LedgerError
from .books import PATIENCE_S, connect_books
from .faults import explained, is_busy
from .migrations import MIGRATABLE, migrate
from .sql_ledger import SqlLedger
from .tables import METADATA, SCHEMA_VERSION, schema_versions

if TYPE_CHECKING:
    from .books import Books
    from .protocol import Ledger

__all__ = ["open_books", "open_ledger"]

# One number for everybody, so that of many processes that start together one makes the tables.
_SETUP_LOCK = 7_236_018


def open_ledger(url: str, *, lease_s: float = 15.0) -> Ledger:
    """A ledger, ready for use in this process.

    Args:
        url: `sqlite:///ledger.db` (made with mode 0600 where it does not exist) or `postgresql://user@host/name`.
        lease_s: seconds after its last sign of life for which a process still owns its attempts; at least 1.

    Raises:
        LedgerError: no such folder or driver, a read-only disk, an unreachable database, or another version.
    """
    return SqlLedger(open_books(url), lease_s=max(1.0, lease_s))


def open_books(url: str, *, create: bool = True) -> Books:
    """The database of a ledger, with its tables.

    Args:
        url: as for `open_ledger`.
        create: make what is missing; otherwise it is an error.

    Raises:
        LedgerError: as for `open_ledger`.
    """
    books = connect_books(url, create=create)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            _prepare(books, create=create)
        except SQLAlchemyError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                books.dispose()
                raise explained(error, books.shown) from None
        except LedgerError:
            books.dispose()
            raise
        else:
            return books
        time.sleep(random.uniform(0.005, 0.05))


def _prepare(books: Books, *, create: bool) -> None:
    engine = books.writes if create else books.reads
    with engine.connect() as connection, connection.begin():
        if create and not books.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
        known = set(inspect(connection).get_table_names())
        if schema_versions.name not in known:
            if not create:
                raise LedgerError(f"ledger {books.shown}: it holds no ledger; name the one that the router writes")
            if known & set(METADATA.tables):
                raise LedgerError(f"ledger {books.shown}: it holds tables of something else; name an empty database")
            METADATA.create_all(connection)
            connection.execute(insert(schema_versions).values(version=SCHEMA_VERSION))
        found = connection.execute(select(schema_versions.c.version)).scalars().all()
        if create and len(found) == 1 and found[0] in MIGRATABLE:
            migrate(connection, found[0])
            return
        if found and max(found) < SCHEMA_VERSION:
            raise LedgerError(f"ledger {books.shown}: its tables have version {max(found)}, this program reads "
                              f"{SCHEMA_VERSION}; start the router on it once, which brings them up to date")
    if found != [SCHEMA_VERSION]:
        raise LedgerError(f"ledger {books.shown}: its tables have version {', '.join(map(str, found)) or 'none'}, this "
                          f"program writes {SCHEMA_VERSION}; run the version of Breakeven that made it")
