"""What a word says about lettering: the vocabularies as one look-up, exact words first, then stems."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from . import carrier_words as carriers
from . import context_words as contexts
from . import lettering_words as letterings
from .unspaced_words import UNSPACED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "CARRIER", "CONTRARY", "FIELD", "HEAD", "LAYOUT", "LETTERING", "LOOKS", "NAMING", "NEGATION", "NEGATION_AFTER",
    "OPEN_COPY", "PHRASES", "PRINTED", "READS", "ROOM", "SAYS", "SEPARATORS", "SHORT_COPY", "SPEECH", "TEXTLESS",
    "UNSPACED_TERMS", "WORK", "WRITTEN", "cues_of",
]

LETTERING = 1 << 0
FIELD = 1 << 1
READS = 1 << 2
SAYS = 1 << 3
WRITTEN = 1 << 4
PRINTED = 1 << 5
CARRIER = 1 << 6
OPEN_COPY = 1 << 7
SHORT_COPY = 1 << 8
NAMING = 1 << 9
WORK = 1 << 10
SPEECH = 1 << 11
LOOKS = 1 << 12
NEGATION = 1 << 13
NEGATION_AFTER = 1 << 14
TEXTLESS = 1 << 15
ROOM = 1 << 16
LAYOUT = 1 << 17
HEAD = 1 << 18
CONTRARY = LETTERING | FIELD | READS | SAYS | WRITTEN | PRINTED | OPEN_COPY | SHORT_COPY
"""The cues that a negation takes away."""

SEPARATORS = (r"\s!-/:-@\[-`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u0589\u05be\u060c\u061b"
              r"\u061f\u06d4\u0964\u0965\u2000-\u200b\u200e-\u206f\u20a0-\u20bf\u2190-\u2bff\u3000-\u3004\u3007-\u3020"
              r"\u3030\u30fb\ufe0f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65")
"""Everything that parts words, as the inside of a character class; combining marks stay with their letters."""

_START = 3
_SHORT = 2
_KOREAN_FROM = "\uac00"
_TABLES: Mapping[int, Mapping[str, str]] = MappingProxyType({
    LETTERING: letterings.LETTERING, FIELD: letterings.FIELD, READS: letterings.READS, SAYS: letterings.SAYS,
    WRITTEN: letterings.WRITTEN, PRINTED: letterings.PRINTED, CARRIER: carriers.CARRIER,
    OPEN_COPY: carriers.OPEN_COPY, SHORT_COPY: carriers.SHORT_COPY, LAYOUT: carriers.LAYOUT, NAMING: contexts.NAMING,
    WORK: contexts.WORK, SPEECH: contexts.SPEECH, LOOKS: contexts.LOOKS, NEGATION: contexts.NEGATION,
    NEGATION_AFTER: contexts.NEGATION_AFTER, TEXTLESS: contexts.TEXTLESS, ROOM: contexts.ROOM})
_UNSPACED_TABLES: Mapping[str, int] = MappingProxyType({
    "LETTERING": LETTERING, "FIELD": FIELD, "READS": READS, "SAYS": SAYS, "WRITTEN": WRITTEN, "PRINTED": PRINTED,
    "CARRIER": CARRIER, "OPEN_COPY": OPEN_COPY, "NAMING": NAMING, "WORK": WORK, "SPEECH": SPEECH, "LOOKS": LOOKS,
    "NEGATION": NEGATION, "NEGATION_AFTER": NEGATION_AFTER, "TEXTLESS": TEXTLESS, "ROOM": ROOM, "LAYOUT": LAYOUT})


def _terms() -> Iterator[tuple[int, list[str], bool]]:
    """Each term with its cue, cut into words, and whether its last word takes any ending."""
    gap = re.compile(f"[{SEPARATORS}]+")
    for cue, table in _TABLES.items():
        for listed in table.values():
            for term in listed.split(", "):
                yield cue, gap.split(term.rstrip("*").strip()), term.endswith("*")


def _merged(pairs: list[tuple[str, int]]) -> Mapping[str, int]:
    merged: dict[str, int] = {}
    for word, cue in pairs:
        merged[word] = merged.get(word, 0) | cue
    return MappingProxyType(merged)


def _phrases() -> Mapping[str, Mapping[str, tuple[tuple[list[str], int], ...]]]:
    """Terms of several words under their first two words, the longest first."""
    found: dict[str, dict[str, list[tuple[list[str], int]]]] = {}
    for cue, words, _ in _terms():
        if len(words) > 1:
            first, second, *rest = words
            found.setdefault(first, {}).setdefault(second, []).append((rest, cue))
    return MappingProxyType({
        first: MappingProxyType({second: tuple(sorted(rests, key=lambda pair: -len(pair[0])))
                                 for second, rests in seconds.items()}) for first, seconds in found.items()})


def _by_start(stems: Mapping[str, int]) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Stems under their first letters, the longest first."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for stem in sorted(stems, key=lambda stem: (-len(stem), stem)):
        groups.setdefault(stem[:_START], []).append((stem, stems[stem]))
    return MappingProxyType({start: tuple(group) for start, group in groups.items()})


def _unspaced() -> Mapping[str, int]:
    return _merged([(term, cue) for name, cue in _UNSPACED_TABLES.items() for term in UNSPACED[name].split()])


def _by_first_letter(terms: list[str]) -> str:
    """An alternation that tries only the terms sharing a letter's start, the longest first."""
    groups: dict[str, list[str]] = {}
    for term in sorted(terms, key=lambda term: (-len(term), term)):
        groups.setdefault(term[0], []).append(re.escape(term[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in groups.items())


PHRASES = _phrases()
"""Terms of several words: by first word, which bears the cue HEAD, and second: the rest and the cue."""
_RUN = _unspaced()
UNSPACED_TERMS = _by_first_letter([term for term in _RUN if not term.isascii()])
"""The terms of unspaced scripts, as the inside of a group."""
_EXACT = dict(_merged([
    *((words[0], cue) for cue, words, stem in _terms() if len(words) == 1 and not stem),
    *_RUN.items(), *((word, HEAD) for word in PHRASES)])).get
_STEMS = dict(_by_start(_merged([(words[0], cue) for cue, words, stem in _terms() if len(words) == 1 and stem]))).get


def cues_of(words: Collection[str]) -> dict[str, int]:
    """What each of some words in lower case says, where it says anything: as an exact term, or by its longest stem."""
    exact, stems = _EXACT, _STEMS
    known = {word: cue for word in words if (cue := exact(word))}
    for word in words:
        groups = stems(word[:_START]) or (stems(word[:_SHORT]) if word >= _KOREAN_FROM else None)
        if groups and not known.get(word, 0) & ~HEAD:
            for stem, cue in groups:
                if word.startswith(stem):
                    known[word] = known.get(word, 0) | cue
                    break
    return known
