"""Every vendor on loopback in one process that nobody kills: slow, fickle, and with results that expire.

Prints its addresses as one line of JSON, and answers `GET /report` on the first of them with what it saw.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.router.backends.azure_server import AzureServer
from tests.router.backends.bfl_server import BflServer
from tests.router.backends.cloudflare_server import CloudflareServer
from tests.router.backends.compatible_server import CompatibleServer
from tests.router.backends.fal_server import FalServer
from tests.router.backends.loopback import Loopback
from tests.router.backends.openai_batch_server import OpenAIBatchServer
from tests.router.backends.replicate_server import ReplicateServer

COURSES = ("ok",) * 16 + ("refused", "busy", "unavailable", "broken")
WORK_S = (0.3, 2.5)
EXPIRES_S = 60.0
"""Ten times sooner than at Black Forest Labs, sixty times sooner than at Replicate."""


@dataclass
class Fickle(Loopback):
    """What happens next is drawn; when work began and whether its result was fetched too late is remembered."""

    chance: random.Random = field(default_factory=lambda: random.Random(7))
    began: dict[str, float] = field(default_factory=dict)
    takes: dict[str, float] = field(default_factory=dict)
    made: int = 0
    late: int = 0

    def course(self) -> str:
        return self.chance.choice(COURSES)

    def is_running(self, job: str) -> bool:
        """Whether a job is still at work; the first question of it begins nothing, its submission did."""
        began = self.began.setdefault(job, time.monotonic())
        takes = self.takes.setdefault(job, self.chance.uniform(*WORK_S))
        return time.monotonic() < began + takes

    def is_expired(self, job: str) -> bool:
        """Whether a result is gone; it is counted."""
        gone = time.monotonic() > self.began.get(job, time.monotonic()) + self.takes.get(job, 0.0) + EXPIRES_S
        self.late += gone
        return gone

    def facts(self) -> dict[str, int]:
        return {"made": self.made, "fetched_too_late": self.late}


@dataclass
class ByJob(Fickle):
    """Takes work under an id of its own."""

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        jobs: dict[str, Any] = self.jobs  # type: ignore[attr-defined]
        before = len(jobs)
        answer: web.StreamResponse = await super()._submit(request)  # type: ignore[misc]
        for job in list(jobs)[before:]:
            self.is_running(job)
            self.made += 1
        return answer


@dataclass
class SlowBfl(ByJob, BflServer):
    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.query["id"]
        if job in self.jobs and self.jobs[job][0] == "ok":
            if self.is_running(job):
                return web.json_response({"id": job, "status": "Pending", "result": None})
            self.asked[job] = 9
            if self.is_expired(job):
                return web.json_response({"id": job, "status": "Task not found", "result": None}, status=404)
        return await super()._state(request)


@dataclass
class SlowFal(ByJob, FalServer):
    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        if job in self.jobs and self.jobs[job][0] == "ok":
            if self.is_running(job):
                return web.json_response({"status": "IN_PROGRESS"}, status=202)
            self.asked[job] = 9
        return await super()._state(request)


@dataclass
class SlowReplicate(ByJob, ReplicateServer):
    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        if job in self.jobs and self.jobs[job][0] == "ok":
            if self.is_running(job):
                return web.json_response(self._task(job, "processing"))
            self.asked[job] = 9
        return await super()._state(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if self.is_expired(request.match_info["job"]):
            return web.Response(status=404)
        return await super()._file(request)


@dataclass
class OnTheLine(Fickle):
    """Answers when it has made the picture; who hangs up before has paid for it."""

    async def _images(self, request: web.Request) -> web.StreamResponse:
        self.made += 1
        await asyncio.sleep(self.chance.uniform(*WORK_S))
        return await super()._images(request)  # type: ignore[misc,no-any-return]


@dataclass
class SlowOpenAI(OnTheLine, OpenAIBatchServer):
    def facts(self) -> dict[str, int]:
        return super().facts() | {"batches": len(self.batches), "uploads": len(self.uploads)}


@dataclass
class SlowAzure(OnTheLine, AzureServer):
    """Its own words for errors are drawn as those of OpenAI."""


@dataclass
class SlowCompatible(OnTheLine, CompatibleServer):
    """Together, DeepInfra, Azure FLUX, our own worker."""


@dataclass
class SlowCloudflare(Fickle, CloudflareServer):
    async def _run(self, request: web.Request) -> web.StreamResponse:
        self.made += 1
        await asyncio.sleep(self.chance.uniform(*WORK_S))
        return await super()._run(request)


class Hooks:
    """A receiver of webhooks that fails now and then."""

    def __init__(self) -> None:
        self.events: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self.chance = random.Random(11)
        self.failed = set[str]()

    async def hear(self, request: web.Request) -> web.StreamResponse:
        event, message = await request.json(), request.headers["webhook-id"]
        if self.chance.random() < 0.2 and message not in self.failed:
            self.failed.add(message)  # once: the third try would come after minutes
            return web.Response(status=500)
        self.events[event["data"]["id"]].append((request.headers["webhook-id"], event["type"]))
        return web.Response(status=204)


def servers() -> dict[str, Any]:
    """Every vendor's server by the vendor's id; new ones are added here."""
    made: dict[str, Any] = {"openai": SlowOpenAI(), "bfl": SlowBfl(), "fal": SlowFal(), "replicate": SlowReplicate(),
                            "azure": SlowAzure(), "cloudflare": SlowCloudflare()}
    return made | {name: SlowCompatible(speaks=name) for name in ("together", "deepinfra", "azure-flux", "worker")}


async def serve() -> None:
    fleet, hooks = servers(), Hooks()
    for server in fleet.values():
        await server.__aenter__()

    async def report(_: web.Request) -> web.StreamResponse:
        ids = [message for heard in hooks.events.values() for message, _ in heard]
        return web.json_response({
            "vendors": {name: server.facts() for name, server in fleet.items()},
            "hooks": {"refused": len(hooks.failed), "repeated": sum(count - 1 for count in Counter(ids).values())},
            "events": {job: [kind for _, kind in dict.fromkeys(heard)] for job, heard in hooks.events.items()}})

    app = web.Application()
    app.add_routes([web.get("/report", report), web.post("/hook", hooks.hear)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    told = {"report": f"http://{host}:{port}"} | {name: server.url for name, server in fleet.items()}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
