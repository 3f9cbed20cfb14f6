"""A server in this process over a folder of policies, so that its upkeep can look more often than every half minute."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

from router.building import settings_of
from router.live import Router
from router.policy import load_policy
from router.policy_store import PolicyStore
from router.server.app import make_app

from .serving import GPU, OPENAI, write_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from router.events import Event

DEAD = '[[backend]]\nname = "bfl"\nvendor = "bfl"\nbase_url = "http://127.0.0.1:9"'
"""Nobody listens there."""
GOOD = """name = "{name}"
[segment.default]
size = "1024x640"
models = ["{model}"]
qualities = {{ gpt-image = ["{quality}"] }}
"""


def policy_file(folder: Path, name: str, *, model: str = "gpt-image-2", quality: str = "low", more: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(GOOD.format(name=name, model=model, quality=quality) + more)
    return path


def prepared(folder: Path, *tables: str, **settings: str) -> PolicyStore:
    """A router.toml over three simulated backends, and a first policy in force."""
    store = PolicyStore(folder / "policies")
    store.publish(policy_file(folder, "steady"), at=datetime.now(tz=UTC), by="ann", why="")
    scaled = (*(f"{table}\ntime_scale = 0.0005\nimages_per_minute = 100000" for table in (OPENAI, GPU)), DEAD)
    write_settings(folder, *scaled, *tables, policy="policies/current.toml", **settings)
    return store


@dataclass
class Served:
    """One router and its server."""

    router: Router
    url: str
    session: ClientSession
    events: list[Event] = field(default_factory=list)

    async def ask(self, path: str, body: Any = None, *, method: str = "", **headers: str) -> tuple[int, Any, Any]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        if data is not None:
            told["content-type"] = "application/json"
        async with self.session.request(method or ("GET" if body is None else "POST"), self.url + path, data=data,
                                        headers=told) as answer:
            text = await answer.text()
            kind = answer.headers.get("content-type", "")
            return answer.status, answer.headers, json.loads(text) if "json" in kind else text

    async def make(self, count: int, *, prompt: str = "a red bicycle", at_once: int = 16) -> list[str]:
        """So many requests, told apart by their prompts; the digests of the policies that decided those delivered."""
        gate = asyncio.Semaphore(at_once)

        async def one(number: int) -> str:
            async with gate:
                status, headers, body = await self.ask("/v1/images/generations", {
                    "prompt": f"{prompt}, number {number}", "response_format": "url"})
                return str(headers["x-router-policy"]) if status == 200 else str(body["error"]["code"])
        return await asyncio.gather(*map(one, range(count)))

    async def until(self, name: str) -> Event:
        """The event of a name, as soon as it was told."""
        await eventually(lambda: any(event.name == name for event in self.events))
        return next(event for event in self.events if event.name == name)


async def eventually(holds: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Go on as soon as something holds."""
    for _ in range(int(within_s / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """A server on loopback; several may share a folder, as processes do."""
    settings = settings_of(folder / "router.toml", {"BFL_API_KEY": "bfl-test"})
    assert settings.policy is not None
    router = Router(settings, load_policy(settings.policy), environ={})
    events: list[Event] = []
    router.hooks.append(events.append)
    async with router, ClientSession() as session:
        runner = web.AppRunner(make_app(router), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Served(router, f"http://127.0.0.1:{runner.addresses[0][1]}", session, events)
        finally:
            await runner.cleanup()
