"""One try to deliver one event over HTTP: signed, not redirected, its answer's body left unread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import aiohttp

from ..backends.replies import retry_after_s
from ..errors import BadRequest
from ..open_internet import PublicResolver
from .addresses import sendable
from .signing import signed_headers
from .tries import Try

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..ledger.job_protocol import Message
    from ..settings import Secret

__all__ = ["Post"]

_TIMEOUT_S = 15.0
_KEEP_OPEN_S = 15.0
_LOOKUPS = 64


class Post:
    """A client for receivers; made where an event loop runs."""

    def __init__(self, hosts: frozenset[str], *, timeout_s: float = _TIMEOUT_S) -> None:
        """`hosts` are ours and need not be public, as of `plain_hosts`; `timeout_s` holds for a whole try."""
        self._hosts = hosts
        # Threads of their own: a name server that hangs would take those that the books are read with.
        self._lookups = ThreadPoolExecutor(_LOOKUPS, "webhook-lookup")
        resolver = PublicResolver(hosts, executor=self._lookups)
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=0,
                                         keepalive_timeout=_KEEP_OPEN_S)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=timeout_s), cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False, headers={"User-Agent": "breakeven", "Accept-Encoding": "identity"})

    async def send(self, message: Message, secrets: Iterable[Secret], *, at: datetime) -> Try:
        """What a try came to; `at` is its instant."""
        signed = signed_headers(message.id, message.body, at=at, secrets=secrets)
        if not signed["webhook-signature"]:
            return Try("no_secret")
        try:
            url = sendable(message.url, hosts=self._hosts)
            async with self._session.post(url, data=message.body.encode(), allow_redirects=False,
                                          headers=signed | {"Content-Type": "application/json"}) as response:
                return Try(f"http_{response.status}", response.status, retry_after_s(response.headers))
        except BadRequest:
            return Try("not_allowed")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Try(_why(error))

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()
        self._lookups.shutdown(wait=False, cancel_futures=True)


def _why(error: Exception) -> str:
    """A word for what kept a try from an answer; the text of the error is not used, for it may hold the address."""
    words = ((TimeoutError, "timeout"), (aiohttp.ClientConnectorDNSError, "unresolved"),
             (aiohttp.ClientSSLError, "tls"), (aiohttp.ClientConnectorError, "unreachable"),
             (aiohttp.ClientResponseError, "garbled"), (aiohttp.ClientError, "hung_up"), (OSError, "unreachable"))
    return next((word for kind, word in words if isinstance(error, kind)), "unresolved")
