"""Images as server-sent events: previews as they come, then the pictures; a comment now and then keeps lines open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import RouterError
from .answers import completed_event, ignored_header, partial_event, write_chunks
from .problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..images import Images
    from ..pictures import Picture
    from .exchange import Exchange

__all__ = ["HEARTBEAT_S", "stream_images"]

HEARTBEAT_S = 15.0


async def stream_images(exchange: Exchange) -> web.StreamResponse:
    """Send events; headers go out with the first of them, so that an early error keeps its status."""
    previews: asyncio.Queue[Iterable[bytes | memoryview]] = asyncio.Queue()
    request = exchange.wishes.request

    async def heard(index: int, picture: Picture) -> None:
        await previews.put(partial_event(request.operation, picture, index=index, created_at=int(time.time()),
                                         quality=request.quality))

    making = asyncio.ensure_future(exchange.answer(heard))
    response = _response(exchange)
    try:
        await _forward(exchange, response, previews, making)
        images = await making
    except RouterError as error:
        if not response.prepared:
            raise
        return await _broken_off(exchange, response, error)
    except (ConnectionError, asyncio.CancelledError):
        await _hung_up(exchange, making)
        raise
    return await exchange.deliver(images, lambda: _completed(exchange, response, images))


def _response(exchange: Exchange) -> web.StreamResponse:
    return web.StreamResponse(headers={
        "Content-Type": "text/event-stream", "Cache-Control": "no-cache", "x-request-id": exchange.request_id,
        "x-router-request-id": exchange.request_id, **ignored_header(exchange.wishes.ignored)})


async def _forward(exchange: Exchange, response: web.StreamResponse,
                   previews: asyncio.Queue[Iterable[bytes | memoryview]], making: asyncio.Task[Images]) -> None:
    """Pass previews on until the images are there."""
    while not making.done() or not previews.empty():
        getting = asyncio.ensure_future(previews.get())
        try:
            await asyncio.wait({getting, making}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            getting.cancel()
        if getting.done():
            await _write(exchange, response, getting.result())
        elif not making.done():
            await _write(exchange, response, (b": still working\n\n",))


async def _write(exchange: Exchange, response: web.StreamResponse, chunks: Iterable[bytes | memoryview]) -> None:
    if not response.prepared:
        await response.prepare(exchange.http)
    await write_chunks(response, chunks)


async def _completed(exchange: Exchange, response: web.StreamResponse, images: Images) -> web.StreamResponse:
    for index in range(len(images.pictures)):
        await _write(exchange, response, completed_event(exchange.wishes.request.operation, images, index=index))
    await response.write_eof()
    return response


async def _broken_off(exchange: Exchange, response: web.StreamResponse, error: RouterError) -> web.StreamResponse:
    """An error after the headers can only be an event."""
    problem = problem_of(error, exchange.request_id)
    await _write(exchange, response, (b"event: error\ndata: ", problem.body(), b"\n\n"))
    await response.write_eof()
    return response


async def _hung_up(exchange: Exchange, making: asyncio.Task[Images]) -> None:
    if not making.done():
        making.cancel()
    elif not making.cancelled() and making.exception() is None:
        await exchange.keep(making.result())
        exchange.router.release(making.result())
