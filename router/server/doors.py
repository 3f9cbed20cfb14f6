"""Who may come in: tenants by hashed keys, images a minute, and no foreign web page at an open door."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .problems import Problem

if TYPE_CHECKING:
    from aiohttp import web

    from ..settings import Settings, Tenant

__all__ = ["Doors", "is_loopback"]

_MINUTE_S = 60.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host: by address, or as `localhost`; no other name can be trusted."""
    plain = host.strip("[]").rstrip(".").lower()
    try:
        return plain == "localhost" or ipaddress.ip_address(plain).is_loopback
    except ValueError:
        return False


class Doors:
    """Knows every tenant by the SHA-256 of its keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_key = {key: tenant for tenant in settings.tenants for key in tenant.key_sha256}
        self._made: dict[str, deque[tuple[float, int]]] = {}

    def tenant(self, request: web.Request) -> Tenant | None:
        """Whose request it is; None where no tenant has a key, so that everybody on this machine may ask.

        Raises:
            Problem: 401 without a known key, 403 for a web page of another site.
        """
        if self._settings.open_to_all:
            _refuse_foreign_page(request)
            return self._settings.tenants[0] if self._settings.tenants else None
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        key = (bearer.strip() if scheme.lower() == "bearer" else "") or request.headers.get("api-key", "")
        digest = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
        tenant = self._by_key.get(digest) if key else None
        if tenant is None:
            raise Problem(401, "no tenant has this key; send Authorization: Bearer KEY", code="invalid_api_key")
        return tenant

    def admin(self, request: web.Request) -> Tenant | None:
        """As `tenant`, for what only an administrator may do.

        Raises:
            Problem: 401, or 403 for a key without that right.
        """
        tenant = self.tenant(request)
        if tenant is None or tenant.admin or self._settings.open_to_all:
            return tenant
        raise Problem(403, "this key may not do that; use the key of an admin tenant", code="not_admin")

    def count(self, tenant: Tenant | None, *, images: int, now: float) -> None:
        """Count images against a tenant's limit a minute.

        Raises:
            Problem: 429 with the seconds until there is room; without them where there never will be.
        """
        if tenant is None or tenant.images_per_minute is None:
            return
        made = self._made.setdefault(tenant.name, deque())
        while made and made[0][0] <= now - _MINUTE_S:
            made.popleft()
        most = tenant.images_per_minute
        if sum(count for _, count in made) + images > most:
            wait = None if images > most else _wait_s(made, room=most - images, now=now)
            raise Problem(429, f"{images} images asked, {most} a minute at most; wait, or ask for fewer",
                          code="rate_limit_exceeded", retry_after_s=wait)
        made.append((now, images))


def _wait_s(made: deque[tuple[float, int]], *, room: int, now: float) -> float:
    """Seconds until no more than `room` images count."""
    counted = sum(count for _, count in made)
    for at, count in made:
        counted -= count
        if counted <= room:
            return at + _MINUTE_S - now
    return _MINUTE_S


def _refuse_foreign_page(request: web.Request) -> None:
    """A page of any site can make a browser post a form to this machine; it cannot hide where it comes from."""
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        raise Problem(403, "this server has no keys and answers only to this machine by name or address; "
                      "give tenants keys to open it", code="not_loopback")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Problem(403, "a web page of another site may not spend your money", code="foreign_origin")
