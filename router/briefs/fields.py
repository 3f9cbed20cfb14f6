"""Prompts written as JSON: quotation marks are syntax there, and some keys hold copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .quotes import Quoted

__all__ = ["Fields", "read_fields"]

_KEY_AFTER = re.compile(r'\s*["”]?\s*[:：]')
_LEAST_KEYS = 2
_COPY_KEY = re.compile(
    r"^(?:.*[_ ])?(?:text|texts|headline|captions?|slogan|tagline|subtitle|subheadline|labels?|copy|wording|quote|cta"
    r"|inscription|lettering|text_content|display_text|text_on_\w+|title_text|overlay_text|written|reads|words"
    r"|beschriftung|aufschrift|textos?|testo|tekst|текст|文字|文案|标题|文本|テキスト|文言|텍스트|문구)$",
    re.IGNORECASE)
_NO_COPY = re.compile(
    r"^\s*(?:no|none|n/?a|null|false|true|without|keine?|sin|sans|senza|sem|bez|нет|без|无|無|なし|없음)\b|^\s*$",
    re.IGNORECASE)
_DESCRIBING = re.compile(
    r"\b(?:bold|serif|font|typeface|style|styled|readable|legible|minimal|placed|positioned|color)\b", re.IGNORECASE)
_KEY_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Fields:
    """The strings of a JSON brief.

    Attributes:
        copy: values that are copy.
        keys: where keys stand: their words are no cues.
    """

    copy: list[Quoted]
    keys: list[Quoted]


def read_fields(text: str, quotes: Sequence[Quoted]) -> Fields | None:
    """The fields of a prompt written as JSON, or nothing where it is prose."""
    if ":" not in text or not ("{" in text or text.count('":') > _LEAST_KEYS):
        return None
    doubles = [quoted for quoted in quotes if quoted.mark in '"“']
    keys = [quoted for quoted in doubles if _KEY_AFTER.match(text, quoted.end)]
    if len(keys) < _LEAST_KEYS:
        return None
    copy, key = [], ""
    for quoted in doubles:
        inner = text[quoted.start:quoted.end]
        if _KEY_AFTER.match(text, quoted.end):
            key = inner
        elif _COPY_KEY.match(key[-_KEY_LENGTH:]) and not _NO_COPY.search(inner) and not _DESCRIBING.search(inner):
            copy.append(quoted)
    return Fields(copy, keys)
