"""The way to a vendor over aiohttp: asks, reads answers inside the gate, and keeps the key on its own host."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from yarl import URL

from ..pictures import NotAPicture
from .answers import NotJson
from .holds import MOST_SMALL_BYTES, TooLarge, read_body
from .replies import bad_answer, lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from .holds import Hold
    from .protocol import Reply
    from .wiring import Wiring

__all__ = ["CONNECT_S", "LONGEST_CALL_S", "SILENCE_S", "Answer", "ForeignHost", "NoAnswer", "Transport", "body_chunks",
           "open_session", "settled", "stated_length"]

CONNECT_S = 10.0
SILENCE_S = 900.0
"""Without a byte for so long, a connection counts as lost; the slowest answer known took 200 s."""
LONGEST_CALL_S = 3600.0
_READ_AHEAD_BYTES, _LARGE_READ_BYTES = 32 * 1024, 256 * 1024
"""A connection that waits at the gate has read two or three of the first; a new one, or one under TLS, the second."""
_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class NoAnswer(ConnectionError):
    """The network gave no whole answer.

    Attributes:
        sent: the request may have reached the vendor.
        code: `no_connection`, `silent`, `connection_lost` or `unanswered`.
    """

    def __init__(self, code: str, *, sent: bool) -> None:
        self.code, self.sent = code, sent
        super().__init__(code)

    @classmethod
    def of(cls, cause: BaseException) -> Self:
        """What an error of aiohttp means, perhaps one deep inside another package's."""
        chain = [cause]
        while (deeper := chain[-1].__cause__) is not None:
            chain.append(deeper)
        if any(isinstance(error, _UNSENT) for error in chain):
            return cls("no_connection", sent=False)
        silent = any(isinstance(error, aiohttp.SocketTimeoutError) for error in chain)
        return cls("silent" if silent else "connection_lost", sent=True)


class ForeignHost(ValueError):
    """An address outside the hosts this vendor is known to use; nothing was sent to it."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; its header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytearray

    @property
    def content_type(self) -> str:
        """Its media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def open_session() -> aiohttp.ClientSession:
    """A session that keeps no cookies, waits long, and is as wide as its driver lets it be."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
        headers={"Accept-Encoding": "identity", "User-Agent": "breakeven"}, read_bufsize=_READ_AHEAD_BYTES)


class Transport:
    """One vendor's HTTP session, made when it is first needed."""

    def __init__(self, wiring: Wiring, *, hosts: tuple[str, ...]) -> None:
        self._wiring, self._hosts = wiring, hosts
        self._origin = URL(wiring.settings.base_url).origin()
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, hold: Hold | None = None,
                  most: int = MOST_SMALL_BYTES, **content: Any) -> Answer:
        """A whole answer of any status; redirects are answers.

        Args:
            method: as in `GET`.
            url: the base address's own origin, or https on one of the vendor's hosts.
            headers: the key among them, where it is needed.
            hold: at the gate, where a picture is expected; None for small answers.
            most: bytes the answer may take where its head does not say, and always where there is no hold.
            content: `json=` or `data=`, as aiohttp takes them.

        Raises:
            ForeignHost: the address is elsewhere.
            NoAnswer: the network failed.
            TooLarge: the answer is larger than any can be.
        """
        address = self._checked(url)
        if self._session is None:
            self._session = (self._wiring.session or open_session)()
        try:
            async with self._session.request(method, address, headers=headers, allow_redirects=False,
                                             **content) as response:
                return await _read(response, hold, most)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer.of(error) from None

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _checked(self, url: str) -> URL:
        """The address exactly as written, because some are signed."""
        if not (url.isascii() and url.isprintable()) or " " in url:
            raise ForeignHost
        try:
            address = URL(url, encoded=True)
            known = address.origin() == self._origin or (
                address.scheme == "https" and f".{address.host}".endswith(self._hosts))
        except ValueError:
            raise ForeignHost from None
        if not known or address.user is not None:
            raise ForeignHost
        return address


async def _read(response: aiohttp.ClientResponse, hold: Hold | None, most: int) -> Answer:
    if hold is not None and response.status == 200:  # noqa: PLR2004 (the one status that brings pictures)
        body = await read_body(body_chunks(response), hold, stated=stated_length(response.headers), most=most)
        return Answer(response.status, response.headers, body)
    body = bytearray()
    if (stated_length(response.headers) or 0) > MOST_SMALL_BYTES:
        raise TooLarge("too_large")
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_SMALL_BYTES:
            raise TooLarge("too_large")
    return Answer(response.status, response.headers, body)


async def body_chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A body as it comes, in large pieces from the first time it is asked for; the next answer waits in small ones."""
    transport = response.connection.transport if response.connection else None
    _read_at_once(transport, _LARGE_READ_BYTES)
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    finally:
        _read_at_once(transport, _READ_AHEAD_BYTES)


def _read_at_once(transport: asyncio.Transport | None, size: int) -> None:
    """What asyncio's own plain sockets ask the kernel for; other transports have no such figure."""
    if transport is not None and hasattr(transport, "max_size"):
        transport.max_size = size


def stated_length(headers: Mapping[str, str]) -> int | None:
    """Bytes of the body as it will be read; None where the head does not say, or the body comes compressed."""
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and "content-encoding" not in headers else None


async def settled(work: Awaitable[Reply], wiring: Wiring) -> Reply:
    """The reply of a call, what the network did to it translated; no call outlives an hour."""
    vendor = wiring.settings.vendor
    try:
        async with asyncio.timeout(LONGEST_CALL_S):
            return await work
    except NoAnswer as error:
        return lost(error.code, sent=error.sent, vendor=vendor)
    except TimeoutError:
        return lost("too_long", sent=True, vendor=vendor)
    except TooLarge:
        return bad_answer("too_large", vendor=vendor)
    except NotJson:
        return bad_answer("not_json", vendor=vendor)
    except NotAPicture:
        return bad_answer("not_a_picture", vendor=vendor)
    except ForeignHost:
        return bad_answer("foreign_host", vendor=vendor)
