"""Whether a quoted string is to be rendered: evidence from the words around it, summed.

Each weight is a small whole number; a string is rendered from `ENOUGH` on. The nearest word of a kind counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lexicon import (
    CARRIER,
    FIELD,
    LETTERING,
    LOOKS,
    NAMING,
    NEGATION,
    OPEN_COPY,
    PRINTED,
    READS,
    SAYS,
    SPEECH,
    WORK,
    WRITTEN,
)
from .spans import SpanKind
from .tokens import is_boundary, weight_of

if TYPE_CHECKING:
    from .quotes import Quoted
    from .tokens import Tokens

__all__ = ["ENOUGH", "Surroundings", "judge", "surroundings"]

ENOUGH = 2
_BEFORE = 14
_AFTER = 7
_NEAR = 3
_CLOSE = 6
_FAR = 99
_FURTHEST = 60
_MANY_WORDS = 4
_ASSIGNING = (":", "：", "=", "→", "-")
_LIKENING = frozenset({
    "like", "as", "als", "wie", "como", "comme", "come", "jak", "как", "як", "som", "gibi", "seperti", "像", "如", "by",
    "of", "von", "de", "di", "du", "van", "the", "a", "an", "in",
})
_SHOWN_SPEECH = frozenset({
    "cartoon", "comic", "meme", "bubble", "bubbles", "balloon", "balloons", "subtitle", "subtitles", "caption",
    "panel", "storyboard", "sprechblase", "bulle", "bocadillo", "fumetto", "balão", "对话框",
    "气泡", "吹き出し", "말풍선", "漫画",
    "manga",
})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How far the nearest word of each kind is from a quoted string, before and after it, within its sentence."""

    before: dict[int, int]
    after: dict[int, int]
    gap: str
    word_before: str
    shown_speech: bool
    joined: bool

    def nearest(self, kinds: int) -> int:
        """Words between the string and the nearest cue of these kinds before it."""
        return _nearest(self.before, kinds)

    def following(self, kinds: int) -> int:
        """As `nearest`, after the string."""
        return _nearest(self.after, kinds)


def _nearest(distances: dict[int, int], kinds: int) -> int:
    """The dictionary is in the order of distance."""
    for cue, distance in distances.items():
        if cue & kinds:
            return distance
    return _FAR


def surroundings(tokens: Tokens, quoted: Quoted, *, inside: list[bool]) -> Surroundings:
    """Read the sentence around a quoted string; the words of other quoted strings do not count as distance."""
    first, past = tokens.index_at(quoted.start), tokens.index_at(quoted.end)
    before: dict[int, int] = {}
    shown, distance, at = False, 0, first - 1
    while at >= max(0, first - _FURTHEST) and distance < _BEFORE:
        if at + 1 < first and is_boundary(tokens.gap_before(at + 1)):
            break
        if not inside[at]:
            if tokens.cues[at]:
                before.setdefault(tokens.cues[at], distance)
            shown |= tokens.words[at] in _SHOWN_SPEECH
            distance += weight_of(tokens.words[at])
        at -= 1
    after: dict[int, int] = {}
    for step, at in enumerate(range(past, min(past + _AFTER, len(tokens.words)))):
        if is_boundary(tokens.gap_before(at).lstrip("\"'”’»」』“ ")) or inside[at]:
            break
        if tokens.cues[at]:
            after.setdefault(tokens.cues[at], step)
    gap = tokens.gap_before(first) if first < len(tokens.words) else ""
    joined = not set(tokens.text[quoted.end - 1:quoted.end + 2]) & set(",.;，。")
    return Surroundings(before, after, gap, tokens.words[first - 1] if first else "", shown, joined)


def judge(around: Surroundings, copy: str, *, lettered: bool) -> tuple[int, SpanKind]:
    """The evidence for rendering a quoted string, and what the string is where that is not enough.

    Args:
        around: the sentence around it.
        copy: the string.
        lettered: whether anything in the prompt speaks of lettering or of what carries it.
    """
    against, kind = _against(around)
    return _written(around) + _carried(around) + _looks_like_copy(copy, lettered=lettered) - against - 1, kind


def _written(around: Surroundings) -> int:
    """Evidence that the string is the object of reading, writing or naming lettering."""
    reads, lettering = around.nearest(READS | WRITTEN), around.nearest(LETTERING | OPEN_COPY)
    score = 4 if reads <= _CLOSE else 2 if reads < _BEFORE else 0
    score = max(score, 4 if lettering <= _NEAR else 3 if lettering <= _CLOSE else 2 if lettering < _BEFORE else 0)
    field = around.nearest(FIELD)
    score = max(score, 3 if field <= 1 else 2 if field <= _NEAR else 1 if field <= _CLOSE else 0)
    made = min(around.nearest(PRINTED), around.nearest(SAYS))
    score = max(score, 3 if made <= _NEAR else 2 if made <= _CLOSE else 0)
    if around.following(READS | WRITTEN | PRINTED) <= _CLOSE:
        score = max(score, 4)
    if around.following(LETTERING | FIELD) <= 1:
        score = max(score, 3)
    return score


def _carried(around: Surroundings) -> int:
    """Evidence that something beside the string can carry it."""
    nearest = min(around.nearest(CARRIER), around.following(CARRIER))
    score = 3 if nearest <= 1 else 2 if nearest <= _CLOSE else 1 if nearest < _BEFORE else 0
    return score + any(mark in around.gap for mark in _ASSIGNING)


def _looks_like_copy(copy: str, *, lettered: bool) -> int:
    letters = [char for char in copy if char.isalpha()]
    capitals = len(letters) > 1 and all(char.isupper() for char in letters)
    ended = copy.rstrip()[-1:] in set(".!?。！？…") or copy.count(" ") >= _MANY_WORDS
    return capitals + ended + lettered


def _against(around: Surroundings) -> tuple[int, SpanKind]:
    """Evidence that the string is a title, a name, a manner or speech."""
    if around.joined and around.following(LOOKS | WORK) <= 1:
        return 4, SpanKind.TITLE
    cue = around.nearest(READS | LETTERING | WRITTEN | PRINTED | FIELD)
    if around.nearest(WORK) <= min(_NEAR, cue):
        return 4, SpanKind.TITLE
    if around.word_before == "s":
        return 3, SpanKind.TITLE
    if around.nearest(NAMING) <= 1:
        return (-1 if around.nearest(CARRIER) < _BEFORE else 4), SpanKind.TITLE
    if around.nearest(SPEECH) <= min(_NEAR, cue) and not around.shown_speech:
        return 3, SpanKind.DIALOGUE
    if around.nearest(SAYS) <= 1 and not around.shown_speech and around.nearest(CARRIER | LETTERING | FIELD) > _CLOSE:
        return 1, SpanKind.DIALOGUE
    if around.nearest(NEGATION) <= _NEAR:
        return 4, SpanKind.MENTION
    return (2 if around.word_before in _LIKENING else 0), SpanKind.MENTION
