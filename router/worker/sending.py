"""Sending an answer and seeing whether it arrived: who hung up is noticed, who reads slowly is not waited for."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Scope, Send

__all__ = ["Streamed", "Whole", "until_gone"]

_DELIVER_S = 60.0
_CHUNK = 256 * 1024


async def until_gone(receive: Receive) -> None:
    """Returns when the caller has hung up: uvicorn does not cancel a handler for that."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Whole:
    """An answer of known length. `sent(whole, seconds)` is told whether all of it was taken.

    The last, empty piece is sent after the caller was looked for, since a server says `http.disconnect` after a whole
    answer too.
    """

    def __init__(self, body: bytes, headers: Mapping[str, str], *, sent: Callable[[bool, float], None]) -> None:
        self._body, self._headers, self._sent = memoryview(body), headers, sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, by ASGI's rules."""
        del scope
        begun, whole, gone = monotonic(), False, asyncio.ensure_future(until_gone(receive))
        headers = {**self._headers, "Content-Length": str(len(self._body))}
        try:
            async with asyncio.timeout(_DELIVER_S):
                await send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
                for at in range(0, len(self._body), _CHUNK):
                    await send({"type": "http.response.body", "body": bytes(self._body[at:at + _CHUNK]),
                                "more_body": True})
                    await _look_around()
                    if gone.done():
                        return
                whole = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            whole = False
        finally:
            gone.cancel()
            self._sent(whole, monotonic() - begun)


class Streamed:
    """Server-sent events; the source is closed as soon as the caller has hung up."""

    def __init__(self, events: AsyncIterator[bytes], *, leave: Callable[[], None]) -> None:
        self._events, self._leave = events, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, by ASGI's rules."""
        del scope
        gone = asyncio.ensure_future(until_gone(receive))
        sending = asyncio.ensure_future(self._send(send))
        try:
            await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave()
            gone.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.wait((sending,))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        await send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items() if value]


async def _look_around() -> None:
    """Let the loop hear that a connection was lost."""
    for _ in range(2):
        await asyncio.sleep(0)
