"""The server: OpenAI's Images API over one router, and what an operator needs beside it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..decision_report import decision_json
from ..errors import BadRequest, RouterError
from ..identity import new_request_id
from ..live import Router
from ..request import ImageRequest
from ..waiting import Wait
from .answers import completed_event, partial_event, send_images, urls_of
from .descriptors import models_document
from .doors import Doors
from .metrics import Metrics
from .openapi import openapi_document
from .problems import Problem, problem_of
from .reading import read_document, read_edit, read_generation
from .tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..pictures import Picture
    from ..settings import Tenant
    from .wishes import Wishes

__all__ = ["make_app"]

_HEARTBEAT_S = 15.0
_Handler = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


def make_app(router: Router) -> web.Application:
    """The application over an open router; who made the router closes it."""
    desk = _Desk(router)
    app = web.Application(middlewares=[desk.edge], client_max_size=router.settings.server.most_body_bytes)
    for prefix in ("/v1", ""):
        app.router.add_post(f"{prefix}/images/generations", desk.generations)
        app.router.add_post(f"{prefix}/images/edits", desk.edits)
        app.router.add_post(f"{prefix}/images/variations", desk.variations)
        app.router.add_get(f"{prefix}/models", desk.models)
        app.router.add_get(f"{prefix}/models/{{name:.+}}", desk.model)
    app.router.add_post("/v1/decide", desk.decide)
    app.router.add_post("/v1/images/{id}/outcome", desk.outcome)
    app.router.add_get("/v1/images/files/{name}", desk.file)
    app.router.add_get("/healthz", desk.health)
    app.router.add_get("/readyz", desk.ready)
    app.router.add_get("/metrics", desk.metrics)
    app.router.add_get("/openapi.json", desk.openapi)
    return app


class _Desk:
    def __init__(self, router: Router) -> None:
        self._router, self._doors = router, Doors(router.settings)
        self._metrics, self._tracing = Metrics(router.board), Tracing()
        self._in_flight = 0
        router.hooks += [self._metrics.hear, self._tracing.hear]

    @web.middleware
    async def edge(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """The one place where every error becomes an answer."""
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except RouterError as error:
            return problem_of(error, request.get("request_id", "")).response()
        except web.HTTPException as error:
            return _http_problem(error).response()
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 (the server's edge: a fault of ours must not look like an outage)
            self._metrics.fault(type(error).__name__)
            return Problem(500, f"a fault of this server ({type(error).__name__}); it was counted", code="internal_error",
                           request_id=request.get("request_id", "")).response()

    async def generations(self, request: web.Request) -> web.StreamResponse:
        tenant = self._enter(request)
        return await self._images(request, tenant, lambda: read_generation(request, tenant), "generate")

    async def edits(self, request: web.Request) -> web.StreamResponse:
        tenant = self._enter(request)
        return await self._images(request, tenant, lambda: read_edit(request, self._router.settings, tenant), "edit")

    async def variations(self, request: web.Request) -> web.StreamResponse:
        self._enter(request)
        raise Problem(404, "variations went with DALL-E 2; use /v1/images/edits with a prompt", code="not_found")

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Decide only; nothing is sent. An edit states `references`, the sizes of its images, in place of the images."""
        tenant = self._enter(request)
        wishes = await read_generation(request, tenant)
        return web.json_response(decision_json(await self._router.decide(wishes.request)))

    async def outcome(self, request: web.Request) -> web.StreamResponse:
        self._enter(request)
        document = await read_document(request)
        seconds = document.get("reviewer_seconds")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0):
            raise BadRequest("reviewer_seconds: give seconds", param="reviewer_seconds", code="invalid_type")
        image = document.get("image", 0)
        if isinstance(image, bool) or not isinstance(image, int):
            raise BadRequest("image: give its number, from 0", param="image", code="invalid_type")
        known = await self._router.record_outcome(
            request.match_info["id"], image=image, verdict=str(document.get("verdict", document.get("outcome", ""))),
            reason=str(document.get("reason", "")), reviewer_seconds=seconds)
        if not known:
            raise Problem(404, "no such request", code="not_found")
        return web.json_response({"recorded": True})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A stored picture; its unguessable name is the key."""
        path = self._router.store.path_of(request.match_info["name"])
        if path is None:
            raise Problem(404, "no such file, or it has expired", code="not_found")
        kind = path.suffix.lstrip(".")
        return web.FileResponse(path, headers={
            "Content-Type": f"image/{kind}", "X-Content-Type-Options": "nosniff", "Cache-Control": "private"})

    async def models(self, request: web.Request) -> web.StreamResponse:
        self._enter(request)
        return web.json_response(models_document(self._router.compiled))

    async def model(self, request: web.Request) -> web.StreamResponse:
        self._enter(request)
        wanted = request.match_info["name"]
        found = [entry for entry in models_document(self._router.compiled)["data"] if entry["id"] == wanted]
        if not found:
            raise Problem(404, f"no such model: {wanted[:80]}", code="model_not_found", param="model")
        return web.json_response(found[0])

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """The process answers."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """The books can be written to and there is something to ask."""
        await self._router.ledger.spent(())
        options = len(self._router.compiled.catalogue.options)
        return web.json_response({"status": "ready", "options": options, "in_flight": self._in_flight},
                                 status=200 if options else 503)

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._metrics.page(), headers={"Content-Type": self._metrics.content_type})

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(openapi_document())

    def _enter(self, request: web.Request) -> Tenant | None:
        request["request_id"] = new_request_id()
        return self._doors.tenant(request)

    async def _images(self, request: web.Request, tenant: Tenant | None, read: Callable[[], Awaitable[Wishes]],
                      operation: str) -> web.StreamResponse:
        limit = self._router.settings.server.most_in_flight
        if self._in_flight >= limit:
            raise Problem(503, f"{limit} requests are on their way, which is all this server holds", code="overloaded",
                          retry_after_s=1.0)
        self._in_flight += 1
        try:
            wishes = await self._read(request, tenant, read, operation)
            self._doors.count(tenant, images=wishes.request.n, now=time.monotonic())
            return await (self._streamed if wishes.stream else self._whole)(request, wishes)
        finally:
            self._in_flight -= 1

    async def _read(self, request: web.Request, tenant: Tenant | None, read: Callable[[], Awaitable[Wishes]],
                    operation: str) -> Wishes:
        """A request that cannot be read has its row in the books, too."""
        try:
            return await read()
        except BadRequest as error:
            unread = ImageRequest("", operation="edit" if operation == "edit" else "generate",
                                  tenant=tenant.name if tenant else "")
            await self._router.reject(unread, error, request_id=request["request_id"])
            raise

    async def _whole(self, request: web.Request, wishes: Wishes) -> web.StreamResponse:
        images = await self._answered(request, wishes, Wait(is_retry=_is_retry(request)))
        urls: tuple[str, ...] = ()
        if wishes.answers == "url":
            names = [await self._router.store.keep(picture) for picture in images.pictures]
            urls = urls_of(self._router.settings.server.public_url or f"{request.scheme}://{request.host}", tuple(names))
        try:
            return await send_images(request, images, wishes, urls=urls)
        finally:
            self._router.release(images)

    async def _answered(self, request: web.Request, wishes: Wishes, wait: Wait) -> Any:
        """A caller that hangs up is noticed: what was sent is kept, and nothing more is paid for."""
        try:
            return await self._router.answer(wishes.request, wait=wait, request_id=request["request_id"],
                                             idempotency_key=_key_of(request))
        except asyncio.CancelledError:
            wait.abandoned.set()
            raise

    async def _streamed(self, request: web.Request, wishes: Wishes) -> web.StreamResponse:
        """Server-sent events; headers go out with the first of them, so that an early error keeps its status."""
        events: asyncio.Queue[bytes] = asyncio.Queue()
        operation = wishes.request.operation

        async def heard(index: int, picture: Picture) -> None:
            await events.put(partial_event(operation, picture, index=index, created_at=int(time.time()),
                                           quality=wishes.request.quality))

        making = asyncio.ensure_future(self._answered(request, wishes, Wait(heard, is_retry=_is_retry(request))))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache",
                                               "x-router-request-id": request["request_id"]})
        try:
            await _forward(request, response, events, making)
            await _finish(request, response, making, operation)
        finally:
            if not making.done():
                making.cancel()
            elif making.exception() is None:
                self._router.release(making.result())
        return response


async def _forward(request: web.Request, response: web.StreamResponse, events: asyncio.Queue[bytes],
                   making: asyncio.Future[Any]) -> None:
    while not making.done() or not events.empty():
        getting = asyncio.ensure_future(events.get())
        await asyncio.wait({getting, making}, timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        chunk = getting.result() if getting.done() else b"" if making.done() else b": still working\n\n"
        getting.cancel()
        if chunk:
            if not response.prepared:
                await response.prepare(request)
            await response.write(chunk)


async def _finish(request: web.Request, response: web.StreamResponse, making: asyncio.Future[Any],
                  operation: str) -> None:
    try:
        images = making.result()
    except RouterError as error:
        if not response.prepared:
            raise
        problem = problem_of(error, request["request_id"])
        await response.write(b"event: error\ndata: " + (problem.response().body or b"") + b"\n\n")  # type: ignore[operator]
        await response.write_eof()
        return
    if not response.prepared:
        await response.prepare(request)
    try:
        for index in range(len(images.pictures)):
            await response.write(completed_event(operation, images, index=index))
        await response.write_eof()
    finally:
        images.release()


def _is_retry(request: web.Request) -> bool:
    return request.headers.get("x-stainless-retry-count", "0") not in ("", "0")


def _key_of(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 255 or not key.isprintable():  # noqa: PLR2004 (what the field's other services allow)
        raise BadRequest("Idempotency-Key: up to 255 printable characters", param="Idempotency-Key",
                         code="invalid_idempotency_key")
    return key


def _http_problem(error: web.HTTPException) -> Problem:
    texts = {404: "no such path; see /openapi.json", 405: "this path does not take that method",
             413: "the body is too large"}
    return Problem(error.status, texts.get(error.status, error.reason), code=error.reason.lower().replace(" ", "_"))
