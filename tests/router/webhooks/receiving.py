"""A receiver on loopback, a clock that can be put forward, jobs with events, and what the sender tells."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from router.ledger.job_protocol import JobEnd, JobRow
from router.ledger.open import open_ledger
from router.settings import Secret, Tenant
from router.webhooks.body import event_body
from router.webhooks.sender import WebhookSender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from router.events import Event
    from router.ledger.protocol import Ledger

__all__ = ["HERE", "SECRETS", "Receiver", "Seen", "Told", "add_job", "end_job", "opened", "sending", "tenant"]

SECRETS = ("whsec_" + "QUJD" * 8, "whsec_" + "eHl6" * 10)
HERE = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Seen:
    """One try as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers as scripted by path, 204 where nothing is scripted: a status, (status, headers), or a word."""

    script: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._open, self._more = asyncio.Event(), asyncio.Event()
        self._server = await asyncio.start_server(self._answer_raw, "127.0.0.1", 0)
        app = web.Application()
        app.router.add_post("/{any:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.set()
        self._server.close()
        await self._runner.cleanup()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def open(self) -> None:
        """Those that hang are answered."""
        self._open.set()

    async def has_seen(self, times: int) -> None:
        """Once so many tries have arrived."""
        while len(self.seen) < times:
            self._more.clear()
            await self._more.wait()

    @property
    def garbage_url(self) -> str:
        """Something that speaks no HTTP."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def _answer_raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readline()
        writer.write(b"\x00\xffnot at all HTTP\r\n\r\n")
        writer.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.seen.append(Seen(request.path, dict(request.headers), body))
        self._more.set()
        scripted = self.script[request.path]
        answer = scripted.pop(0) if len(scripted) > 1 else scripted[0] if scripted else 204
        if answer == "hang":
            await self._open.wait()
            return web.Response(status=204)
        if answer == "hang up":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if answer == "endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65_536)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.Response(status=status, headers=headers, body=b"" if status == 204 else b"<html>an answer</html>")


@dataclass
class Clock:
    """The machine's clock, put forward by hand."""

    ahead: timedelta = timedelta()

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()

    def now(self) -> datetime:
        return datetime.now(tz=UTC) + self.ahead


@dataclass
class Told:
    """What the sender tells."""

    events: list[Event] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def heard(self, name: str, times: int = 1) -> list[Event]:
        """Events of a name, once there are so many."""
        while len(found := [event for event in self.events if event.name == name]) < times:
            self._more.clear()
            await self._more.wait()
        return found


def tenant(name: str = "acme", secrets: tuple[str, ...] = SECRETS[:1]) -> Tenant:
    return Tenant(name, (), admin=False, usd_per_month=None, project_usd_per_month={}, images_per_minute=None,
                  data_class="public", segment="", answers="b64_json", keep_prompts=False,
                  webhook_secrets=tuple(Secret(text) for text in secrets))


@asynccontextmanager
async def opened(folder: Path, *, lease_s: float = 15.0) -> AsyncIterator[Ledger]:
    ledger = open_ledger(f"sqlite:///{folder}/books.sqlite", lease_s=lease_s)
    try:
        yield ledger
    finally:
        await ledger.close()


async def add_job(ledger: Ledger, name: str, url: str, *, of: str = "acme") -> None:
    """A job that has begun: its first event waits to be sent."""
    now = datetime.now(tz=UTC)
    await ledger.jobs.add(JobRow(name, of, "queued", "generate", "bulk", "now", 1, now, now + timedelta(hours=1), now,
                                 webhook_url=url))
    await ledger.jobs.take(100, at=now + timedelta(seconds=1), telling=lambda row: event_body(row, at=now))


async def end_job(ledger: Ledger, name: str) -> None:
    """Its second event waits as well."""
    now = datetime.now(tz=UTC)
    await ledger.jobs.end(JobEnd(name, "done", now, now + timedelta(days=1)),
                          telling=lambda row: event_body(row, at=now))


@asynccontextmanager
async def sending(ledger: Any, told: Told, *, clock: Clock | None = None, timeout_s: float = 5.0,
                  tenants: tuple[Tenant, ...] = (tenant(),), hosts: tuple[str, ...] = HERE) -> (
                      AsyncIterator[WebhookSender]):
    sender = WebhookSender(ledger.jobs, {one.name: one for one in tenants}, clock=clock or Clock(), hosts=hosts,
                           tell=told, timeout_s=timeout_s)
    sender.start()
    try:
        yield sender
    finally:
        await sender.stop()
