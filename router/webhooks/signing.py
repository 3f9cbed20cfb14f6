"""Signatures of Standard Webhooks 1.0.0 (standardwebhooks.com): `v1`, HMAC-SHA256 over id, instant and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..settings import Secret

__all__ = ["signed_headers"]

_PREFIX = "whsec_"


def signed_headers(message_id: str, body: str, *, at: datetime, secrets: Iterable[Secret]) -> dict[str, str]:
    """The headers of one try, signed with every secret, so that a receiver that knows one of them can check it.

    `at` is the instant of this try: a receiver refuses what is older than five minutes, so that a copy is of no use
    later. The id stays the same on every try.
    """
    seconds = int(at.timestamp())
    signed = f"{message_id}.{seconds}.{body}".encode()
    signatures = (base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
                  for secret in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures)}


def _key(secret: Secret) -> bytes:
    text = secret.value.removeprefix(_PREFIX)
    return base64.b64decode(text + "=" * (-len(text) % 4))
