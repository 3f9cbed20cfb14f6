"""Files of an export: CSV line by line, JSON document by document, none of them whole in memory. An edge."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from planner.errors import PlannerError

from .uses import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

__all__ = ["digest_of", "read_rows"]

_CHUNK = 2**16
_LONGEST_DOCUMENT = 64 * 2**20
_BLANKS = " \t\r\n"
_BLANK = re.compile(r"[ \t\r\n]*")


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a CSV file with a header, names lower-cased; objects of JSON lines, of a JSON array, or a lone one.

    Raises:
        PlannerError: no such file, empty, not UTF-8, cut off, or neither CSV nor JSON.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            start = file.read(_CHUNK).lstrip(_BLANKS)[:1]
            if not start:
                raise PlannerError(f"{path}: empty; give the export as it was downloaded")
            file.seek(0)
            yield from _documents(path, file) if start in "[{" else _lines(path, file)
    except UnicodeDecodeError:
        raise PlannerError(f"{path}: not UTF-8; unpack it, or save it as UTF-8") from None
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__}); give a readable file") from None
    except csv.Error:
        raise PlannerError(f"{path}: no CSV that can be read (a cell above {csv.field_size_limit():,} characters, or a "
                           "stray quote); export it without prompts and answers") from None


def digest_of(path: Path) -> str:
    """The digest of a file's bytes; empty where it cannot be read, which reading it will say."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _lines(path: Path, file: TextIO) -> Iterator[Row]:
    reader = csv.reader(file)
    names = [name.strip().lower() for name in next(reader, [])]
    for cells in reader:
        place = f"{path}:{reader.line_num}"
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise PlannerError(f"{place}: {len(cells)} cells under {len(names)} column names; the line is cut off or "
                               "broken: mend or remove it")
        yield Row(place, dict(zip(names, cells, strict=True)))


def _documents(path: Path, file: TextIO) -> Iterator[Row]:
    reader = _Reader(path, file)
    listed = reader.next_char() == "["
    if listed:
        reader.skip()
    while char := reader.next_char():
        if char == "]" and listed:
            listed = False
        if char in ",]":
            reader.skip()
            continue
        line = reader.line
        value = reader.value()
        if not isinstance(value, dict):
            raise PlannerError(f"{path}:{line}: not a JSON object; give the export as it was downloaded")
        yield Row(f"{path}:{line}", value)
    if listed:
        raise PlannerError(f"{path}:{reader.line}: the JSON is cut off: its list has no end; download it again")


def _no_number(text: str) -> None:
    raise ValueError(text)


class _Reader:
    """JSON values one after the other, from a window over the file; `line` is where the next one begins."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path, self._file, self._text, self._at = path, file, "", 0
        self._decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
        self.line = 1

    def next_char(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._pass(blank.end() if blank else self._at)
            if self._at < len(self._text) or not self._more():
                return self._text[self._at:self._at + 1]

    def skip(self) -> None:
        """Pass over one character."""
        self._pass(self._at + 1)

    def value(self) -> object:
        """The next value.

        Raises:
            PlannerError: cut off, no JSON, nested too deeply, or too large.
        """
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > _LONGEST_DOCUMENT:
                    raise self._refused("a document of more than 64 MiB, or no JSON", "save it as JSON lines") from None
                if not self._more():
                    raise self._problem(error) from None
            except (ValueError, RecursionError, InvalidOperation):
                raise self._refused("a number or a nesting that no export has", "download it again") from None
            else:
                self._pass(end)
                return found

    def _problem(self, error: json.JSONDecodeError) -> PlannerError:
        self.line += self._text.count("\n", self._at, error.pos)
        if error.pos >= len(self._text.rstrip()) or error.msg.startswith("Unterminated"):
            return self._refused("the JSON is cut off", "download it again")
        return self._refused("no JSON", "give the export as it was downloaded")

    def _refused(self, problem: str, remedy: str) -> PlannerError:
        return PlannerError(f"{self._path}:{self.line}: {problem}; {remedy}")

    def _more(self) -> bool:
        """Read as much again as is held, so that a long document is scanned a few times only."""
        kept = self._text[self._at:]
        read = self._file.read(max(_CHUNK, len(kept)))
        self._text, self._at = kept + read, 0
        return bool(read)

    def _pass(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end
