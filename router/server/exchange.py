"""One request for images and its caller's line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..waiting import Wait
from .desk import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from ..images import Images
    from ..live import Router
    from ..pictures import Picture
    from .wishes import Wishes

__all__ = ["Exchange"]

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

    @property
    def is_retry(self) -> bool:
        """Whether the client says that it asked before and heard nothing."""
        return self.http.headers.get("x-stainless-retry-count", "0") not in ("", "0")

    async def answer(self, on_partial: Callable[[int, Picture], Awaitable[None]] | None = None) -> Images:
        """The images; the router learns from the cancellation of this that the caller hung up."""
        heir = self.router.heir(self.wishes.request, request_id=self.request_id, idempotency_key=self.key)
        return await self.router.answer(self.wishes.request, wait=Wait(on_partial, is_retry=self.is_retry, heir=heir),
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
