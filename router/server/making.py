"""Images over HTTP: generations and edits, as one answer or as events; a caller that hangs up loses nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from ..errors import BadRequest, LedgerError
from ..request import ImageRequest
from .answers import send_images, urls_of
from .desk import REQUEST_ID
from .exchange import Exchange
from .job_answers import accept_job, refuse_waiting, wants_job
from .problems import Problem
from .reading import read_edit, read_generation
from .streams import stream_images
from .watching import refuse_in_shadow

if TYPE_CHECKING:

    from aiohttp import web

    from ..images import Images
    from ..settings import Tenant
    from .desk import Desk
    from .room import Intake
    from .wishes import Wishes

__all__ = ["Making"]

_LONGEST_KEY = 255


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
        refuse_in_shadow(self._desk)
        with self._desk.room.one() as intake:
            key, wishes = await self._read(request, intake, tenant=tenant, operation=operation)
            self._desk.doors.count(tenant, images=wishes.request.n, now=time.monotonic())
            exchange = Exchange(self._router, request, wishes, key)
            if wants_job(request):
                return await accept_job(exchange)
            refuse_waiting(wishes)
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
