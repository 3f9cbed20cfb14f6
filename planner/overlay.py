"""Tables whose rows have an id: a user's folder replaces single rows of the base table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from router.catalog import table_files
from router.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Identified", "read_overlaid"]


class Identified(Protocol):
    """A row that knows its id and its line."""

    @property
    def id(self) -> str:
        """Unique inside a file."""

    @property
    def line(self) -> int:
        """Where it stands, for messages."""


IdentifiedRow = TypeVar("IdentifiedRow", bound=Identified)


def read_overlaid(roots: Iterable[Path], pattern: str, *, as_rows: type[IdentifiedRow]) -> tuple[IdentifiedRow, ...]:
    """The rows of a CSV table in all folders; a later folder's row stands in place of the row of the same id.

    Raises:
        TableError: a row cannot be read, or one file names an id twice.
    """
    rows: dict[str, IdentifiedRow] = {}
    for path in table_files(roots, pattern):
        rows |= {row.id: row for row in read_rows(path, as_rows)}
    return tuple(rows.values())
