"""Who is who: request ids, and keyed hashes that tell a repetition from another request without keeping its prompt."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .request import ImageRequest

__all__ = ["Hasher", "hash_key_of", "new_request_id"]

_KEY_BYTES = 32


def new_request_id() -> str:
    """An id of 128 random bits, as in `img-3f0c...`."""
    return f"img-{secrets.token_hex(16)}"


def hash_key_of(stated: str, folder: Path) -> bytes:
    """The stated key, or one that is made once and kept beside the pictures; random where the disk is read-only."""
    if stated:
        return stated.encode("utf-8", "surrogateescape")
    path, made = folder / "hash.key", secrets.token_bytes(_KEY_BYTES)
    part = folder / f"hash.key.{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = path.read_bytes() if path.is_file() else None
        if known is not None and len(known) >= _KEY_BYTES:
            return known
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
        if known is not None:
            part.replace(path)  # a file that was never written whole is no key
        else:
            _win(part, path)
        return path.read_bytes()
    except OSError:
        return made


def _win(part: Path, path: Path) -> None:
    """Put a file in place whole or not at all; of several processes that start together the first one wins."""
    try:
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


class Hasher:
    """HMAC-SHA-256 under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def prompt(self, prompt: str) -> str:
        """Keyed hash of a prompt, in hexadecimal."""
        return self._hash(prompt.encode("utf-8", "surrogatepass"))

    def fingerprint(self, request: ImageRequest) -> str:
        """Keyed hash of everything that makes two requests one and the same, in hexadecimal.

        That is what the pictures are made of, what they may cost, where they may be made and who is charged. How long
        a caller waits (`deadline_s`), the tags, and the end user's identifier may differ from one try to the next.
        """
        pictures = [*request.references, *([request.mask] if request.mask else [])]
        most = request.max_usd.normalize() if request.max_usd is not None and request.max_usd.is_finite() else (
            request.max_usd)
        lora = (request.lora.name, float(request.lora.scale)) if request.lora else None
        told = (request.request_class, request.prompt, request.text, request.seed, request.output_compression,
                request.moderation, str(most), lora, request.project, request.brand, request.campaign,
                request.cost_center, [picture.digest for picture in pictures])
        return self._hash(repr(told).encode())

    def _hash(self, data: bytes) -> str:
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()
