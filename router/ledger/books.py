"""A database that holds a ledger: SQLite and PostgreSQL, connected so that a commit is on disk when it returns."""

from __future__ import annotations

import importlib.util
import os
import random
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, extract, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ..errors import LedgerError
from .faults import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.url import URL

__all__ = ["PATIENCE_S", "Books", "connect_books", "now_us", "reading", "writing"]

PATIENCE_S = 10.0
_NAP_S = (0.0002, 0.001)
_POSTGRES_SESSION = ("SET synchronous_commit = on", "SET lock_timeout = '10s'", "SET jit = off")
# A plan that was made while the tables were empty scans them for as long as the connection lives; the writer finds rows
# by their keys only.
_POSTGRES_WRITER = ("SET enable_seqscan = off",)


@dataclass(frozen=True)
class Books:
    """A connected ledger database.

    Attributes:
        shown: its URL without the password.
        writes: transactions that write; on SQLite they take the one write lock when they begin.
        reads: transactions that see one state of the books from beginning to end.
    """

    shown: str
    writes: Engine
    reads: Engine

    @property
    def is_sqlite(self) -> bool:
        """One file, one writer at a time."""
        return self.writes.dialect.name == "sqlite"

    def dispose(self) -> None:
        """Let go of every connection."""
        self.writes.dispose()
        self.reads.dispose()


def connect_books(url: str, *, create: bool) -> Books:
    """A ledger database by URL; nothing is read yet.

    Args:
        url: `sqlite:///ledger.db`, `sqlite:////var/lib/breakeven/ledger.db` or `postgresql://user@host/name`.
        create: make the file where there is none.

    Raises:
        LedgerError: no such kind of URL, a missing driver, a missing folder, or a file that cannot be made.
    """
    try:
        parsed = make_url(url)
        _ = parsed.port
    except (ArgumentError, ValueError):
        raise LedgerError("ledger: the URL cannot be read; write sqlite:///ledger.db or postgresql://user@host/name, "
                          "with %40 for an @ in a password") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, create=create)
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return _postgres(parsed)
    raise LedgerError(f"ledger {parsed.render_as_string()}: only sqlite:/// and postgresql:// are supported")


def _sqlite(parsed: URL, *, create: bool) -> Books:
    shown = parsed.render_as_string()
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise LedgerError(f"ledger {shown}: books live on a disk; write sqlite:///ledger.db, without further options")
    path = Path(parsed.database)
    if not path.parent.is_dir():
        raise LedgerError(f"ledger {shown}: the folder {path.parent} does not exist; make it first")
    if not create and not path.exists():
        raise LedgerError(f"ledger {shown}: there is no such file; name the ledger that the router writes")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise LedgerError(f"ledger {shown}: {error.strerror}; mount the disk writable, or give this user the right to "
                          f"write {path}") from error
    writes = create_engine(parsed, hide_parameters=True, pool_size=1, connect_args={"timeout": PATIENCE_S})
    reads = create_engine(parsed, hide_parameters=True, connect_args={"timeout": PATIENCE_S})
    event.listen(writes, "connect", _for_writing)
    event.listen(reads, "connect", _durable)
    event.listen(writes, "begin", _take_write_lock)
    event.listen(reads, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Books(shown, writes, reads)


def _durable(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}")


def _for_writing(connection: sqlite3.Connection, record: object) -> None:
    _durable(connection, record)
    # SQLite's own wait sleeps up to 100 ms between tries, so a waiting process starves; `_take_write_lock` naps less.
    connection.execute("PRAGMA busy_timeout = 0")


def _take_write_lock(connection: Connection) -> None:
    """Begin, waiting for other processes in short random naps; below SQLAlchemy, because a try must cost little."""
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
        else:
            return
        time.sleep(random.uniform(*_NAP_S))
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails once more, with the error that SQLAlchemy makes of it


def _postgres(parsed: URL) -> Books:
    shown = parsed.render_as_string()
    if importlib.util.find_spec("psycopg") is None:
        raise LedgerError(f"ledger {shown}: the driver of PostgreSQL is missing; pip install 'breakeven[postgres]'")
    parsed = parsed.set(drivername="postgresql+psycopg")
    given: dict[str, Any] = {"hide_parameters": True, "connect_args": {
        "application_name": "breakeven ledger", "connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 5,
        "keepalives_interval": 2, "keepalives_count": 3}}
    writes = create_engine(parsed, isolation_level="READ COMMITTED", pool_size=1, **given)
    reads = create_engine(parsed, isolation_level="REPEATABLE READ", pool_pre_ping=True, **given)
    event.listen(writes, "connect", _saying(*_POSTGRES_SESSION, *_POSTGRES_WRITER))
    event.listen(reads, "connect", _saying(*_POSTGRES_SESSION))
    return Books(shown, writes, reads)


def _saying(*statements: str) -> Callable[[Any, object], None]:
    def connected(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.commit()

    return connected


@contextmanager
def writing(books: Books) -> Iterator[Connection]:
    """One transaction that writes, committed at the end.

    Raises:
        LedgerError: the database cannot be reached or written.
    """
    try:
        with books.writes.connect() as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise explained(error, books.shown) from None


@contextmanager
def reading(books: Books) -> Iterator[Connection]:
    """One transaction that sees one state of the books.

    Raises:
        LedgerError: the database cannot be reached or read.
    """
    try:
        with books.reads.connect() as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise explained(error, books.shown) from None


def now_us(connection: Connection) -> int:
    """Microseconds since 1970: the server's clock, so that leases hold between hosts; this host's on SQLite."""
    if connection.dialect.name == "sqlite":
        return time.time_ns() // 1_000
    clock = func.floor(extract("epoch", func.clock_timestamp()) * 1_000_000)
    return int(connection.execute(select(clock)).scalar_one())
