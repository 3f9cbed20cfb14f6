"""Who is who: request ids, and keyed hashes that tell a repetition from another request without keeping its prompt."""

from __future__ import annotations

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
        return stated.encode()
    path = folder / "hash.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        return path.read_bytes()
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)


class Hasher:
    """HMAC-SHA-256 under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def prompt(self, prompt: str) -> str:
        """Keyed hash of a prompt, in hexadecimal."""
        return self._hash(prompt.encode(errors="surrogatepass"))

    def fingerprint(self, request: ImageRequest) -> str:
        """Keyed hash of everything asked, pictures included, in hexadecimal."""
        pictures = [*request.references, *([request.mask] if request.mask else [])]
        told = (request.request_class, request.prompt, request.seed, request.output_compression, request.moderation,
                str(request.max_usd), request.lora, request.project, [picture.digest for picture in pictures])
        return self._hash(repr(told).encode())

    def _hash(self, data: bytes) -> str:
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()
