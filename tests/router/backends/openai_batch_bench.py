"""The batch lane against its loopback server: time stands still but for the pools, which wait until they are let go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.backends.openai import OpenAIBackend
from router.backends.openai_batch_terms import TERMS
from router.backends.wiring import Wiring
from tests.router.backends.bench import ENTRIES, Bench, Watching, settings_for
from tests.router.backends.openai_batch_server import OpenAIBatchServer

if TYPE_CHECKING:
    from pathlib import Path

    from router.backends.openai_batch_terms import BatchTerms
    from router.backends.protocol import Job, Reply

__all__ = ["BatchBench", "Steps"]

ENTRY = replace(next(entry for entry in ENTRIES if entry.vendor == "openai"), server=OpenAIBatchServer)


class Steps(Watching):
    """What was told, in order, beside what the vendor was asked by then."""

    def __init__(self, server: OpenAIBatchServer) -> None:
        super().__init__()
        self.server, self.at = server, list[tuple[str, tuple[str, ...]]]()
        self.told = asyncio.Condition()

    async def submitted(self, provider_job: str, cost_usd: Any) -> None:
        await asyncio.sleep(0)
        self.at.append((provider_job.partition("_")[0], tuple(self.server.asked)))
        async with self.told:
            await super().submitted(provider_job, cost_usd)
            self.told.notify_all()


class BatchBench(Bench):
    """`pools` is set when pools may go."""

    server: OpenAIBatchServer
    backend: OpenAIBackend

    def __init__(self, *, terms: BatchTerms = TERMS, gate: Any = None, spool: Path | None = None) -> None:
        super().__init__(ENTRY, gate=gate)
        self.terms, self.spool, self.pools = terms, spool, asyncio.Event()
        self.watching: Steps = Steps(self.server)

    def open(self, url: str) -> OpenAIBackend:
        settings = settings_for("openai", url + "/v1", self.key)
        return OpenAIBackend(Wiring(settings, self.gate, sleep=self._sleep, spool=self.spool), batches=self.terms)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await (self.pools.wait() if seconds == self.terms.wait_s else asyncio.sleep(0))

    def batch_job(self, at: int = 0, n: int = 1, size: str = "64x64", **wishes: Any) -> Job:
        return replace(self.job(n, size, **wishes), attempt_id=f"request-{at}.1", lane="batch")

    def begin(self, *jobs: Job) -> list[asyncio.Task[Reply]]:
        """Each job in a task of its own."""
        return [asyncio.create_task(self.backend.make(job, self.watching)) for job in jobs]

    async def joined(self, count: int) -> None:
        """Wait until so many names are on the books."""
        async with self.watching.told:
            await self.watching.told.wait_for(lambda: len(self.watching.jobs) >= count)

    async def together(self, *jobs: Job) -> list[Reply]:
        """The replies to jobs that go in one batch; what they hold is left for."""
        tasks = self.begin(*jobs)
        await self.joined(len(jobs))
        self.pools.set()
        replies = await asyncio.gather(*tasks)
        for reply in replies:
            self.gate.leave(reply.held_bytes)
        return list(replies)

    async def crashed(self) -> OpenAIBackend:
        """The process is gone; the next one's backend."""
        await self.backend.close()
        self.backend = self.open(self.server.url)
        return self.backend
