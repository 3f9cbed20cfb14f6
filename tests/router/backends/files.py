"""Real picture files of any size, drawn with the standard library."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

from router.quantities import Size

if TYPE_CHECKING:
    from router.pictures import Picture

__all__ = ["base64_of", "jpeg", "picture", "png"]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def png(width: int, height: int, *, padding: int = 0) -> bytes:
    """A grey PNG; `padding` bytes that do not compress make it as heavy as a photograph."""
    rows = zlib.compress(b"".join(b"\0" + bytes([row % 256]) * width for row in range(height)), 1)
    noise = _chunk(b"raNd", bytes((at * 2654435761 >> 7) % 256 for at in range(padding))) if padding else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + noise + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


@cache
def jpeg(width: int, height: int) -> bytes:
    """A grey JPEG: every block is two bits, no difference in brightness and no detail."""
    def part(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    one_code = bytes([1]) + bytes(15) + b"\0"
    blocks = -(-width // 8) * -(-height // 8)
    bits = "00" * blocks
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return (b"\xff\xd8" + part(0xDB, b"\0" + bytes([1]) * 64)
            + part(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
            + part(0xC4, b"\x00" + one_code) + part(0xC4, b"\x10" + one_code)
            + part(0xDA, b"\x01\x01\0\0\x3f\0") + scan + b"\xff\xd9")


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(width: int = 64, height: int = 64) -> Picture:
    """A PNG as a reference or a mask."""
    from router.pictures import read_picture

    made = read_picture(png(width, height), is_base64=False)
    assert made.size == Size(width, height)
    return made
