"""Where a brief was read: stretches of the prompt and what each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Span", "SpanKind"]


class SpanKind(StrEnum):
    """What a stretch of a prompt is to the reader."""

    RENDERED = "rendered"    # copy written out: these very words must be legible
    DESCRIBED = "described"  # copy asked for, its words left open
    CUE = "cue"              # the word that made a stretch beside it copy
    NEGATION = "negation"    # lettering excluded
    TITLE = "title"          # in quotation marks as a work, a name or a manner
    DIALOGUE = "dialogue"    # in quotation marks as speech
    MENTION = "mention"      # in quotation marks for another reason


@dataclass(frozen=True, slots=True)
class Span:
    """`prompt[start:end]` and its kind."""

    start: int
    end: int
    kind: SpanKind
