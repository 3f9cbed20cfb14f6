"""Forgiving names: what a person calls a model, a card or an engine, and the row that is meant."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from .errors import OutOfReach

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Named", "aliases_of", "find_named", "plain_name"]

_NOISE = ("nvidia", "geforce", "amd", "instinct", "intel", "tensorcore", "blackforestlabs", "pergpu")


class Named(Protocol):
    """A row with an id, a name, and other names parted by ` | `."""

    @property
    def id(self) -> str:
        """Canonical id."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def aliases(self) -> str:
        """Other names, parted by ` | `."""


Row = TypeVar("Row", bound=Named)


def plain_name(text: str) -> str:
    """Letters and digits alone, without the maker's name."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower().rpartition("/")[2])
    for word in _NOISE:
        plain = plain.replace(word, "")
    return plain


def aliases_of(row: Named) -> tuple[str, ...]:
    """Every name of a row, its id first."""
    return (row.id, row.name, *(alias.strip() for alias in row.aliases.split("|") if alias.strip()))


def find_named(name: str, rows: Iterable[Row], *, kind: str) -> Row:
    """The row a name means.

    Args:
        name: as a person wrote it; case, punctuation and the maker's name are forgiven.
        rows: where to look.
        kind: `model`, `gpu` or `engine`, for the message and the command that lists them.

    Raises:
        OutOfReach: nothing is meant; the text lists what comes closest.
    """
    known = tuple(rows)
    wanted = plain_name(name)
    for row in known:
        if row.id == name or wanted in {plain_name(alias) for alias in aliases_of(row)}:
            return row
    raise OutOfReach(f"{kind} = {name!r}: unknown; {_closest(name, known)}: planner {kind}s")


def _closest(name: str, rows: Sequence[Named]) -> str:
    ids = [row.id for row in rows]
    close = difflib.get_close_matches(name.lower(), ids, n=4, cutoff=0.5)
    return f"did you mean {', '.join(close)}? All" if close else "list them with"
