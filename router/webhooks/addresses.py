"""Where events may be sent: https on the open internet, or a host that the settings name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yarl import URL

from ..errors import BadRequest, short_text
from ..open_internet import is_public, spelled_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..settings import Tenant

__all__ = ["check_webhook", "plain_host", "plain_hosts", "sendable"]

_PARAM = "routing.webhook_url"
_MOST_URL_CHARS = 2_000
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]*[a-z0-9])")
_AT_HOME = (".localhost", ".local", ".internal", ".home.arpa")


def check_webhook(url: str, tenant: Tenant | None, *, hosts: Iterable[str]) -> None:
    """Whether events of a tenant's job may be sent to an address.

    Args:
        url: as the caller wrote it.
        tenant: whose job it is; None where the server knows no tenants.
        hosts: `JobSettings.webhook_hosts`.

    Raises:
        BadRequest: the address may not be used (`invalid_webhook_url`), or the tenant has no secret to sign with
            (`no_webhook_secret`).
    """
    if tenant is None or not tenant.webhook_secrets:
        raise BadRequest(f"{_PARAM}: this tenant has no secret to sign events with; name one under webhook_secret_env, "
                         "or leave the address out and ask for the job", param=_PARAM, code="no_webhook_secret")
    sendable(url, hosts=plain_hosts(hosts))


def sendable(url: str, *, hosts: frozenset[str]) -> URL:
    """An address that may be sent to, parsed as the client that sends parses it; `hosts` as of `plain_hosts`.

    Raises:
        BadRequest: it may not, and why; the address itself is not repeated, for it may hold a key.
    """
    parsed = _parsed(url)
    host = plain_host(parsed.raw_host or "")
    if not host or parsed.port == 0:
        raise _refused("no address; write it as https://host/path")
    if parsed.user is not None or parsed.password is not None:
        raise _refused("a name or password in it; what we send is signed, check that")
    if parsed.fragment or "#" in url:
        raise _refused("a fragment (#...), which is never sent; leave it out")
    if host in hosts and parsed.scheme in ("https", "http"):
        return parsed
    if parsed.scheme != "https":
        raise _refused(f"scheme {short_text(parsed.scheme)}; use https, or http for a host under [jobs] webhook_hosts")
    if not _is_outside(host):
        raise _refused(f"host {short_text(host)} is not on the open internet; name it under [jobs] webhook_hosts if it "
                       "is one of ours")
    return parsed


def plain_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Hosts of the settings as they are compared."""
    return frozenset(plain_host(host) for host in hosts)


def plain_host(host: str) -> str:
    """A host in small letters, without the brackets of an address or a dot at its end."""
    return host.lower().removeprefix("[").removesuffix("]").rstrip(".")


def _parsed(url: str) -> URL:
    if len(url) > _MOST_URL_CHARS:
        raise _refused(f"{len(url):,} characters, {_MOST_URL_CHARS:,} at most")
    if not url.isprintable() or " " in url:
        raise _refused("a blank or a control character in it; write those as %20 and the like")
    try:
        return URL(url)
    except (ValueError, IndexError):
        raise _refused("no address; write it as https://host/path") from None


def _is_outside(host: str) -> bool:
    """Whether a host may be one of the open internet; a name's addresses are checked again when it is sent to."""
    address = spelled_address(host)
    if address is not None:
        return address != "invalid" and is_public(address)
    return _NAME.fullmatch(host) is not None and not host.endswith(_AT_HOME)


def _refused(problem: str) -> BadRequest:
    return BadRequest(f"{_PARAM}: {problem}", param=_PARAM, code="invalid_webhook_url")
