"""Watching over HTTP: a request that somebody else answers is decided here, too, and both are noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..adopting.actual import read_actual
from ..decision_report import decision_json
from ..errors import BadRequest
from .desk import REQUEST_ID
from .problems import Problem
from .reading import read_document, read_fields

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["Watching", "refuse_in_shadow"]


class Watching:
    """Handlers of a service that moves no traffic yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._router = desk, desk.router

    async def shadow(self, request: web.Request) -> web.StreamResponse:
        """Decide as `/v1/decide` does, and note it beside `actual`: model, usd, state, latency_s, as far as known."""
        tenant = self._desk.enter(request)
        with self._desk.room.one() as intake:
            document = await read_document(request, intake)
            told = document.pop("actual", None)
            if not isinstance(told, dict | None):
                raise BadRequest("actual: give an object", param="actual", code="invalid_type")
            actual = read_actual(told or {})
            wishes = read_fields(document, tenant=tenant)
            decision = await self._router.watch(wishes.request, actual=actual, request_id=request[REQUEST_ID])
            return web.json_response(decision_json(decision) | {"recorded": request[REQUEST_ID]})


def refuse_in_shadow(desk: Desk) -> None:
    """Nothing is sent by a server that only watches.

    Raises:
        Problem: 403, where it is one.
    """
    if desk.router.settings.server.mode == "shadow":
        raise Problem(403, "this server only watches and sends nothing: ask /v1/decide or /v1/shadow; to serve, its "
                      'operator writes mode = "serve" under [server]', code="shadow_mode")
