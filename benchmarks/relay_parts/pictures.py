"""PNG files whose pixels are the size that was asked for, small and large, and the answers around them."""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib

__all__ = ["SIZES", "answer", "png"]

SIZES = {"1.4 KB": "1024x1024", "1.5 MB": "1104x1024", "15 MB": "1936x1936"}
"""What the JSON answer takes, by the size to ask for; all three are sizes that GPT Image 2 and Flux 2 make."""

_GREY, _RGB = 0, 2
_CREATED = 1_780_000_000


def png(width: int, height: int, *, channels: int, noise: bool) -> bytes:
    """A valid PNG: grey or colour noise stored as it is, or black that packs into a kilobyte."""
    chance = random.Random(7)
    row = width * channels
    rows = b"".join(b"\0" + (chance.randbytes(row) if noise else bytes(row)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, _GREY if channels == 1 else _RGB, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in (
        (b"IHDR", head), (b"IDAT", zlib.compress(rows, 0 if noise else 9)), (b"IEND", b"")))


def answer(kind: str) -> bytes:
    """A whole answer of the Images API with one picture."""
    width, height = map(int, SIZES[kind].split("x"))
    picture = png(width, height, channels=3 if kind == "15 MB" else 1, noise=kind != "1.4 KB")
    return json.dumps({
        "created": _CREATED, "background": "opaque", "output_format": "png", "quality": "medium", "size": SIZES[kind],
        "data": [{"b64_json": base64.b64encode(picture).decode()}],
        "usage": {"input_tokens": 12, "input_tokens_details": {"image_tokens": 0, "text_tokens": 12},
                  "output_tokens": 1056, "total_tokens": 1068}}).encode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
