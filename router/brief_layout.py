"""Whether a prompt fixes a layout, and whether it asks for many things at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .brief_lexicon import LAYOUT

if TYPE_CHECKING:
    from .brief_tokens import Tokens

__all__ = ["is_complex", "is_strict_layout"]

_LAYOUT_WORDS = 2
_SHORT = 55
_MANY_WORDS = 30
_HALVES = 2
_UNSPACED_FROM = "\u0e00"


def is_strict_layout(tokens: Tokens) -> bool:
    """Whether two different layout words place parts, or one does in a short prompt."""
    named = {tokens.words[index] for index in tokens.marked if tokens.cues[index] & LAYOUT}
    return len(named) >= _LAYOUT_WORDS or (len(named) == 1 and len(tokens.words) < _SHORT)


def is_complex(tokens: Tokens) -> bool:
    """Whether a prompt is so long that it sets many constraints; a character of an unspaced script is half a word."""
    single = sum(len(word) == 1 and word >= _UNSPACED_FROM for word in tokens.words) if tokens.unspaced else 0
    return len(tokens.words) - single + single // _HALVES > _MANY_WORDS
