"""A backend against its loopback server, with everything watched that must hold in every course."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from router.backends.dialects import load_dialects
from router.backends.protocol import Job
from router.backends.registry import open_backend
from router.backends.wiring import Wiring
from router.quantities import Size
from router.request import ImageRequest
from router.settings import BackendSettings, Secret
from router.vendors import load_vendors
from tests.router.backends.azure_server import AzureServer
from tests.router.backends.bfl_server import BflServer
from tests.router.backends.cloudflare_server import ACCOUNT, CloudflareServer
from tests.router.backends.compatible_server import CompatibleServer
from tests.router.backends.fal_server import FalServer
from tests.router.backends.openai_server import OpenAIServer
from tests.router.backends.replicate_server import ReplicateServer
from tests.tables import DATA

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from router.backends.protocol import Backend, Reply
    from router.pictures import Picture
    from router.vendors import Vendor
    from tests.router.backends.loopback import Loopback

__all__ = ["ENTRIES", "PROMPT", "Bench", "CountingGate", "Entry", "Watching", "run", "settings_for"]

PROMPT = "a red bicycle nobody may read about"
VENDORS, DIALECTS = load_vendors([DATA]), load_dialects([DATA])


@dataclass(frozen=True)
class Entry:
    """One backend of the contract: its vendor's row, its server, and a model."""

    vendor: str
    server: Callable[[], Loopback]
    wire_model: str
    base: str = "/v1"
    quality: str = ""

    @property
    def row(self) -> Vendor:
        return VENDORS[self.vendor]


ENTRIES = (
    Entry("openai", OpenAIServer, "gpt-image-2", quality="low"),
    Entry("bfl", BflServer, "flux-2-pro", base=""),
    Entry("fal", FalServer, "fal-ai/flux-2/klein/9b", base=""),
    Entry("replicate", ReplicateServer, "black-forest-labs/flux-2-pro"),
    Entry("azure", AzureServer, "gpt-image-2", base="/openai/v1", quality="low"),
    Entry("cloudflare", CloudflareServer, "@cf/black-forest-labs/flux-2-dev", base=f"{ACCOUNT}/run"),
    *(Entry(vendor, lambda vendor=vendor: CompatibleServer(speaks=vendor), model) for vendor, model in (
        ("together", "black-forest-labs/FLUX.2-dev"), ("deepinfra", "black-forest-labs/FLUX-2-dev"),
        ("azure-flux", "FLUX.2-pro"),
        ("vllm-omni", "black-forest-labs/FLUX.2-klein-4B"), ("sglang", "black-forest-labs/FLUX.2-dev"),
        ("worker", "flux-2-klein-4b"))),
)


class CountingGate:
    """A gate that never waits and knows what is inside."""

    def __init__(self) -> None:
        self.held = self.entered = self.most = 0

    async def enter(self, expected_bytes: int) -> None:
        assert expected_bytes > 0
        self.held += expected_bytes
        self.entered += 1
        self.most = max(self.most, self.held)

    def leave(self, expected_bytes: int) -> None:
        assert expected_bytes >= 0
        self.held -= expected_bytes
        assert self.held >= 0


@dataclass
class Watching:
    jobs: list[tuple[str, Decimal | None]] = field(default_factory=list)
    partials: list[tuple[int, Picture]] = field(default_factory=list)

    async def submitted(self, provider_job: str, cost_usd: Decimal | None) -> None:
        self.jobs.append((provider_job, cost_usd))

    async def partial(self, index: int, picture: Picture) -> None:
        self.partials.append((index, picture))


def settings_for(vendor: str, base_url: str, key: str) -> BackendSettings:
    return BackendSettings(
        name=f"my-{vendor}", vendor=VENDORS[vendor], base_url=base_url, key=Secret(key), key_env="LOOPBACK_KEY",
        models=(), loras=(), simulated=False, time_scale=1.0, region="", retention_days=None, may_train=None,
        images_per_minute=None, concurrent=None, usd_per_month=None, own=None)


class Bench:
    """`async with Bench(entry) as bench: await bench.make()`; leaves nothing behind."""

    def __init__(self, entry: Entry, *, gate: Any = None, key: str = "") -> None:
        self.entry, self.server = entry, entry.server()
        self.gate, self.watching = gate or CountingGate(), Watching()
        self.key, self.waits = key or self.server.key, list[float]()

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        self.backend = self.open(self.server.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.backend.close()
        await self.server.__aexit__()

    def open(self, url: str) -> Backend:
        settings = settings_for(self.entry.vendor, url + self.entry.base, self.key)
        return open_backend(Wiring(settings, self.gate, DIALECTS.get(self.entry.vendor), sleep=self._sleep))

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def job(self, n: int = 1, size: str = "64x64", **wishes: Any) -> Job:
        return Job(ImageRequest(PROMPT, **wishes), self.entry.wire_model, n, Size.parse(size), self.entry.quality,
                   "request-1.101")

    async def make(self, *courses: str, job: Job | None = None) -> Reply:
        """The reply; what it holds at the gate is left for."""
        self.server.then(*courses)
        reply = await self.backend.make(job or self.job(), self.watching)
        assert self.gate.held == reply.held_bytes
        self.gate.leave(reply.held_bytes)
        return reply


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run it, and see that no task, no error of the loop and no session is left."""
    told: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        await scenario()
        ending = asyncio.all_tasks() - {asyncio.current_task()}
        if ending:
            await asyncio.wait(ending, timeout=1.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(watched())
    assert told == []
