"""What the loopback servers share: they listen on a free port, answer as scripted, remember what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HTML", "Loopback", "Seen", "give", "half_closed", "hung_up"]

HTML = "<!doctype html><html><body>Please log in</body></html>"
_LATE_S = 0.05


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; files of a form are (name, file name, type, bytes)."""

    method: str
    path: str
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    files: tuple[tuple[str, str, str, bytes], ...] = ()


async def give(request: web.Request) -> Seen:
    """Read a request: JSON or a form."""
    fields: dict[str, Any] = {}
    files = []
    if request.content_type == "application/json":
        fields = json.loads(await request.read())
    elif request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert part.name is not None
            if part.filename is not None:
                files.append((part.name, part.filename, part.headers.get("Content-Type", ""), bytes(await part.read())))
            else:
                fields[part.name] = await part.text()
    return Seen(request.method, request.path_qs, dict(request.headers), fields, tuple(files))


async def hung_up(request: web.Request, *_: object) -> web.StreamResponse:
    """Close the connection without a word."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def half_closed(request: web.Request, body: bytes, kind: str) -> web.StreamResponse:
    """Promise a whole body, send half of it, close."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": kind})
    await response.prepare(request)
    await response.write(body[:len(body) // 2])
    return await hung_up(request)


async def _html(*_: object) -> web.StreamResponse:
    return web.Response(text=HTML, content_type="text/html")


async def _not_json(_: web.Request, body: bytes, kind: str) -> web.StreamResponse:
    return web.Response(body=body[:len(body) // 2], content_type=kind)


async def _late(_: web.Request, body: bytes, kind: str) -> web.StreamResponse:
    await asyncio.sleep(_LATE_S)
    return web.Response(body=body, content_type=kind)


async def _chunked(request: web.Request, body: bytes, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for at in range(0, len(body), 1000):
        await response.write(body[at:at + 1000])
    return response


async def _compressed(_: web.Request, body: bytes, kind: str) -> web.StreamResponse:
    packed = web.Response(body=body, content_type=kind)
    packed.enable_compression(web.ContentCoding.gzip)
    return packed


async def _redirect(*_: object) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"})


async def _endless(request: web.Request, _: bytes, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" " * 2**16)
    return response


async def _enormous(request: web.Request, _: bytes, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(2**40)})
    await response.prepare(request)
    return response


_SHARED = {"html": _html, "not_json": _not_json, "hung_up": hung_up, "half_closed": half_closed, "late": _late,
           "chunked": _chunked, "compressed": _compressed, "redirect": _redirect, "endless": _endless,
           "enormous": _enormous}


@dataclass
class Loopback:
    """A server on 127.0.0.1; `then` scripts how the next jobs go, `ok` where nothing is scripted."""

    key: ClassVar[str] = "sk-loopback-secret"
    script: deque[str] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    def then(self, *courses: str) -> Self:
        self.script.extend(courses)
        return self

    def course(self) -> str:
        return self.script.popleft() if self.script else "ok"

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**28)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def shared(self, course: str, request: web.Request, body: bytes,
                     kind: str = "application/json") -> web.StreamResponse | None:
        """What any server can do with an answer; None for a course it does not know."""
        misbehave = _SHARED.get(course)
        return None if misbehave is None else await misbehave(request, body, kind)
