"""An answer's pictures, found without parsing megabytes: JSON is read around its long strings, which stay in place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..pictures import NotAPicture, read_picture
from .protocol import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..pictures import Picture

__all__ = ["NotJson", "as_base64", "as_text", "data_uri", "picture_texts", "read_json", "read_object", "read_pictures",
           "read_usage"]

_LONG = 1024
_MOST_QUOTES = 200_000
_COLON_NEXT = re.compile(rb"[ \t\r\n]*:")
_DATA_URI = re.compile(rb"data:[\w./+-]{1,64};base64,")


class NotJson(ValueError):
    """A body that is no whole JSON document; what it is instead is never part of the text."""


def read_json(body: bytes | bytearray, *, long: int = _LONG) -> Any:
    r"""The document as `json.loads` gives it, but string values of `long` bytes or more are views of the body.

    A view shows the string's UTF-8 bytes, unchecked; it is a copy only where the string holds escapes, as in base64
    with `\/`.

    Raises:
        NotJson: cut off, another kind of document, or quotes beyond number.
    """
    view, at = memoryview(body), 0
    kept: list[bytes | memoryview] = []
    found: list[tuple[int, int]] = []
    for start, end in _strings(body):
        if end - start >= long and not _COLON_NEXT.match(body, end + 1):
            kept += [view[at:start - 1], b"NaN"]
            found.append((start, end))
            at = end + 1
    kept.append(view[at:])
    left = iter(found)

    def next_long(_: str) -> memoryview:
        span = next(left, None)
        if span is None:
            raise NotJson("a number that is none")
        return _content(body, *span)

    try:
        # JSON has no NaN, and the hook is called in the order of the document.
        return json.loads(b"".join(kept).decode("utf-8-sig"), parse_constant=next_long)
    except (ValueError, RecursionError):
        raise NotJson("not a whole JSON document") from None


def read_object(body: bytes | bytearray) -> dict[str, Any]:
    """As `read_json`, for bodies that are objects.

    Raises:
        NotJson: any other body.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise NotJson("no object")
    return document


def as_text(value: object) -> str:
    """A string of a document, long or short; empty for anything else."""
    if isinstance(value, memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def as_base64(value: object) -> memoryview:
    """The base64 text of a document's string or data URI; empty for anything else."""
    if isinstance(value, str):
        value = memoryview(value.encode("utf-8", "replace"))
    if not isinstance(value, memoryview):
        return memoryview(b"")
    head = _DATA_URI.match(value[:100])
    return value[head.end():] if head else value


def data_uri(picture: Picture) -> str:
    """A picture as a data URI."""
    return f"data:image/{picture.format};base64,{bytes(picture.as_base64()).decode('ascii')}"


def _strings(body: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Where the content of each string starts and ends."""
    opened, quotes = body.find(b'"'), 0
    while opened >= 0:
        closed = body.find(b'"', opened + 1)
        while closed >= 0 and _is_escaped(body, closed):
            closed = body.find(b'"', closed + 1)
            quotes += 1
        quotes += 2
        if closed < 0 or quotes > _MOST_QUOTES:
            raise NotJson("cut off inside a string" if closed < 0 else "too many strings")
        yield opened + 1, closed
        opened = body.find(b'"', closed + 1)


def _is_escaped(body: bytes | bytearray, at: int) -> bool:
    before = at
    while body[before - 1:before] == b"\\":
        before -= 1
    return (at - before) % 2 == 1


def _content(body: bytes | bytearray, start: int, end: int) -> memoryview:
    if body.find(b"\\", start, end) < 0:
        return memoryview(body)[start:end]
    plain = bytes(body[start:end])
    if b"\\\\" not in plain:
        plain = plain.replace(b"\\/", b"/")
    if b"\\" in plain:
        plain = json.loads(b'"%b"' % plain).encode("utf-8", "surrogatepass")
    return memoryview(plain)


def picture_texts(document: Mapping[str, Any]) -> list[object]:
    """What stands for a picture in each item of `data`: base64 text, else an address, else None."""
    data = document.get("data")
    items = [item if isinstance(item, dict) else {} for item in data] if isinstance(data, list) else []
    return [item.get("b64_json") or item.get("url") for item in items]


def read_pictures(texts: Iterable[object]) -> tuple[tuple[Picture, ...], int]:
    """The whole pictures among base64 texts and data URIs, and how many texts were none."""
    pictures, bad = [], 0
    for text in texts:
        try:
            pictures.append(read_picture(as_base64(text), is_base64=True))
        except NotAPicture:
            bad += 1
    return tuple(pictures), bad


def read_usage(document: Mapping[str, Any]) -> Usage | None:
    """Tokens of an answer in OpenAI's form; None where it states none that can be priced."""
    usage = document.get("usage")
    total_in, total_out = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if total_in is None or total_out is None:
        return None
    image_in, text_out = (_count(usage, "input_tokens_details", "image_tokens") or 0,
                          _count(usage, "output_tokens_details", "text_tokens") or 0)
    text_in, image_out = (_count(usage, "input_tokens_details", "text_tokens"),
                          _count(usage, "output_tokens_details", "image_tokens"))
    return Usage(input_text_tokens=max(total_in - image_in, 0) if text_in is None else text_in,
                 input_image_tokens=image_in,
                 output_image_tokens=max(total_out - text_out, 0) if image_out is None else image_out,
                 output_text_tokens=text_out)


def _count(usage: object, *path: str) -> int | None:
    for key in path:
        usage = usage.get(key) if isinstance(usage, dict) else None
    return usage if isinstance(usage, int) and not isinstance(usage, bool) and usage >= 0 else None
