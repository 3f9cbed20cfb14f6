"""Jobs in a batch lane beside callers on the line: one account and two ways in, each with limits of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Reply, Trouble
from router.errors import NotDelivered
from router.quantities import Size
from router.request import ImageRequest

from .simulation import Act, VirtualClock, simulate
from .test_jobs import tried_in
from .test_promises import MONEY, OPENAI, Played

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.ledger.job_protocol import JobRow

DAY_S = 86_400.0
BROKEN = Reply(Kind.FAILED, code="server_error", trouble=Trouble.OUTAGE, possibly_billed=True)
UNSENT = Reply(Kind.NOT_STARTED, code="server_error", trouble=Trouble.OUTAGE)
WAITED = Reply(Kind.NOT_STARTED, code="rate_limit_exceeded", trouble=Trouble.BUSY, retry_after_s=3600.0, headroom=0)


class Batched(Played):
    """One account of OpenAI, whose jobs can wait."""

    def __init__(self, clock: VirtualClock, folder: Path, *acts: Act, **settings: Any) -> None:
        super().__init__(clock, folder, OPENAI | {"images_per_minute": 100}, **settings)
        self.ledger.jobs.tried = tried_in(self.ledger)
        self.play("openai", *acts)

    async def submit(self, count: int) -> list[str]:
        """The ids of so many jobs."""
        views = [await self.router.submit(ImageRequest(f"bicycle {number}", model="gpt-image-2",
                                                       size=Size(1024, 1024), urgency="can_wait"))
                 for number in range(count)]
        return [view.row.id for view in views]

    async def line(self) -> float:
        """Seconds until a caller on the line has a picture."""
        began = asyncio.get_running_loop().time()
        await self.router.generate("a red bicycle", model="gpt-image-2")
        return asyncio.get_running_loop().time() - began

    def rows(self, ids: Sequence[str]) -> list[JobRow]:
        return [self.ledger.jobs.rows[name] for name in ids]


@pytest.mark.parametrize("reply", [BROKEN, UNSENT, WAITED], ids=["lines", "upload", "rate"])
def test_a_batch_that_fails_a_thousandfold_leaves_the_line_open(tmp_path: Path, reply: Reply) -> None:
    async def story(clock: VirtualClock) -> None:
        batched = Batched(clock, tmp_path, *(Act(reply, 30.0) for _ in range(20)))
        async with batched.router:
            await batched.submit(20)
            await asyncio.sleep(31.0)
            assert await batched.line() == 1.0
    simulate(story)


def test_answers_out_of_batches_do_not_end_an_outage_of_the_line(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        batched = Batched(clock, tmp_path)
        batched.backends["openai"].seconds = 40.0
        async with batched.router as router:
            ids = await batched.submit(3)
            await asyncio.sleep(20.0)
            batched.play("openai", *(Act(BROKEN, 0.1) for _ in range(5)))
            told = await asyncio.gather(*(router.generate(f"cat {at}", model="gpt-image-2") for at in range(5)),
                                        return_exceptions=True)
            assert {type(one) for one in told} == {NotDelivered}
            await asyncio.sleep(25.0)
            assert {row.state for row in batched.rows(ids)} == {"done"}
            with pytest.raises(NotDelivered) as error:
                await batched.line()
            assert error.value.state == "busy"
    simulate(story)


def test_a_line_that_was_asked_to_wait_keeps_no_batch_waiting(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        batched = Batched(clock, tmp_path, Act(WAITED, 0.1))
        async with batched.router as router:
            with pytest.raises(NotDelivered):
                await router.generate("a cat", model="gpt-image-2", deadline_s=300.0)
            ids = await batched.submit(1)
            await asyncio.sleep(10.0)
            assert [(row.state, row.starts) for row in batched.rows(ids)] == [("done", 1)]
            assert [job.lane for job in batched.backends["openai"].jobs] == ["sync", "batch"]
    simulate(story)


def test_money_that_is_spent_is_spent_for_both_lanes(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        batched = Batched(clock, tmp_path, Act(MONEY, 30.0))
        async with batched.router:
            await batched.submit(1)
            await asyncio.sleep(30.1)
            with pytest.raises(NotDelivered) as error:
                await batched.line()
            assert (error.value.state, error.value.code) == ("busy", "closed")
    simulate(story)


def test_a_batch_beyond_its_day_is_no_fault_of_the_line(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        batched = Batched(clock, tmp_path, *(Act(Reply(Kind.OK), 2.1 * DAY_S) for _ in range(6)))
        async with batched.router:
            ids = await batched.submit(6)
            await asyncio.sleep(2 * DAY_S + 1.0)
            assert await batched.line() == 1.0
            await asyncio.sleep(DAY_S)
            assert {row.state for row in batched.rows(ids)} == {"done"}
    simulate(story)
