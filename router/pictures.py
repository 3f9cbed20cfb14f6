"""A picture as it came over the wire: base64 text or bytes, moved, not parsed; only its head and tail are read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import string
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from .quantities import Size

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_PIXELS", "NotAPicture", "Picture", "PictureFormat", "read_picture"]

PictureFormat = Literal["png", "jpeg", "webp", "gif"]
MOST_PIXELS = 100_000_000
_HEAD_BYTES, _TAIL_BYTES = 96, 48
_LEAST_BYTES = 32
_STEP_CHARS = 64 * 1024
_BASE64 = (string.ascii_letters + string.digits + "+/").encode()
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PNG_END, _JPEG_END = b"IEND\xaeB`\x82", b"\xff\xd9"
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_MOST_SEGMENTS = 2000
_MARK = 0xFF
_GIF_END = b"\0;"


class NotAPicture(ValueError):
    """Bytes that are no whole PNG, JPEG, WebP or GIF of a sensible size; the text says what they are instead."""


@dataclass(frozen=True)
class Picture:
    """A whole picture in the form it came in.

    Attributes:
        data: the file's bytes, or their base64 text where `is_base64`; often a view into a larger answer.
        size: width and height that its head states.
    """

    data: bytes | memoryview
    is_base64: bool
    format: PictureFormat
    size: Size

    @property
    def file_bytes(self) -> int:
        """Length of the picture file in bytes."""
        return _decoded_length(self.data) if self.is_base64 else len(self.data)

    @property
    def head(self) -> Picture:
        """Its format and size without its data, for a picture that lies on disk."""
        return Picture(b"", is_base64=False, format=self.format, size=self.size)

    def as_bytes(self) -> bytes:
        """The picture file."""
        return binascii.a2b_base64(self.data) if self.is_base64 else bytes(self.data)

    def as_base64(self) -> bytes | memoryview:
        """The picture file as base64 text in ASCII; no copy where it came so."""
        return self.data if self.is_base64 else base64.b64encode(self.data)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the picture's base64 text, in hexadecimal: what `base64 -w0 FILE | sha256sum` prints.

        Most pictures come as base64, and unpacking one takes four times as long as hashing it.
        """
        return hashlib.sha256(self.as_base64()).hexdigest()


def read_picture(data: bytes | memoryview, *, is_base64: bool) -> Picture:
    """The picture that `data` holds; its pixels are never decoded. Base64 is checked to its last letter.

    Raises:
        NotAPicture: empty, cut off, another kind of file (HTML, SVG, text), or more than 100 million pixels.
    """
    file = _File(memoryview(data), is_base64)
    head = file.part(0, _HEAD_BYTES)
    found = next(((name, measure, whole) for name, starts, measure, whole in _KINDS if starts(head)), None)
    if found is None or len(head) < _LEAST_BYTES:
        raise NotAPicture(f"no PNG, JPEG, WebP or GIF: {_looks_like(head)}")
    name, measure, whole = found
    try:
        size = measure(file)
    except (struct.error, IndexError):
        size = None
    if size is None or min(size.width, size.height) < 1:
        raise NotAPicture(f"a {name} without a readable size")
    if size.pixels > MOST_PIXELS:
        raise NotAPicture(f"a {name} of {size}: more than {MOST_PIXELS:,} pixels")
    if not whole(file):
        raise NotAPicture(f"a {name} that is cut off after {file.length:,} bytes")
    if is_base64:
        _refuse_other_letters(memoryview(data))
    return Picture(data, is_base64, name, size)


class _File:
    """A file in its raw or base64 form, read a few bytes at a time."""

    def __init__(self, view: memoryview, is_base64: bool) -> None:
        if is_base64 and len(view) % 4:
            raise NotAPicture("text that is no base64")
        self._view, self._is_base64 = view, is_base64
        self.length = _decoded_length(view) if is_base64 else len(view)

    def part(self, at: int, count: int) -> bytes:
        """Up to `count` bytes from `at` on."""
        if not self._is_base64:
            return bytes(self._view[at:at + count])
        skip = at % 3
        start, groups = at // 3 * 4, -(-(skip + count) // 3)
        return _decode(self._view[start:start + groups * 4])[skip:skip + count]

    @property
    def tail(self) -> bytes:
        """The last bytes."""
        return self.part(max(0, self.length - _TAIL_BYTES), _TAIL_BYTES)


def _decode(text: memoryview) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise NotAPicture("text that is no base64") from None


def _refuse_other_letters(text: memoryview) -> None:
    """Striking every base64 letter out takes a sixth of the time of decoding them."""
    end = len(text) - bytes(text[-2:]).count(b"=")
    for at in range(0, end, _STEP_CHARS):
        if bytes(text[at:min(at + _STEP_CHARS, end)]).translate(None, _BASE64):
            raise NotAPicture("text that is no base64")


def _decoded_length(text: bytes | memoryview) -> int:
    padding = bytes(text[-2:]).count(b"=")
    return len(text) * 3 // 4 - padding


def _png_size(file: _File) -> Size | None:
    head = file.part(0, 24)
    return Size(*struct.unpack(">II", head[16:24])) if head[12:16] == b"IHDR" else None


def _gif_size(file: _File) -> Size:
    return Size(*struct.unpack("<HH", file.part(6, 4)))


def _webp_size(file: _File) -> Size | None:
    head = file.part(0, 30)
    kind = head[12:16]
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return Size(width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg_size(file: _File) -> Size | None:
    """The frame header stands behind any number of segments; a colour profile alone can take megabytes."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        head = file.part(at, 9)
        if head[0] != _MARK:
            return None
        marker = head[1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", head[5:9])
            return Size(width, height)
        if marker == _MARK:  # a fill byte
            at += 1
        else:
            at += 2 if marker in _JPEG_BARE else 2 + max(2, *struct.unpack(">H", head[2:4]))
    return None


def _webp_is_whole(file: _File) -> bool:
    return int.from_bytes(file.part(4, 4), "little") + 8 <= file.length


def _looks_like(head: bytes) -> str:
    text = head.lstrip().lower()
    if not text:
        return "nothing at all"
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML document"
    if text.startswith((b"{", b"[")):
        return "a JSON document"
    return f"{len(head)} bytes of something else"


_KINDS: tuple[tuple[PictureFormat, Callable[[bytes], bool], Callable[[_File], Size | None],
                    Callable[[_File], bool]], ...] = (
    ("png", lambda head: head.startswith(_PNG), _png_size, lambda file: file.tail.endswith(_PNG_END)),
    ("jpeg", lambda head: head.startswith(_JPEG), _jpeg_size, lambda file: _JPEG_END in file.tail),
    ("webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp_size, _webp_is_whole),
    ("gif", lambda head: head[:6] in (b"GIF87a", b"GIF89a"), _gif_size, lambda file: file.tail.endswith(_GIF_END)),
)
