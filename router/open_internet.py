"""Which addresses are on the open internet, and a resolver that knows no others.

What clients name is reached through it, so that nobody looks into our network with our own hands.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

__all__ = ["PublicResolver", "is_private_literal", "is_public", "spelled_address"]

_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
_TRANSLATED_AT_HOME = ipaddress.IPv6Network("64:ff9b:1::/48")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")


class PublicResolver(AbstractResolver):
    """Resolves names to addresses of the open internet alone; literal addresses are resolved too.

    What was checked is what is connected to, so that a name whose address changes in between is no way in.
    """

    def __init__(self, hosts: frozenset[str] = frozenset(), *, executor: Executor | None = None) -> None:
        """`hosts` are trusted, wherever they are, and in small letters; names are looked up in `executor`'s threads."""
        self._hosts, self._executor = hosts, executor

    async def resolve(self, host: str, port: int = 0, *,  # type: ignore[override]
                      family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Public addresses of a host.

        Raises:
            OSError: it has none.
        """
        found = await self._look_up(host, port, family)
        trusted = host.lower().rstrip(".") in self._hosts
        public = [entry for entry in found if trusted or is_public(str(entry[4][0]))]
        if not public or len(public) < len(found):
            raise OSError(None, "not on the open internet")
        return [ResolveResult(hostname=host, host=str(entry[4][0]), port=port, family=entry[0], proto=entry[2],
                              flags=socket.AI_NUMERICHOST) for entry in public]

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> Sequence[Any]:
        loop = asyncio.get_running_loop()
        if self._executor is None:
            return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        return await loop.run_in_executor(self._executor, partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family))


def is_private_literal(host: str) -> bool:
    """Whether a host is a literal address that is not public; such a one never reaches a resolver."""
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet; one that carries another inside must be so twice.

    Raises:
        ValueError: it is no address.
    """
    known = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        inner = _inner(known)
        if inner is not None or known in _TRANSLATED_AT_HOME:
            return inner is not None and is_public(str(inner))
    return known.is_global and not known.is_multicast


def spelled_address(host: str) -> str | None:
    """The address a host is in whatever spelling a system library reads: 127.1, 0x7f.1, 017700000001, 2130706433.

    None where it is a name; `invalid` where it looks like numbers and is no address, for libraries differ on those.
    """
    plain = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(plain.partition("%")[0]))
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(plain):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(plain))
    except OSError:
        return "invalid"


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a translator or a tunnel would reach through an IPv6 one."""
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
