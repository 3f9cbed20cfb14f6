"""A table of a TOML document read key by key: every problem is kept with its key, its value and the remedy."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import SettingsError, short_text
from .quantities import Size
from .text_files import Unreadable, parse_toml, read_plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Fields", "read_document", "twins"]

Known = TypeVar("Known")
_MOST = 10**12
_SECRET_WORDS = ("key", "token", "secret", "password", "passwd", "url")
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")


def read_document(path: Path) -> dict[str, Any]:
    """The TOML document of a file.

    Raises:
        SettingsError: the file cannot be read, or is no TOML.
    """
    try:
        return parse_toml(read_plain_text(path))
    except Unreadable as error:
        raise SettingsError(str(path), (f"{error.problem}; {error.remedy}",)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), (f"not TOML: {error}; mend that line",)) from None


class Fields:
    """One table of the document.

    Attributes:
        at: where it stands, as in `segment.hero`; empty for the document itself.
        problems: shared by all tables of a document, in the order found.
    """

    def __init__(self, table: object, at: str, problems: list[str]) -> None:
        self.at, self.problems = at, problems
        self._table: dict[str, Any] = table if isinstance(table, dict) else {}
        self._read: set[str] = set()
        if not isinstance(table, dict):
            problems.append(f"{at} = {_shown(at, table)}: not a table; write [{at.partition('[')[0]}]")

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def refuse(self, key: str, problem: str, *, remedy: str) -> None:
        """Keep a problem with a key of this table."""
        name = f"{self.at}.{key}" if self.at else key
        told = f" = {_shown(key, self._table[key])}" if key in self._table else ""
        self.problems.append(f"{name}{told}: {problem}; {remedy}")

    def text(self, key: str, default: str = "", *, needed: bool = False) -> str:
        """A text; `needed` refuses its absence."""
        value = self._value(key, default)
        if not isinstance(value, str) or (needed and not value):
            self.refuse(key, "no text" if key in self._table else "missing", remedy='write it in quotes, as in "hero"')
            return default
        return value

    def word(self, key: str, default: Known, *, words: Sequence[Known]) -> Known:
        """One of a few words."""
        value = self._value(key, default)
        if value not in words:
            self.refuse(key, "unknown", remedy=f"use one of {', '.join(str(word) for word in words)}")
            return default
        return value  # type: ignore[no-any-return]

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A yes or no."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "neither true nor false", remedy="write true or false without quotes")
            return default
        return value

    def count(self, key: str, default: int | None = None, *, least: int = 0, most: int = _MOST) -> int | None:
        """A whole number within limits, or None where it is left out."""
        value = self._value(key, default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
            self.refuse(key, f"no whole number from {least} to {most}", remedy="write digits without quotes")
            return default
        return value

    def number(self, key: str, default: float | None = None, *, least: float = 0.0,
               most: float = float(_MOST)) -> float | None:
        """A number within limits, or None where it is left out."""
        value = self._value(key, default)
        plain = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        plain = plain and not (isinstance(value, Decimal) and value.is_nan())
        if value is not None and not (plain and least <= value <= most):
            self.refuse(key, f"no number from {least:g} to {most:g}", remedy="write digits without quotes")
            return default
        return None if value is None else float(value)

    def usd(self, key: str, default: Decimal | None = None) -> Decimal | None:
        """An amount of US dollars, or None where it is left out."""
        value = self._value(key, default)
        if value is None or value is default:
            return default
        amount = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(amount, Decimal) or not amount.is_finite() or not 0 <= amount <= _MOST:
            self.refuse(key, "no amount of US dollars", remedy="write digits without quotes, as in 250 or 0.05")
            return default
        return amount

    def size(self, key: str, default: Size) -> Size:
        """A picture size."""
        text = self.text(key, str(default))
        try:
            return Size.parse(text)
        except ValueError:
            self.refuse(key, "no size", remedy="write it as WIDTHxHEIGHT, as in 1024x1024")
            return default

    def plain_name(self, key: str) -> str:
        """A name that may stand in an address, a log and a command line; it must be there."""
        name = self.text(key, needed=True)
        if name and not _PLAIN_NAME.fullmatch(name):
            self.refuse(key, "no plain name", remedy="use up to 40 small letters, digits, dots and dashes")
        return name

    def variable(self, key: str, default: str = "") -> str:
        """The name of an environment variable; who writes the secret itself here is told without its being shown."""
        name = self.text(key, default)
        return name if not name or self._names_a_variable(key, name) else default

    def variables(self, key: str) -> tuple[str, ...]:
        """Names of environment variables, each as in `variable`; those that are none are told and left out."""
        return tuple(name for name in self.texts(key) if self._names_a_variable(key, name))

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(key, "no list of texts", remedy='write it as ["one", "two"]')
            return default
        return tuple(value)

    def lists(self, key: str) -> dict[str, tuple[str, ...]]:
        """A table of lists of texts."""
        inner = self.table(key)
        return {name: inner.texts(name) for name in inner.names()}

    def shares(self, key: str) -> dict[str, float]:
        """A table of shares above 0 and up to 1."""
        inner = self.table(key)
        return {name: inner.number(name, 1.0, least=1e-6, most=1.0) or 1.0 for name in inner.names()}

    def table(self, key: str) -> Fields:
        """A table inside of this one; an absent one is empty."""
        self._read.add(key)
        return Fields(self._table.get(key, {}), f"{self.at}.{key}" if self.at else key, self.problems)

    def tables(self, key: str) -> Iterator[Fields]:
        """Every table of a `[[key]]` list."""
        value = self._value(key, [])
        if not isinstance(value, list):
            self.refuse(key, "no list of tables", remedy=f"write [[{key}]]")
            return
        for number, item in enumerate(value, start=1):
            yield Fields(item, f"{key}[{number}]", self.problems)

    def names(self) -> tuple[str, ...]:
        """The keys there are."""
        return tuple(self._table)

    def done(self) -> None:
        """Refuse every key that nobody asked for."""
        for key in self._table:
            if key not in self._read:
                self.refuse(key, "unknown key", remedy=f"use only {', '.join(sorted(self._read))}")

    def check(self, key: str, read: Callable[[], Known], *, default: Known) -> Known:
        """What `read` makes of a key; a ValueError becomes a problem of that key."""
        try:
            return read()
        except ValueError as error:
            self.refuse(key, str(error), remedy="mend it")
            return default

    def _names_a_variable(self, key: str, name: str) -> bool:
        if not _VARIABLE.fullmatch(name):
            self.refuse(key, "no name of an environment variable", remedy="write its name in capitals, as in "
                        "OPENAI_API_KEY; the secret itself stands in the environment alone")
            return False
        return True

    def _value(self, key: str, default: Any) -> Any:
        self._read.add(key)
        return self._table.get(key, default)


def twins(names: Iterable[str]) -> tuple[str, ...]:
    """The names that stand more than once, in order."""
    return tuple(sorted(name for name, times in Counter(names).items() if times > 1))


def _shown(key: str, value: object) -> str:
    """A value as it was written; stars where the key or the value looks as if it held a secret."""
    told = str(value).lower() if isinstance(value, bool | Decimal | date) else short_text(value)
    return "***" if any(word in key.lower() for word in _SECRET_WORDS) or "@" in told else told
