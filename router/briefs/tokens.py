"""A prompt cut into words, each with the cues it gives: one pass, dictionary look-ups only."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from .lexicon import HEAD, PHRASES, SEPARATORS, UNSPACED_TERMS, cues_of

__all__ = ["Tokens", "is_boundary", "read_tokens", "weight_of"]

_GAP = re.compile(f"([{SEPARATORS}]+)")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_PIECES = re.compile(f"({UNSPACED_TERMS})")
_MOST_CUES = 800
_UNSPACED_FROM = "\u0e00"
_BOUNDARY = re.compile(r"[.!?;。！？；।]|\n|(?<!\d)\.(?!\d)")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a prompt.

    Attributes:
        text: the prompt.
        words: in lower case, in order.
        starts, ends: where each word stands in the prompt.
        marked: the words that had a cue when the prompt was cut, 800 at most: more than prose of the
            longest prompts has, so that time stays bounded.
        unspaced: whether some of it is in a script without blanks.
        cues: what each word says about lettering: bits of `lexicon`. Readers clear bits that something negates.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    cues: list[int]
    marked: list[int]
    unspaced: bool

    def index_at(self, position: int) -> int:
        """The first word that starts at or after a place in the prompt."""
        return bisect_left(self.starts, position)

    def gap_before(self, index: int) -> str:
        """What stands between a word and the one before."""
        return self.text[self.ends[index - 1] if index else 0:self.starts[index]]


def is_boundary(gap: str) -> bool:
    """Whether a sentence or a line ends in what stands between two words."""
    return (len(gap) > 1 and _BOUNDARY.search(gap) is not None) or gap in {"\n", "。", "！", "？", "；", "।"}


def weight_of(word: str) -> int:
    """How many words a piece counts for as distance: two characters of an unspaced script make one."""
    return 1 if word < _UNSPACED_FROM else (len(word) + 1) // 2


def read_tokens(text: str) -> Tokens:
    """Cut a prompt into words and look each of them up."""
    lowered = text.replace("\u0130", "I").lower()
    pieces = _GAP.split(lowered)
    unspaced = not text.isascii() and _UNSPACED.search(text) is not None
    if unspaced:
        pieces = [inner for at, piece in enumerate(pieces) for inner in (_spread(piece) if at % 2 == 0 else (piece,))]
    ends = list(accumulate(map(len, pieces)))
    first, past = int(pieces[0] == ""), len(pieces) - (pieces[-1] == "")
    words, stops = pieces[2 * first:past:2], ends[2 * first:past:2]
    starts = [0, *ends[1::2]][first:first + len(words)]
    known = cues_of(set(words))
    cues = [known.get(word, 0) for word in words]
    marked = [index for index, cue in enumerate(cues) if cue][:_MOST_CUES]
    tokens = Tokens(text, words, starts, stops, cues, marked, unspaced)
    _mark_phrases(tokens, marked)
    return tokens


def _spread(piece: str) -> list[str]:
    """A run without blanks cut at its terms, with an empty gap between each two parts."""
    if piece.isascii():
        return [piece]
    parts = [part for part in _PIECES.split(piece) if part]
    spread = [""] * max(1, 2 * len(parts) - 1)
    spread[::2] = parts or [""]
    return spread


def _mark_phrases(tokens: Tokens, marked: list[int]) -> None:
    """Terms of several words mark their last word."""
    words, cues, added = tokens.words, tokens.cues, False
    for index in [at for at in marked if cues[at] & HEAD]:
        after = words[index + 1] if index + 1 < len(words) else ""
        for rest, cue in PHRASES[words[index]].get(after, ()):
            last = index + 1 + len(rest)
            if words[index + 2:last + 1] == rest:
                added |= not cues[last]
                cues[last] |= cue
                break
        cues[index] &= ~HEAD
    if added:
        marked[:] = [index for index, cue in enumerate(cues) if cue][:_MOST_CUES]
