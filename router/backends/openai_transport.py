"""The way of OpenAI's package to the network: our own aiohttp session, its chunks handed on as they come.

The package's own aiohttp transport cuts bodies into 16 KiB pieces, 94 of them for a picture, and buffers half a
megabyte per connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import httpx2

from .transport import body_chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["OpenAITransport"]

_MOST_AT_ONCE = 32 * 1024 * 1024
"""A request larger than this is a file of a batch, which is read from the disk as it is sent."""


class OpenAITransport(httpx2.AsyncBaseTransport):
    """Sends what the package asks; errors of aiohttp pass through it as they are.

    Where `key_header` is named, the key goes in it alone, as the package's own client for Azure sends it; that client
    writes the deployment into the path, which the v1 API does not.
    """

    def __init__(self, session: Callable[[], aiohttp.ClientSession], *, key_header: str = "") -> None:
        self._made, self._key_header = session, key_header
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, answered when its head is there."""
        if self._session is None:
            self._session = self._made()
        if self._key_header and "authorization" in request.headers:
            request.headers[self._key_header] = request.headers.pop("authorization").removeprefix("Bearer ")
        timeout = request.extensions.get("timeout", {})
        answer = await self._session.request(
            request.method, str(request.url), headers=request.headers.multi_items(), data=await _body_of(request),
            allow_redirects=False, auto_decompress=False, timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=timeout.get("connect"), sock_read=timeout.get("read")))
        return httpx2.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _body_of(request: httpx2.Request) -> bytes | AsyncIterator[bytes] | None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > _MOST_AT_ONCE and isinstance(request.stream, httpx2.AsyncByteStream):
        return aiter(request.stream)
    return await request.aread() or None


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in body_chunks(self._answer):
            yield chunk

    async def aclose(self) -> None:
        await self._answer.__aexit__(None, None, None)
