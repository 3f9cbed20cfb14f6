"""A thousand jobs in one batch through the whole router: half the price to the micro-dollar, failures, and expiry."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from router.backends.openai_batch_terms import TERMS
from router.backends.registry import open_backend
from router.backends.wiring import Wiring
from router.byte_gate import ByteGate
from router.charges import usage_usd
from router.ledger.audit import check
from router.ledger.open import open_books
from router.live import Router
from router.quantities import micro_usd
from router.request import ImageRequest
from tests.router.backends.loopback import Loopback
from tests.router.backends.openai_batch_server import OpenAIBatchServer

from .worlds import policy_with, settings_with

if TYPE_CHECKING:
    from pathlib import Path

    from router.ledger.job_protocol import JobRow

JOBS, FAILING = 1000, 40
POLICY = {"qualities": {"gpt-image": ["low"]}}


@dataclass
class Ran:
    rows: list[JobRow]
    attempts: list[dict[str, Any]]
    server: OpenAIBatchServer
    price: int

    @property
    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.rows)

    def paid(self, tier: str) -> list[int]:
        return [row["settled_micro_usd"] for row in self.attempts if row["tier"] == tier and row["settled_micro_usd"]]


def ran(folder: Path, *, after_batch: str, server: OpenAIBatchServer, failing: int = 0) -> Ran:
    """A thousand jobs, submitted and ended; the price is that of one image in the sync lane, in micro-dollars."""
    return asyncio.run(_run(folder, after_batch, server, failing))


async def _run(folder: Path, after_batch: str, server: OpenAIBatchServer, failing: int) -> Ran:
    async with server:
        settings = settings_with({"name": "openai", "vendor": "openai", "base_url": f"{server.url}/v1"}, folder=folder,
                                 ledger={"url": f"sqlite:///{folder / 'books.sqlite'}"},
                                 store={"folder": str(folder / "store")})
        known = replace(settings.backends[0], key=replace(settings.backends[0].key, value=Loopback.key),
                        images_per_minute=None)
        settings = replace(settings, backends=(known,))

        def joined() -> int:
            return sum(pool.requests for pool in backend._batches._pools.values())

        async def sleep(seconds: float) -> None:
            while seconds == TERMS.wait_s and joined() < JOBS:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)

        gate = ByteGate(settings.server.answer_bytes_in_flight)
        backend: Any = open_backend(Wiring(known, gate, sleep=sleep))
        policy = policy_with(segment={"default": POLICY | {"after_batch": after_batch}})
        router = Router(settings, policy, environ={}, backends={"openai": backend})
        router.gate = gate
        async with router:
            names = [(await router.submit(ImageRequest(
                f"number {number}", model="gpt-image-2", urgency="can_wait"), request_id=f"img-{number:04}")).row.id
                for number in range(JOBS)]
            server.courses = {f"{name}.1": "broken" for name in names[:failing]}
            await _ended(router)
            rows = [view.row for name in names if (view := await router.jobs.find("", name))]
            assert gate.held_bytes == 0
            attempts = [dict(row) async for row in router.ledger.export(f"{router.clock.now():%Y-%m}")]
            usage = server_usage(server)
            price = usage_usd(router.compiled.catalogue.prices, usage, model="openai/gpt-image-2", tier="sync",
                              on=router.compiled.on)
    books = open_books(f"sqlite:///{folder / 'books.sqlite'}")
    assert check(books) == ()
    books.dispose()
    assert price is not None
    return Ran(rows, attempts, server, micro_usd(price))


def server_usage(server: OpenAIBatchServer) -> Any:
    """The tokens the vendor counts for each of these images."""
    from router.backends.answers import read_object, read_usage
    from tests.router.backends.loopback import Seen

    line = next(line for batch in server.batches for line in batch["lines"])
    return read_usage(read_object(bytearray(server.answer(Seen("POST", "/", {}, line["body"]), "ok"))))


async def _ended(router: Router) -> None:
    async with asyncio.timeout(240.0):
        while sum((await router.ledger.jobs.counts()).values()):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_jobs_cost_half_to_the_micro_dollar(tmp_path: Path) -> None:
    made = ran(tmp_path, after_batch="stop", server=OpenAIBatchServer())
    assert made.states == {"done": JOBS}
    assert [len(batch["lines"]) for batch in made.server.batches] == [JOBS]
    assert made.price % 2 == 0
    assert made.paid("batch") == [made.price // 2] * JOBS
    assert sum(row.usd_micro for row in made.rows) == JOBS * made.price // 2


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("after_batch", ["stop", "sync"])
def test_partial_failures_are_made_once_on_the_line_only_where_the_policy_says_so(tmp_path: Path,
                                                                                after_batch: str) -> None:
    made = ran(tmp_path, after_batch=after_batch, server=OpenAIBatchServer(), failing=FAILING)
    again = after_batch == "sync"
    assert made.states == ({"done": JOBS} if again else {"done": JOBS - FAILING, "failed": FAILING})
    assert len(made.paid("batch")) >= JOBS - FAILING
    assert made.paid("sync") == [made.price] * (FAILING if again else 0)
    assert len([row for row in made.attempts if row["tier"] == "sync"]) == (FAILING if again else 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_batch_that_expires_delivers_what_was_finished(tmp_path: Path) -> None:
    server = OpenAIBatchServer(states=("validating", "in_progress", "expired"), finished=400)
    made = ran(tmp_path, after_batch="stop", server=server)
    assert made.states == {"done": 400, "failed": 600}
    assert {row.code for row in made.rows if row.state == "failed"} == {"batch_expired"}
    assert made.paid("batch") == [made.price // 2] * 400
