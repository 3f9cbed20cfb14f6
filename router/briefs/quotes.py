"""Strings between quotation marks of any script, paired in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Quoted", "quoted_strings"]

_LONGEST = 900
_MOST_MARKS = 2_000
_LONGEST_SINGLE = 240
_UNSPACED_FROM = "\u0e00"
_DOUBLE = re.compile(r'["“”„‟«»「」『』＂〝〞〟《》]')
_SINGLE = re.compile(r"['‘’‚‹›`]")
_CLOSERS: Mapping[str, str] = MappingProxyType({
    '"': '"“”', "“": '”"“', "”": '”"', "„": '“”"„', "‟": "”", "«": "»", "»": "«»", "「": "」", "『": "』", "＂": "＂",
    "〝": "〞〟", "《": "》", "'": "'’", "‘": "’'", "’": "’", "‚": "‘’'", "‹": "›", "›": "‹", "`": "`'"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """A string in quotation marks: where its inside starts and ends, and the mark that opens it."""

    start: int
    end: int
    mark: str


def quoted_strings(text: str) -> list[Quoted]:
    """The quoted strings of a prompt in order, without overlaps; apostrophes and inch marks are none."""
    doubles = _paired(text, _DOUBLE, longest=_LONGEST)
    taken = iter([*doubles, Quoted(len(text) + 1, len(text) + 1, "")])
    singles, outer = [], next(taken)
    for single in _paired(text, _SINGLE, longest=_LONGEST_SINGLE):
        while outer.end < single.start:
            outer = next(taken)
        if single.end < outer.start:
            singles.append(single)
    return sorted([*doubles, *singles], key=lambda quoted: quoted.start)


def _paired(text: str, marks: re.Pattern[str], *, longest: int) -> list[Quoted]:
    """Pair each opening mark with the next mark that closes it."""
    found, opened, closers = [], -1, ""
    for match in islice(marks.finditer(text), _MOST_MARKS):
        mark, at = match[0], match.start()
        if mark == '"' and text[at - 1:at] == "\\":
            continue
        if opened >= 0 and at - opened > longest:
            opened = -1
        if opened >= 0 and mark in closers and _closes(text, at, mark):
            inner = text[opened + 1:at]
            if inner.strip():
                start = opened + 1 + len(inner) - len(inner.lstrip())
                found.append(Quoted(start, start + len(inner.strip()), text[opened]))
            opened = -1
        elif mark in _CLOSERS and (opened < 0 or mark in "“„«「『") and _opens(text, at, mark):
            opened, closers = at, _CLOSERS[mark]
    return found


def _opens(text: str, at: int, mark: str) -> bool:
    before, after = text[at - 1:at], text[at + 1:at + 2]
    if mark in "'’`‘":
        return not (before.isalnum() and before < _UNSPACED_FROM) and not after.isspace() and after != ""
    if mark in '"”':
        return not (before.isdigit() and not after.isalnum())
    return True


def _closes(text: str, at: int, mark: str) -> bool:
    before, after = text[at - 1:at], text[at + 1:at + 2]
    if mark not in "'’`‘":
        return True
    return not before.isspace() and not (after.isalnum() and after.isascii())
