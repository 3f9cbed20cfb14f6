"""The whole way of a job through the batch lane: real router, real books, the vendor's protocol on a loopback port."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.backends.openai import OpenAIBackend
from router.backends.openai_batch_terms import TERMS
from router.backends.wiring import Wiring
from router.ledger.job_protocol import FINAL
from router.live import Router
from router.quantities import Size
from router.request import ImageRequest
from tests.router.backends.openai_batch_server import OpenAIBatchServer

from .test_promises import OPENAI
from .worlds import picture, policy_with, settings_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.ledger.job_protocol import EarlierAttempt, JobRow

QUICK = replace(TERMS, wait_s=0.05)
WISHES: dict[str, Any] = {"model": "gpt-image-2", "size": Size(1024, 1024), "urgency": "can_wait", "tenant": "acme"}


async def _briefly(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


def opened(server: OpenAIBatchServer, folder: Path) -> Router:
    """A router whose pools go at once, and which asks about batches without much patience."""
    account = OPENAI | {"base_url": server.url + "/v1"}
    settings = settings_with(account, folder=folder, store={"folder": "store"})
    backends: dict[str, Any] = {}
    router = Router(settings, policy_with(), environ={}, backends=backends)
    backends["openai"] = OpenAIBackend(Wiring(settings.backends[0], router.gate, sleep=_briefly), batches=QUICK)
    return router


async def ended(router: Router, ids: Sequence[str]) -> list[JobRow]:
    """The rows of jobs that have ended."""
    while True:
        views = [await router.jobs.find("acme", name) for name in ids]
        rows = [view.row for view in views if view is not None]
        if all(row.state in FINAL for row in rows):
            return rows
        await asyncio.sleep(0.02)


async def asked_about(server: OpenAIBatchServer, count: int) -> None:
    """Until so many requests are in batches, and the first of them has been asked about."""
    while True:
        if server.count("retrieve") and sum(len(batch["lines"]) for batch in server.batches) >= count:
            return
        await asyncio.sleep(0.02)


async def tried(router: Router, ids: Sequence[str]) -> list[EarlierAttempt]:
    return [attempt for name in ids for attempt in await router.ledger.jobs.attempts(name)]


def test_jobs_that_can_wait_go_as_one_batch_and_are_settled_at_its_rates(tmp_path: Path) -> None:
    """A picture of 1056 tokens at 15 USD a million, and a prompt of 50 at 2.50: 15,965 millionths of a dollar."""
    async def scenario() -> None:
        async with OpenAIBatchServer() as server, opened(server, tmp_path) as router:
            jobs = [await router.submit(ImageRequest(f"bicycle {at}", **WISHES)) for at in range(8)]
            edit = await router.submit(ImageRequest("in blue", operation="edit", references=(picture(64, 64),),
                                                    **WISHES))
            ids = [view.row.id for view in (*jobs, edit)]
            assert {row.state for row in await ended(router, ids)} == {"done"}
            attempts = await tried(router, ids)
            assert [(attempt.tier, attempt.state) for attempt in attempts] == [("batch", "billed")] * 9
            assert {attempt.settled_micro_usd for attempt in attempts[:8]} == {15_965}
            sizes = [(batch["endpoint"], len(batch["lines"])) for batch in server.batches]
            assert sum(count for _, count in sizes) == 9
            assert {endpoint for endpoint, _ in sizes} == {"/v1/images/generations", "/v1/images/edits"}
            assert server.count("create") < 9
            assert router.board.in_flight() == router.gate.held_bytes == 0

    asyncio.run(scenario())


def test_a_process_that_goes_leaves_its_batch_to_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with OpenAIBatchServer(states=("in_progress",)) as server:
            async with opened(server, tmp_path) as router:
                ids = [(await router.submit(ImageRequest(f"bicycle {at}", **WISHES))).row.id for at in range(4)]
                await asked_about(server, 4)
            made = len(server.batches)
            for batch in server.batches:
                batch["left"].append("completed")
            async with opened(server, tmp_path) as router:
                assert {row.state for row in await ended(router, ids)} == {"done"}
                attempts = await tried(router, ids)
                assert [(attempt.state, attempt.settled_micro_usd) for attempt in attempts] == [("billed", 15_965)] * 4
            assert len(server.batches) == made

    asyncio.run(scenario())


def test_what_the_vendor_will_never_take_is_asked_of_it_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with OpenAIBatchServer(refuses="invalid_json_line") as server, opened(server, tmp_path) as router:
            view = await router.submit(ImageRequest("a bicycle", **WISHES))
            row, = await ended(router, [view.row.id])
            assert (row.state, row.code, server.count("create")) == ("failed", "invalid_json_line", 1)
            assert [attempt.state for attempt in await tried(router, [row.id])] == ["free"]

    asyncio.run(scenario())
