"""Who may come in: tenants by hashed keys, images a minute, and no foreign web page at an open door."""

from __future__ import annotations

import hashlib
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
    """Whether only this machine can reach a host name."""
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")


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
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", ""):
            key = ""
        key = key.strip() or request.headers.get("api-key", "")
        tenant = self._by_key.get(hashlib.sha256(key.encode()).hexdigest()) if key else None
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
            Problem: 429 with the seconds until there is room.
        """
        if tenant is None or tenant.images_per_minute is None:
            return
        made = self._made.setdefault(tenant.name, deque())
        while made and made[0][0] <= now - _MINUTE_S:
            made.popleft()
        if sum(count for _, count in made) + images > tenant.images_per_minute:
            wait = made[0][0] + _MINUTE_S - now if made else _MINUTE_S
            raise Problem(429, f"{tenant.images_per_minute} images a minute at most; wait", code="rate_limit_exceeded",
                          retry_after_s=wait)
        made.append((now, images))


def _refuse_foreign_page(request: web.Request) -> None:
    """A page of any site can make a browser post a form to this machine; it cannot hide where it comes from."""
    origin, host = request.headers.get("Origin"), request.host.rpartition(":")[0] or request.host
    if not is_loopback(host.strip("[]")) and not is_loopback(host):
        raise Problem(403, "this server has no keys and answers only to this machine by name or address; "
                      "give tenants keys to open it", code="not_loopback")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Problem(403, "a web page of another site may not spend your money", code="foreign_origin")
