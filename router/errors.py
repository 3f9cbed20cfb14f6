"""Errors of the router.

    RouterError
    ├── TableError      a table cannot be trusted: which file, line, key and value, and how to mend it
    ├── PriceError      no price can be named for what was asked: why, and what to ask instead
    ├── BriefError      a file of prompts cannot be read or written: which file, why, and what to do
    └── OutOfReach      the measurements do not reach the configuration asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BriefError", "OutOfReach", "PriceError", "RouterError", "TableError", "one_line", "short_text"]

_LONGEST = 80


def one_line(text: str) -> str:
    """A message for a terminal: control characters escaped, so that it stays one line and steers nothing."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def short_text(value: object) -> str:
    """A value as a message shows it: quoted where it is text, control characters escaped, cut where it is long."""
    told = repr(value)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}..."


class RouterError(Exception):
    """Base of everything the router raises on purpose; its text is one line for a person."""


class TableError(RouterError):
    """A table row that the loader refuses.

    Attributes:
        file, line: where the row stands (line 1 is the header; 0 where no line applies).
        key, value: the column or key, and what it held.
        remedy: what to write instead.
    """

    def __init__(self, file: Path, line: int, *, key: str, value: object, problem: str, remedy: str) -> None:
        self.file, self.line, self.key, self.value, self.remedy = file, line, key, value, remedy
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {key} = {short_text(value)}: {problem}; {remedy}")


class PriceError(RouterError):
    """A question the price tables cannot answer; the text names the remedy. Never answered with 0."""


class BriefError(RouterError):
    """A file of prompts that cannot be read, or an answer that cannot be written; the text names file and remedy."""


class OutOfReach(RouterError):
    """The measurements do not reach this configuration; the text says what is missing and what would mend it."""
