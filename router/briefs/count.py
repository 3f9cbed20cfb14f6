"""How many words a string is, in any script."""

from __future__ import annotations

import re

__all__ = ["count_words"]

_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def count_words(text: str) -> int:
    """Words between blanks that hold a letter or a digit, plus half the characters of unspaced scripts, rounded up."""
    runs = len(_UNSPACED.findall(text))
    rest = _UNSPACED.sub(" ", text) if runs else text
    return (runs + 1) // 2 + sum(any(map(str.isalnum, word)) for word in rest.split())
