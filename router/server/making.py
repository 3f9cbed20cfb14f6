"""Images over HTTP: generations and edits, as one answer or as events; a caller that hangs up loses nothing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import BadRequest, LedgerError
from ..request import ImageRequest
from ..waiting import Wait
from .answers import send_images, urls_of
from .desk import REQUEST_ID
from .problems import Problem
from .reading import read_edit, read_generation
from .streams import stream_images

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from ..images import Images
    from ..live import Router
    from ..pictures import Picture
    from ..settings import Tenant
    from .desk import Desk
    from .room import Intake
    from .wishes import Wishes

__all__ = ["Exchange", "Making"]

_LONGEST_KEY = 255
_SEND_S = 120.0


@dataclass(frozen=True)
class Exchange:
    """One request for images and its caller's line."""

    router: Router
    http: web.Request
    wishes: Wishes
    key: str

    @property
    def request_id(self) -> str:
        """Its row in the books."""
        return self.http[REQUEST_ID]

    @property
    def base_url(self) -> str:
        """How the caller reaches this server."""
        return self.router.settings.server.public_url or f"{self.http.scheme}://{self.http.host}"

    async def answer(self, on_partial: Callable[[int, Picture], Awaitable[None]] | None = None) -> Images:
        """The images; the router learns from the cancellation of this that the caller hung up."""
        is_retry = self.http.headers.get("x-stainless-retry-count", "0") not in ("", "0")
        return await self.router.answer(self.wishes.request, wait=Wait(on_partial, is_retry=is_retry),
                                        request_id=self.request_id, idempotency_key=self.key)

    async def deliver(self, images: Images, send: Callable[[], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """Send images; where the line breaks, or nobody reads, they are kept for the caller's retry."""
        try:
            async with asyncio.timeout(_SEND_S):
                return await send()
        except (ConnectionError, asyncio.CancelledError, TimeoutError) as error:
            await self.keep(images)
            if not isinstance(error, TimeoutError):
                raise
            raise self._cut_off() from None
        finally:
            self.router.release(images)

    def _cut_off(self) -> ConnectionError:
        """A reader that has stopped must not hold bytes that others wait for."""
        if self.http.transport is not None:
            self.http.transport.abort()
        return ConnectionResetError()

    async def keep(self, images: Images) -> None:
        """Keep what the caller did not hear."""
        await asyncio.shield(self.router.keep_unread(self.wishes.request, images, idempotency_key=self.key))


class Making:
    """Handlers that may spend money."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._router = desk, desk.router

    async def generations(self, request: web.Request) -> web.StreamResponse:
        """Images of a prompt."""
        return await self._made(request, "generate")

    async def edits(self, request: web.Request) -> web.StreamResponse:
        """Images of a prompt and other images."""
        return await self._made(request, "edit")

    async def variations(self, request: web.Request) -> web.StreamResponse:
        """Nobody makes these any more."""
        self._desk.enter(request)
        raise Problem(404, "variations went with DALL-E 2; use /v1/images/edits with a prompt", code="not_found")

    async def _made(self, request: web.Request, operation: Literal["generate", "edit"]) -> web.StreamResponse:
        tenant = self._desk.enter(request)
        with self._desk.room.one() as intake:
            key, wishes = await self._read(request, intake, tenant=tenant, operation=operation)
            self._desk.doors.count(tenant, images=wishes.request.n, now=time.monotonic())
            exchange = Exchange(self._router, request, wishes, key)
            return await (stream_images(exchange) if wishes.stream else _whole(exchange))

    async def _read(self, request: web.Request, intake: Intake, *, tenant: Tenant | None,
                    operation: Literal["generate", "edit"]) -> tuple[str, Wishes]:
        """A request that cannot be read has its row in the books, too."""
        try:
            if operation == "edit":
                wishes = await read_edit(request, intake, tenant=tenant,
                                         hosts=self._router.settings.server.image_hosts)
            else:
                wishes = await read_generation(request, intake, tenant=tenant)
            return _key_of(request), wishes
        except BadRequest as error:
            unread = ImageRequest("", operation=operation, tenant=tenant.name if tenant else "")
            await self._router.reject(unread, error, request_id=request[REQUEST_ID])
            raise


async def _whole(exchange: Exchange) -> web.StreamResponse:
    images = await exchange.answer()

    async def send() -> web.StreamResponse:
        urls = await _urls(exchange, images) if exchange.wishes.answers == "url" else ()
        return await send_images(exchange.http, images, wishes=exchange.wishes, urls=urls)

    return await exchange.deliver(images, send)


async def _urls(exchange: Exchange, images: Images) -> tuple[str, ...]:
    """Addresses of the pictures; none where the folder cannot be written: what was paid for goes out as base64."""
    try:
        names = [await exchange.router.store.keep(picture) for picture in images.pictures]
    except LedgerError:
        return ()
    return urls_of(exchange.base_url, tuple(names))


def _key_of(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise BadRequest(f"Idempotency-Key: up to {_LONGEST_KEY} printable characters", param="Idempotency-Key",
                         code="invalid_idempotency_key")
    return key
