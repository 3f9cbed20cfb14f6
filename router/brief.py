"""Which words a text-to-image prompt wants legible in the picture, read without any model.

A quoted string is judged by the words around it; copy without quotation marks is found after its cue; negated lettering
is struck first. The threshold on the number of words is policy and lives elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from .briefs.copy import unquoted_copy
from .briefs.count import count_words
from .briefs.evidence import ENOUGH, judge, surroundings
from .briefs.fields import read_fields
from .briefs.layout import is_complex, is_strict_layout
from .briefs.lexicon import CARRIER, LETTERING, OPEN_COPY, READS, SHORT_COPY, WRITTEN
from .briefs.negation import strike_negated
from .briefs.quotes import quoted_strings
from .briefs.spans import Span, SpanKind
from .briefs.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .briefs.fields import Fields
    from .briefs.quotes import Quoted
    from .briefs.tokens import Tokens

__all__ = ["Brief", "read_brief"]

_WHOLE_SHARE = 0.8
_LIST_GAP = 12
_MOST_JUDGED = 100
_OPEN_WORDS = 12
_SHORT_WORDS = 2


@dataclass(frozen=True, slots=True)
class Brief:
    """What a prompt asks to be legible.

    Attributes:
        needs_text: whether any lettering must be legible, written out in the prompt or described.
        rendered_words: words written out, plus an assumed dozen where a work of many words is only described and two
            where other lettering is.
        spans: the stretches this was read from, in order.
        strict_layout: whether parts are placed in a fixed arrangement.
        complex_brief: whether many things are asked at once.
    """

    needs_text: bool
    rendered_words: int
    spans: tuple[Span, ...]
    strict_layout: bool
    complex_brief: bool


def read_brief(prompt: str) -> Brief:
    """Read a prompt in any language; never fails, in time that grows with its length."""
    tokens = read_tokens(prompt)
    most = _WHOLE_SHARE * len(prompt.strip())  # marks around the whole prompt are packaging
    quotes = [quoted for quoted in quoted_strings(prompt) if quoted.end - quoted.start <= most]
    fields = read_fields(prompt, quotes)
    inside = _quiet(tokens, quotes, fields)
    negations, textless = strike_negated(tokens)
    judged = _judged(tokens, quotes, fields, inside)
    unquoted = unquoted_copy(tokens, inside)
    described = [] if textless else _described(tokens, inside)
    spans = sorted([*negations, *judged, *unquoted, *described], key=attrgetter("start", "end"))
    words = sum(count_words(prompt[span.start:span.end]) for span in spans if span.kind is SpanKind.RENDERED)
    words += _assumed(tokens, described, written_out=words > 0)
    return Brief(needs_text=words > 0, rendered_words=words, spans=tuple(spans),
                 strict_layout=is_strict_layout(tokens), complex_brief=is_complex(tokens))


def _quiet(tokens: Tokens, quotes: Sequence[Quoted], fields: Fields | None) -> list[bool]:
    """Which words stand inside quoted strings; their cues, and those of JSON keys, are cleared."""
    inside = [False] * len(tokens.words)
    if fields is None:
        quiet = quotes
    else:
        quiet = [*fields.copy, *(quoted for quoted in quotes if quoted.mark not in '"“')]
        for key in fields.keys:
            for at in range(tokens.index_at(key.start), tokens.index_at(key.end)):
                tokens.cues[at] = 0
    for quoted in quiet:
        for at in range(tokens.index_at(quoted.start), tokens.index_at(quoted.end)):
            inside[at], tokens.cues[at] = True, 0
    return inside


def _judged(tokens: Tokens, quotes: Sequence[Quoted], fields: Fields | None, inside: list[bool]) -> list[Span]:
    """Every quoted string with what it is; one that follows a rendered one in a list is rendered too.

    Past the first 100 a string counts as the one before: no brief has so many, and time stays in proportion to length.
    """
    lettered = any(tokens.cues[index] & (CARRIER | LETTERING | READS | WRITTEN | OPEN_COPY) for index in tokens.marked)
    spans: list[Span] = []
    if fields is not None:
        spans = [Span(quoted.start, quoted.end, SpanKind.RENDERED) for quoted in fields.copy]
        quotes = [quoted for quoted in quotes if quoted.mark not in '"“']
    rendered_to, score, kind = -1, 0, SpanKind.MENTION
    for number, quoted in enumerate(quotes):
        copy = tokens.text[quoted.start:quoted.end]
        if number < _MOST_JUDGED:
            score, kind = judge(surroundings(tokens, quoted, inside=inside), copy, lettered=lettered)
        listed = rendered_to >= 0 and quoted.start - rendered_to <= _LIST_GAP and kind is SpanKind.MENTION
        if (score >= ENOUGH or listed) and count_words(copy):
            kind, rendered_to = SpanKind.RENDERED, quoted.end
        spans.append(Span(quoted.start, quoted.end, kind))
    return spans


def _described(tokens: Tokens, inside: Sequence[bool]) -> list[Span]:
    """Lettering asked for without its words: a work made of copy, or lettering with no string beside it."""
    return [Span(tokens.starts[index], tokens.ends[index], SpanKind.DESCRIBED) for index in tokens.marked
            if tokens.cues[index] & (OPEN_COPY | SHORT_COPY | LETTERING) and not inside[index]]


def _assumed(tokens: Tokens, described: Sequence[Span], *, written_out: bool) -> int:
    """Words assumed for copy that is only described; nothing for lettering whose words are written out."""
    cues = [tokens.cues[tokens.index_at(span.start)] for span in described]
    if any(cue & OPEN_COPY for cue in cues):
        return _OPEN_WORDS
    return _SHORT_WORDS if cues and not written_out else 0
