"""The least a relay of aiohttp does: stream the vendor's answer to the caller. `plain.py PORT UPSTREAM_PORT`.

No key, no decision, no money, no books: the reference beside which the router is measured.
"""

from __future__ import annotations

import sys
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

__all__ = ["Relay"]


class Relay:
    """One session to the vendor for all callers."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: ClientSession | None = None

    async def open(self, _app: web.Application) -> None:
        """Make the session inside the running loop."""
        self._session = ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(),
                                      timeout=ClientTimeout(total=None), auto_decompress=False)

    async def close(self, _app: web.Application) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def relay(self, request: web.Request) -> web.StreamResponse:
        """One request to the vendor, its answer as it comes."""
        if self._session is None:
            raise web.HTTPServiceUnavailable
        headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
        async with self._session.post(self._upstream + request.path, data=await request.read(),
                                      headers=headers) as answer:
            told: dict[str, Any] = {name: answer.headers[name] for name in ("Content-Type", "Content-Length")
                                    if name in answer.headers}
            response = web.StreamResponse(status=answer.status, headers=told)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        return response

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        """It is up."""
        return web.Response(text="ok")


def _main(port: int, upstream_port: int) -> None:
    relay = Relay(f"http://127.0.0.1:{upstream_port}")
    app = web.Application(client_max_size=2**26)
    app.on_startup.append(relay.open)
    app.on_cleanup.append(relay.close)
    app.router.add_post("/v1/images/generations", relay.relay)
    app.router.add_get("/ready", relay.ready)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
