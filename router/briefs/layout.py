"""Whether a prompt fixes a layout, and whether it asks for many things at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexicon import LAYOUT
from .tokens import weight_of

if TYPE_CHECKING:
    from .tokens import Tokens

__all__ = ["is_complex", "is_strict_layout"]

_LAYOUT_WORDS = 2
_SHORT = 55
_MANY_WORDS = 30


def is_strict_layout(tokens: Tokens) -> bool:
    """Whether two different layout words place parts, or one does in a short prompt."""
    named = {tokens.words[index] for index in tokens.marked if tokens.cues[index] & LAYOUT}
    return len(named) >= _LAYOUT_WORDS or (len(named) == 1 and len(tokens.words) < _SHORT)


def is_complex(tokens: Tokens) -> bool:
    """Whether a prompt is so long that it sets many constraints; a character of an unspaced script is half a word."""
    words = sum(map(weight_of, tokens.words)) if tokens.unspaced else len(tokens.words)
    return words > _MANY_WORDS
