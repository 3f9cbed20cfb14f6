"""Lettering that a prompt excludes, or leaves room for: its cues are taken away before anything else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexicon import CONTRARY, FIELD, LETTERING, NEGATION, NEGATION_AFTER, READS, ROOM, TEXTLESS
from .spans import Span, SpanKind
from .tokens import is_boundary, weight_of

if TYPE_CHECKING:
    from .tokens import Tokens

__all__ = ["strike_negated"]

_REACH = 7
_FURTHEST = 40
_LIST_REACH = 5
_ROOM_REACH = 5
_CLOSE = 4
_FLAWS = ("watermark", "wasserzeichen", "agua", "filigran", "signature", "logo", "blurry", "lowres", "jpeg", "água",
          "watermerk", "водян", "znak", "水印", "透かし", "워터마크", "deformed", "cropped")
_TURNS = frozenset({
    "but", "except", "only", "besides", "apart", "sondern", "aber", "nur", "außer", "sino", "pero", "mais", "sauf",
    "salvo", "ma", "mas", "maar", "men", "ale", "но", "але", "sadece", "但", "だが", "하지만",
})
_PLACES = frozenset({
    "on", "in", "at", "with", "auf", "mit", "im", "en", "con", "sobre", "sur", "avec", "dans", "su", "sulla", "nel",
    "no", "com", "op", "that", "which", "who", "whose", "met", "på", "med", "na", "w", "на", "в", "и",
})
_OTHER = frozenset({
    "other", "additional", "extra", "more", "else", "further", "random", "gibberish", "misspelled", "garbled",
    "distorted", "weitere", "weiteren", "anderen", "andere", "zusätzlichen", "otro", "adicional", "autre",
    "supplémentaire", "altro", "outro", "inny", "другого", "其他", "多余", "余計", "다른",
})


def strike_negated(tokens: Tokens) -> tuple[list[Span], bool]:
    """Clear the cues of excluded lettering.

    Returns:
        The stretches that exclude, and whether one of them excludes lettering from the whole picture.
    """
    spans, everywhere = [], False
    for index in tokens.marked:
        cue = tokens.cues[index]
        if cue & TEXTLESS:
            spans.append(Span(tokens.starts[index], tokens.ends[index], SpanKind.NEGATION))
            everywhere = True
        elif cue & NEGATION and not _is_typeface(tokens, index):
            last, whole = _strike_after(tokens, index)
            if last > index:
                spans.append(Span(tokens.starts[index], tokens.ends[last], SpanKind.NEGATION))
                everywhere |= whole
        elif cue & NEGATION_AFTER:
            struck = [at for at in range(max(0, index - _CLOSE), index) if tokens.cues[at] & (LETTERING | FIELD)]
            if struck:
                _strike(tokens, struck)
                spans.append(Span(tokens.starts[struck[0]], tokens.ends[index], SpanKind.NEGATION))
                everywhere = True
        elif cue & ROOM:
            _strike(tokens, range(index + 1, min(index + _ROOM_REACH, len(tokens.cues))))
    return spans + _defects(tokens), everywhere


def _is_typeface(tokens: Tokens, index: int) -> bool:
    """`sans` of a sans serif is no French negation."""
    return tokens.words[index] == "sans" and tokens.words[index + 1:index + 2] in (["serif"], ["script"])


def _defects(tokens: Tokens) -> list[Span]:
    """Bare `text` in a list of flaws: an item of its own between commas, near an item such as `watermark`."""
    spans = []
    for at in tokens.marked:
        if tokens.cues[at] & LETTERING and _is_item(tokens, at):
            beside = tokens.words[max(0, at - _CLOSE):at + _CLOSE + 1]
            if any(word.startswith(_FLAWS) for word in beside):
                _strike(tokens, [at])
                spans.append(Span(tokens.starts[at], tokens.ends[at], SpanKind.NEGATION))
    return spans


def _is_item(tokens: Tokens, at: int) -> bool:
    """Whether one word stands alone between commas."""
    after = tokens.gap_before(at + 1) if at + 1 < len(tokens.words) else ","
    return any(mark in tokens.gap_before(at) for mark in ",，、:") and any(mark in after for mark in ",，、.;\n")


def _strike_after(tokens: Tokens, index: int) -> tuple[int, bool]:
    """The last word excluded by the negation at `index` (itself where none is), and whether it bars all lettering."""
    last, reach, whole, other = index, _REACH, False, False
    for at in range(index + 1, min(index + _FURTHEST, len(tokens.words))):
        word = tokens.words[at]
        if is_boundary(tokens.gap_before(at)) or word in _TURNS or (at > index + 1 and word in _PLACES) or reach <= 0:
            break
        if at > index + 1 and (tokens.cues[at] & NEGATION or (last == index and "，" in tokens.gap_before(at))):
            break
        other |= word in _OTHER
        if tokens.cues[at] & CONTRARY:
            near = _REACH - reach < _CLOSE and last == index
            whole |= bool(tokens.cues[at] & (LETTERING | FIELD)) and near and not other
            if not tokens.cues[at] & READS or near:
                tokens.cues[at] &= ~CONTRARY
                last, reach = at, _LIST_REACH + 1
        reach -= weight_of(word)
    return last, whole


def _strike(tokens: Tokens, indices: list[int] | range) -> None:
    for at in indices:
        tokens.cues[at] &= ~CONTRARY
