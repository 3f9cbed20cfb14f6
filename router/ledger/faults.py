"""What a database error means: wait and try again, look what became of a commit, or say in one line what to mend."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from ..errors import LedgerError

__all__ = ["explained", "is_busy", "is_lost", "is_of_one_operation", "state_of"]

# Primary result codes of SQLite, https://www.sqlite.org/rescode.html; the low byte of an extended code.
_SQLITE = {
    sqlite3.SQLITE_READONLY: "it cannot be written; mount the disk writable or give this user the right to write",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the folder exists and this user may write there",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write; check it before anything else is paid for",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy, or save what is left with sqlite3's .recover",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another file",
    sqlite3.SQLITE_BUSY: "another process held its lock too long; end that process or move to PostgreSQL",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "42501": "this user lacks a right; grant it", "53100": "the disk of the server is full",
    "57P03": "the server is starting or stopping; try again",
    "25006": "it is read-only, a standby perhaps; name the primary",
    "55P03": "another process held a lock too long", "57014": "a statement took too long",
}
_TRY_AGAIN = {"40001", "40P01"}
_OF_ONE = {"22", "23"}


def state_of(error: SQLAlchemyError) -> str | None:
    """The SQLSTATE of a PostgreSQL error; None where there is none."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else None


def _sqlite_code(error: SQLAlchemyError) -> int | None:
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def is_busy(error: SQLAlchemyError) -> bool:
    """Nothing was written, because another writer was in the way; the same again may succeed."""
    return _sqlite_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state_of(error) in _TRY_AGAIN


def is_lost(error: SQLAlchemyError) -> bool:
    """The connection is gone, and with it the word whether the commit went through."""
    if not isinstance(error, DBAPIError) or _sqlite_code(error) is not None:
        return False
    state = state_of(error)
    return error.connection_invalidated or (state or "").startswith(("08", "57P")) or (
        state is None and type(error.orig).__name__ == "OperationalError" and not isinstance(error.orig, sqlite3.Error))


def is_of_one_operation(error: SQLAlchemyError) -> bool:
    """A value the database refuses: the fault of one operation, so its batch mates should be run without it."""
    code = _sqlite_code(error)
    if code is not None:
        return code in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE)
    state = state_of(error)
    return state[:2] in _OF_ONE if state else not is_lost(error)


def explained(error: SQLAlchemyError, shown: str) -> LedgerError:
    """The error as one line for a person.

    Args:
        error: what SQLAlchemy raised.
        shown: the ledger's URL without its password.
    """
    if isinstance(error, NoConnectionLeft):
        return LedgerError(f"ledger {shown}: every connection is in use; try again")
    known = _SQLITE.get(_sqlite_code(error) or -1) or _POSTGRES.get(state_of(error) or "")
    return LedgerError(f"ledger {shown}: {known or _told(error)[:300]}")


def _told(error: SQLAlchemyError) -> str:
    """The driver's own words, without the part in which PostgreSQL shows the row, which may hold a prompt."""
    cause = getattr(error, "orig", None) or error
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join((primary or str(cause)).split()) or type(cause).__name__
