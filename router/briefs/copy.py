"""Copy in no quotation marks: after a cue ("a sign that says OPEN"), or before one ("SALE written on it")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .lexicon import CARRIER, FIELD, LETTERING, NAMING, PRINTED, READS, SAYS, WORK, WRITTEN
from .spans import Span, SpanKind
from .tokens import is_boundary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tokens import Tokens

__all__ = ["unquoted_copy"]

_CUES = LETTERING | FIELD | READS | SAYS | WRITTEN | PRINTED | CARRIER | NAMING
_MOST = 14
_MOST_FIELD = 40
_NEAR = 5
_FAR = 14
_MOST_BEFORE = 8
_MOST_FILLERS = 6
_SOFT = 4
_ON_REACH = 6
_LEAST_CAPITALS = 3
_PARTS = re.compile(r"[,;.!?:\n()\[\]{}|•，。；：、！？।—–]")
_FILLERS = frozenset({
    "the", "word", "words", "text", "phrase", "in", "is", "as", "that", "with", "bold", "letters", "die", "das",
    "der", "el", "la", "le", "les", "il", "o", "wort", "palabra", "mot", "parola", "palavra", "слово", "слова",
})
_APOSTROPHES = ("", "'", "’")
_VERB_FINAL = (
    "と書", "と記", "という文字", "の文字", "적힌", "적혀", "쓰인", "쓰여", "써있", "새겨", "लिख", "yazan", "yazıl",
    "yazıyor", "yazılı", "steht", "felirat",
)
_WITH = frozenset({
    "with", "mit", "con", "avec", "com", "met", "med", "z", "s", "с", "cu",
})
_LINKS = frozenset({
    "of", "the", "and", "to", "in", "a", "for", "your", "my", "our", "we", "is", "on", "or", "at", "de", "la", "y",
    "et", "und", "der", "e", "en", "du", "do", "da", "i", "и", "в",
})
_HARD_STOPS = frozenset({
    "written", "painted", "printed", "hanging", "surrounded", "yazan",
})
_STOPS = frozenset({
    "on", "in", "at", "with", "while", "against", "written", "painted", "printed", "above", "below", "under", "near",
    "beside", "and", "hanging", "next", "over", "behind", "across", "surrounded", "auf", "im", "an", "mit", "neben",
    "über", "en", "sobre", "con", "sur", "avec", "dans", "su", "sulla", "nel", "em", "no", "na", "com", "op", "met",
    "på", "med", "z", "w", "nad", "на", "в", "с", "над", "yazan", "yang", "di", "trên",
})
_CLAUSE_HEADS = frozenset({
    "dem", "der", "denen", "üzerinde", "üstünde", "पर", "に", "が", "は", "darauf", "dort", "es",
})
_DETERMINERS = frozenset({
    "a", "an", "the", "his", "her", "their", "its", "some", "from", "by", "about", "out", "aloud", "ein", "eine",
    "einen", "un", "una", "une", "le", "el", "la", "il", "um", "uma", "een", "en", "et", "het", "to", "like", "them",
    "it",
})
_LOWER_FIELDS = frozenset({
    "word", "words", "phrase", "letters", "letter", "number", "numbers", "slogan", "motto", "text", "saying", "wort",
    "worte", "wörter", "palabra", "palabras", "mot", "mots", "parola", "parole", "palavra", "palavras", "woord",
    "woorden", "ordet", "słowo", "słowem", "slovo", "cuvântul", "kelimesi", "слово", "слова", "словом", "λέξη",
    "zahl", "nummer", "número", "numéro", "numero", "цифра", "число", "номер", "sana", "szó", "chữ", "kata", "شعار",
    "كلمة", "המילה", "शब्द", "inscription", "caption", "lettering", "headline", "aufschrift", "schriftzug",
    "inscripción", "napis", "надпись", "надписью", "opschrift", "scritta", "dizeres", "tulisan",
})
_ACRONYMS = frozenset({
    "LED", "UHD", "HDR", "RAW", "UI", "UX", "DSLR", "ISO", "VHS", "CGI", "HD", "USA", "NASA", "AI", "VR", "AR", "DNA",
    "SLR", "RGB", "CRT", "LCD", "VFX", "DOF", "NYC", "US", "UK", "TV", "PC", "ID", "IMAX", "HDRI", "NFT", "PNG",
    "SVG", "BMW", "OLED", "RPG", "FPS", "GPU", "URL", "PBR", "JPEG", "JSON", "HTML", "CSS", "NOT", "NO", "AND", "OR",
    "THE", "MUST",
})


def unquoted_copy(tokens: Tokens, inside: Sequence[bool]) -> list[Span]:
    """The copy without quotation marks, each span after or before its cue."""
    found: list[Span] = []
    for index in tokens.marked:
        if inside[index] or not tokens.cues[index] & _CUES:
            continue
        reached = found[-1].end if found else 0
        if tokens.starts[index] < reached:
            continue
        if tokens.words[index].startswith(_VERB_FINAL):
            span = _clause_before(tokens, index, inside)
            if span is None and tokens.cues[index] & SAYS:
                span = _after(tokens, index, inside)
        else:
            span = _after(tokens, index, inside) or _before(tokens, index, inside)
        if span is not None and span.start >= reached:
            found += [Span(tokens.starts[index], tokens.ends[index], SpanKind.CUE), span]
    return found


def _after(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """Copy that follows the cue at `index`."""
    cue, start = tokens.cues[index], index + 1
    if any(inside[start:start + _NEAR]) or start >= len(tokens.words):
        return None
    gap = tokens.gap_before(start)
    if ":" in gap and cue & CARRIER and _shouted(tokens, start):
        return _capitals(tokens, start, inside)
    if cue & (LETTERING | FIELD | READS | SAYS) and any(mark in gap for mark in ":："):
        return None if "{" in tokens.text and not cue & LETTERING else _field(tokens, start, inside)
    if "," in gap and cue & (READS | SAYS) and _cased(tokens, start) and _can_speak(tokens, index):
        return _field(tokens, start, inside)
    if tokens.unspaced and cue & (LETTERING | FIELD | READS | PRINTED | SAYS):
        return _after_blank(tokens, index, inside) or (_clause(tokens, start, inside) if cue & READS else None)
    if _PARTS.search(gap):
        return None
    found = _after_cue(tokens, index, inside)
    return _after_colon(tokens, start, inside) if found is None and cue & (LETTERING | FIELD) else found


def _after_cue(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """Copy that the cue governs: a run of capitals, or a clause."""
    cue = tokens.cues[index]
    start = _past_fillers(tokens, index + 1) if cue & (READS | SAYS | LETTERING | FIELD) else index + 1
    named = cue & NAMING and _carrier_in(tokens, index - _FAR, index)
    if (cue & (LETTERING | FIELD | READS) or named or _can_speak(tokens, index)) and not cue & WORK:
        capitals = _capitals(tokens, start, inside)
        if capitals is not None:
            shouted = tokens.text[capitals.start:capitals.end].isupper()
            sentence = cue & (READS | LETTERING | SAYS) or tokens.words[index] in _LOWER_FIELDS
            return _clause(tokens, start, inside) if sentence and not shouted else capitals
    if _takes_lower_case(tokens, index, start):
        return _clause(tokens, start, inside)
    if cue & CARRIER and _shouted(tokens, start):
        return _capitals(tokens, start, inside)
    return None


def _after_colon(tokens: Tokens, start: int, inside: Sequence[bool]) -> Span | None:
    """Copy after the colon that ends the sentence of the cue, as in `letters glow over the gate: Come in`."""
    for at in range(start, min(start + _FAR, len(tokens.words))):
        gap = tokens.gap_before(at)
        if ":" in gap:
            return _field(tokens, at, inside) if _cased(tokens, at) and "{" not in tokens.text else None
        if _PARTS.search(gap) or inside[at]:
            return None
    return None


def _after_blank(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """Copy after a blank in an unspaced script, where a front end took the quotation marks away."""
    for at in range(index + 1, min(index + _NEAR, len(tokens.words))):
        gap = tokens.gap_before(at)
        if gap and not gap.strip():
            return _field(tokens, at, inside)
        if gap:
            return None
    return None


def _carrier_in(tokens: Tokens, first: int, past: int) -> bool:
    return any(cue & CARRIER for cue in tokens.cues[max(0, first):past])


def _past_fillers(tokens: Tokens, start: int) -> int:
    """Skip small words between a cue and its copy, as in `reads the word`."""
    past = min(start + _MOST_FILLERS, len(tokens.words) - 1)
    while (start < past and tokens.words[start] in _FILLERS
           and (not _cased(tokens, start) or tokens.words[start] in _LINKS)
           and not _PARTS.search(tokens.gap_before(start + 1))):
        start += 1
    return start


def _takes_lower_case(tokens: Tokens, index: int, start: int) -> bool:
    """Whether the cue governs a string even in lower case."""
    if tokens.words[start] in _DETERMINERS and not tokens.cues[index] & READS:
        return False
    word = tokens.words[index]
    if word in {"reading", "read", "reads"}:
        return index > 0 and (tokens.cues[index - 1] & (CARRIER | LETTERING | FIELD) != 0
                              or tokens.words[index - 1] in {"that", "which"})
    if word in {"writing", "write", "writes"}:
        return any(tokens.words[at] == "on" for at in range(start + 1, min(start + _ON_REACH, len(tokens.words))))
    if tokens.cues[index] & (READS | SAYS):
        return _can_speak(tokens, index)
    return word in _LOWER_FIELDS and index > 0 and any(
        tokens.cues[at] & (WRITTEN | PRINTED) for at in range(start + 1, min(start + _ON_REACH, len(tokens.words))))


def _can_speak(tokens: Tokens, index: int) -> bool:
    """Whether what stands before a verb of saying carries lettering."""
    before = tokens.cues[max(0, index - _NEAR):index]
    return tokens.cues[index] & (READS | SAYS) == READS or any(cue & (CARRIER | LETTERING | FIELD) for cue in before)


def _cased(tokens: Tokens, index: int) -> bool:
    char = tokens.text[tokens.starts[index]]
    return char.isupper() or char.isdigit()


def _shouted(tokens: Tokens, index: int) -> bool:
    word = tokens.text[tokens.starts[index]:tokens.ends[index]]
    return word.isupper() and len(word) >= _LEAST_CAPITALS and word not in _ACRONYMS


def _capitals(tokens: Tokens, start: int, inside: Sequence[bool]) -> Span | None:
    """The run of capitalised words and figures from `start` on; small words may link two of them."""
    last, at = -1, start
    while at < min(start + _MOST, len(tokens.words)) and not inside[at]:
        gap = tokens.gap_before(at) if at > start else ""
        if gap in _APOSTROPHES:
            last = at if gap else last
        elif _PARTS.search(gap) and not (gap == ". " and tokens.ends[at - 1] - tokens.starts[at - 1] == 1):
            break
        if _cased(tokens, at):
            last = at
        elif at == start or (tokens.words[at] not in _LINKS and last != at):
            break
        at += 1
    return None if last < 0 else Span(tokens.starts[start], tokens.ends[last], SpanKind.RENDERED)


def _clause(tokens: Tokens, start: int, inside: Sequence[bool]) -> Span | None:
    """Words from `start` to the end of the clause."""
    at = start
    while at < min(start + _MOST, len(tokens.words)) and not inside[at]:
        if at > start and (_PARTS.search(tokens.gap_before(at)) or tokens.cues[at] & (WRITTEN | NAMING)
                           or (tokens.words[at] in _STOPS and (at - start < _SOFT or tokens.words[at] in _HARD_STOPS))):
            break
        at += 1
    return None if at == start else Span(tokens.starts[start], tokens.ends[at - 1], SpanKind.RENDERED)


def _field(tokens: Tokens, start: int, inside: Sequence[bool]) -> Span | None:
    """The rest of the line or sentence after `Headline:`."""
    at = start
    while at < min(start + _MOST_FIELD, len(tokens.words)) and not inside[at]:
        if at > start and is_boundary(tokens.gap_before(at)):
            break
        at += 1
    return None if at == start else Span(tokens.starts[start], tokens.ends[at - 1], SpanKind.RENDERED)


def _before(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """Copy right before a participle of writing: in capitals, or in `a board with X written on it`."""
    if not tokens.cues[index] & (WRITTEN | PRINTED):
        return None
    last = index - 1
    while last >= 0 and tokens.words[last] in {"is", "are", "was", "spelled", "being"}:
        last -= 1
    first = last
    while first >= 0 and not inside[first] and _cased(tokens, first) and last - first < _MOST:
        first -= 1
        if _PARTS.search(tokens.gap_before(first + 1)):
            break
    first += 1
    opening = first == 0 or is_boundary(tokens.gap_before(first))
    loud = all(_shouted(tokens, at) or tokens.text[tokens.starts[at]].isdigit() for at in range(first, last + 1))
    if first > last or ((opening or tokens.cues[index] & PRINTED) and not loud):
        return _with_written(tokens, index, inside) if tokens.cues[index] & WRITTEN else None
    return Span(tokens.starts[first], tokens.ends[last], SpanKind.RENDERED)


def _with_written(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """The words between `with`, after a thing that carries them, and the participle."""
    for at in range(index - 1, max(0, index - _MOST_BEFORE), -1):
        if inside[at] or _PARTS.search(tokens.gap_before(at + 1)):
            return None
        if tokens.words[at] in _WITH and at + 1 < index and _carrier_in(tokens, at - _NEAR, at):
            return Span(tokens.starts[at + 1], tokens.ends[index - 1], SpanKind.RENDERED)
    return None


def _clause_before(tokens: Tokens, index: int, inside: Sequence[bool]) -> Span | None:
    """The words before a verb that stands last in its clause, back to the thing that carries them."""
    at = index
    while at > max(0, index - _MOST_BEFORE) and not inside[at - 1]:
        if tokens.cues[at - 1] & CARRIER or tokens.words[at - 1] in _CLAUSE_HEADS:
            break
        at -= 1
        if _PARTS.search(tokens.gap_before(at)):
            break
    if at == index or any(inside[max(0, index - _NEAR):index]):
        return None
    told = tokens.cues[index] & (READS | WRITTEN | LETTERING)
    if not told and not (at and tokens.words[at - 1] in _CLAUSE_HEADS and _carrier_in(tokens, at - _NEAR, at)):
        return None
    return Span(tokens.starts[at], tokens.ends[index - 1], SpanKind.RENDERED)
