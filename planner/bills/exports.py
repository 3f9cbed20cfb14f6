"""Exports opened: files of a format that is told or found, and the router's own books. An edge."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.ledger.open import open_books

from .detect import READERS, detected
from .files import digest_of, read_rows
from .ledger import SOURCE as LEDGER
from .ledger import read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .uses import Event, Row

__all__ = ["AUTO", "FORMATS", "events_of_file", "events_of_ledger", "unlike_files"]

AUTO = "auto"
FORMATS = (AUTO, *READERS, LEDGER)
_SQLITE = b"SQLite format 3\0"


def unlike_files(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files without those whose bytes another one holds already, and these."""
    kept: dict[str, Path] = {}
    again = []
    for path in paths:
        digest = digest_of(path) or str(path)
        if digest in kept:
            again.append(path)
        else:
            kept[digest] = path
    return list(kept.values()), again


def events_of_file(path: Path, told: str) -> Iterator[Event]:
    """What a file tells, read as it is asked for; its format is `told`, or found where that is `auto`.

    Raises:
        PlannerError: empty, cut off, of no known format, or with a value that cannot be read.
        LedgerError: a ledger that cannot be read.
    """
    if told == LEDGER or (told == AUTO and _is_sqlite(path)):
        yield from events_of_ledger(f"sqlite:///{path}")
        return
    rows = read_rows(path)
    seen: list[Row] = []
    source = "" if told == AUTO else told
    while not source:
        row = next(rows, None)
        if row is None:
            what = "only empty buckets in it" if seen else "no row in it"
            raise PlannerError(f"{path}: {what}; export a month that holds images, or its costs")
        seen.append(row)
        source = detected(row)
    yield from READERS[source](chain(seen, rows))


def events_of_ledger(url: str) -> Iterator[Event]:
    """What the router's books tell.

    Raises:
        LedgerError: no ledger, or it cannot be read.
    """
    books = open_books(url, create=False)
    try:
        yield from read_ledger(books)
    finally:
        books.dispose()


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False
