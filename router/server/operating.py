"""What an operator asks of the server itself: whether it lives, whether it can work, its metrics and its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .openapi import openapi_document

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["Operating"]


class Operating:
    """Handlers for a watchdog, a load balancer and Prometheus."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """The process answers; nothing else is said, and no key is asked for."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """The books can be read and there is something to ask."""
        router = self._desk.router
        await router.ledger.spent(())
        options = len(router.compiled.catalogue.options)
        return web.json_response({"status": "ready" if options else "no option", "options": options,
                                  "in_flight": self._desk.room.in_flight}, status=200 if options else 503)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """What was spent is nobody else's business: any tenant's key is asked for where there are keys."""
        self._desk.enter(request)
        metrics = self._desk.metrics
        return web.Response(body=metrics.page(), headers={"Content-Type": metrics.content_type})

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        """The API, for people and for generators of clients."""
        return web.json_response(openapi_document())
