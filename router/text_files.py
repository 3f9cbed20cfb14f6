"""Text from outside: size, encoding and control characters are checked before anything is parsed. An edge."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MOST_BYTES", "Unreadable", "parse_toml", "read_plain_text", "read_text"]

MOST_BYTES = 64 * 2**20
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Unreadable(ValueError):
    """A file that is not plain text of a sensible size: line (0 where none applies), problem and remedy."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        self.line, self.problem, self.remedy = line, problem, remedy
        super().__init__(f"{problem}; {remedy}")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, a byte-order mark left out and line ends as they are.

    Raises:
        Unreadable: no such file, too large, or not UTF-8.
    """
    try:
        if not path.is_file():
            raise Unreadable(0, "not a plain file" if path.exists() else "no such file", "give a readable file")
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(0, f"larger than {MOST_BYTES // 2**20} MiB", "give a smaller file")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(0, f"cannot be read ({type(error).__name__})", "give a readable file") from None
    except UnicodeDecodeError as error:
        raise Unreadable(0, f"not UTF-8 (byte {error.start})", "save it as UTF-8") from None


def read_plain_text(path: Path) -> str:
    """As `read_text`, with line ends made plain.

    Raises:
        Unreadable: also where it holds control characters (they could steer a terminal).
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    found = _CONTROL.search(text)
    if found is not None:
        raise Unreadable(text.count("\n", 0, found.start()) + 1, f"holds the control character {found[0]!r}",
                         "remove it")
    return text


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document with amounts as Decimal.

    Raises:
        TOMLDecodeError: not TOML, nested too deeply to be read, or a string that holds control characters.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
        _refuse_control(document)
    except RecursionError:
        raise tomllib.TOMLDecodeError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        raise tomllib.TOMLDecodeError(f"a number too long to be read ({type(error).__name__})") from None
    return document


def _refuse_control(value: object) -> None:
    """A string may also hold a control character by its escape."""
    if isinstance(value, str) and _CONTROL.search(value):
        raise tomllib.TOMLDecodeError(f"{value[:60]!r} holds a control character")
    if isinstance(value, dict):
        for inner in (*value, *value.values()):
            _refuse_control(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_control(inner)
