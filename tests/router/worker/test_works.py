"""The works without HTTP: what one painter's thread is given, and what becomes of batches that fail."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from router.errors import CannotLoad, OutOfMemory
from router.quantities import Size
from router.server.problems import Problem
from router.worker.admission import Limits
from router.worker.metrics import Metrics
from router.worker.order import Order, Ran, Seconds
from router.worker.pace import Pace
from router.worker.works import Works

from .test_admission import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.worker.tickets import Ticket

ORDER = Order("a pear", Size(64, 64), n=1, steps=3, seed=5)


class Painter:
    """Paints in no time and writes down what it was asked; `then` may fail instead."""

    facts = FACTS

    def __init__(self, then: Callable[[Order], None] | None = None) -> None:
        self.then, self.asked, self.threads = then, [], set()
        self.go = threading.Event()
        self.go.set()

    def run(self, order: Order, on_step: Callable[[int, int], None] | None = None) -> Ran:
        self.go.wait(20)
        self.asked.append(order)
        self.threads.add(threading.current_thread().name)
        if self.then is not None:
            self.then(order)
        for step in range(order.steps):
            if on_step is not None:
                on_step(step + 1, order.steps)
        return Ran(tuple(Image.new("RGB", (8, 8)) for _ in range(order.n)), Seconds(0.01))


class Meter:
    def __init__(self) -> None:
        self.burnt = 0.0

    def joules(self) -> float:
        self.burnt += 50
        return self.burnt

    def watts(self) -> None:
        return None

    def memory(self) -> tuple[int, int]:
        return 3 * 2**30, 80 * 2**30


def works_of(painter: Painter, **limits: Any) -> Works:
    return Works(painter, limits=Limits(**limits), pace=Pace(FACTS))


async def begun(ticket: Ticket) -> None:
    while ticket.begun is None:  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0)


def run(scenario: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scenario(), 30))


def test_an_order_is_made_in_batches_on_one_thread_and_comes_back_in_order() -> None:
    painter = Painter()

    async def scenario() -> None:
        async with works_of(painter, most_batch=3) as works:
            files = await works.take(replace(ORDER, n=8)).done
            assert len(files) == 8
        assert [(order.n, order.seed) for order in painter.asked] == [(3, 5), (3, 8), (2, 11)]
        assert len(painter.threads) == 1

    run(scenario)


def test_a_batch_that_does_not_fit_is_halved_and_remembered() -> None:
    def too_large(order: Order) -> None:
        if order.n > 1:
            raise OutOfMemory("did not fit")

    painter = Painter(too_large)

    async def scenario() -> None:
        async with works_of(painter) as works:
            metrics = Metrics(works)
            assert len(await works.take(replace(ORDER, n=4)).done) == 4
            assert [(order.n, order.seed) for order in painter.asked] == [
                (4, 5), (2, 5), (2, 7), (1, 5), (1, 6), (1, 7), (1, 8)]
            painter.asked.clear()
            assert len(await works.take(replace(ORDER, n=2)).done) == 2
            assert [order.n for order in painter.asked] == [1, 1]
            assert b"breakeven_worker_batches_split_total 3.0" in metrics.page()
            assert works.state == "ready"

    run(scenario)


def test_one_image_that_does_not_fit_is_503_and_the_worker_lives() -> None:
    painter = Painter(lambda order: (_ for _ in ()).throw(OutOfMemory("it did not fit")) if order.steps == 9 else None)

    async def scenario() -> None:
        async with works_of(painter) as works:
            with pytest.raises(Problem, match="it did not fit") as caught:
                await works.take(replace(ORDER, steps=9)).done
            assert (caught.value.status, caught.value.code, caught.value.again) == (503, "out_of_memory", True)
            assert len(await works.take(ORDER).done) == 1

    run(scenario)


def test_a_pipeline_that_fails_three_times_in_a_row_is_failed_and_one_success_forgives() -> None:
    broken = {"is": True}

    def fail(_: Order) -> None:
        if broken["is"]:
            raise RuntimeError("CUDA error: a secret prompt stands here")

    async def scenario() -> None:
        async with works_of(Painter(fail)) as works:
            for _ in range(2):
                with pytest.raises(Problem) as caught:
                    await works.take(ORDER).done
                assert (caught.value.status, caught.value.code) == (500, "pipeline_failed")
                assert "secret" not in str(caught.value)
            broken["is"] = False
            await works.take(ORDER).done
            broken["is"] = True
            for _ in range(3):
                with pytest.raises(Problem):
                    await works.take(ORDER).done
            assert works.state == "failed"
            with pytest.raises(Problem) as caught:
                works.take(ORDER)
            assert (caught.value.status, caught.value.code) == (503, "worker_failed")

    run(scenario)


def test_a_refusal_of_the_pipeline_is_the_callers_and_no_failure() -> None:
    def refuse(_: Order) -> None:
        raise CannotLoad("lora x: does not fit this model")

    async def scenario() -> None:
        async with works_of(Painter(refuse)) as works:
            for _ in range(5):
                with pytest.raises(CannotLoad):
                    await works.take(ORDER).done
            assert works.state == "ready"

    run(scenario)


def test_who_leaves_a_split_request_leaves_all_of_its_batches() -> None:
    painter = Painter()
    painter.go.clear()

    async def scenario() -> None:
        async with works_of(painter, most_batch=1) as works:
            ticket = works.take(replace(ORDER, n=6))
            other = works.take(replace(ORDER, seed=99, tenant="b"))
            await begun(ticket)
            works.leave(ticket)
            painter.go.set()
            await other.done
            assert (works.waiting, works.under_way, works.waiting_s) == (0, 0, 0.0)
        assert [order.seed for order in painter.asked] == [5, 99]

    run(scenario)


def test_joules_are_those_between_two_readings_and_the_card_is_in_the_metrics() -> None:
    async def scenario() -> None:
        works = Works(Painter(), limits=Limits(most_batch=1), pace=Pace(FACTS), meter=Meter())
        metrics = Metrics(works)
        async with works:
            ticket = works.take(replace(ORDER, n=3))
            await ticket.done
        assert ticket.joules == 150
        page = metrics.page().decode()
        assert "breakeven_worker_joules_total 150.0" in page
        assert "breakeven_worker_vram_used_bytes 3.221225472e+09" in page
        assert "power_watts" not in page

    run(scenario)


def test_without_a_meter_no_joules_are_claimed() -> None:
    async def scenario() -> None:
        works = works_of(Painter())
        metrics = Metrics(works)
        async with works:
            ticket = works.take(ORDER)
            await ticket.done
        assert ticket.joules is None
        assert "joules" not in metrics.page().decode()

    run(scenario)


def test_a_line_is_full_by_number_and_by_seconds() -> None:
    painter = Painter()
    painter.go.clear()

    async def scenario() -> None:
        async with works_of(painter, most_waiting=2, most_waiting_s=1e6) as works:
            first = works.take(ORDER)
            await begun(first)
            waiting = [works.take(ORDER) for _ in range(2)]
            with pytest.raises(Problem) as caught:
                works.take(ORDER)
            assert (caught.value.status, caught.value.code) == (429, "queue_full")
            assert caught.value.retry_after_s >= 1
            painter.go.set()
            await asyncio.gather(first.done, *(each.done for each in waiting))
        async with works_of(painter, most_waiting_s=0.001) as works:
            painter.go.clear()
            alone = works.take(ORDER)
            with pytest.raises(Problem):
                works.take(ORDER)
            painter.go.set()
            await alone.done

    run(scenario)


def test_references_that_wait_are_bounded_by_their_bytes() -> None:
    painter = Painter()
    painter.go.clear()

    async def scenario() -> None:
        async with works_of(painter, most_held_bytes=250) as works:
            taken = [works.take(replace(ORDER, references=(b"x" * 100,))) for _ in range(2)]
            with pytest.raises(Problem, match="with 300 bytes of references") as caught:
                works.take(replace(ORDER, references=(b"x" * 100,)))
            assert caught.value.status == 429
            taken.append(works.take(ORDER))
            painter.go.set()
            await asyncio.gather(*(each.done for each in taken))

    run(scenario)


def test_a_closed_door_takes_nothing_and_finishes_what_it_took() -> None:
    painter = Painter()
    painter.go.clear()

    async def scenario() -> None:
        async with works_of(painter) as works:
            taken = works.take(ORDER)
            works.close_door()
            with pytest.raises(Problem) as caught:
                works.take(ORDER)
            assert (caught.value.status, caught.value.code) == (503, "worker_draining")
            painter.go.set()
            assert len(await taken.done) == 1

    run(scenario)


def test_tenants_share_the_thread_by_seconds_and_not_by_requests() -> None:
    painter = Painter()
    painter.go.clear()

    async def scenario() -> None:
        async with works_of(painter, most_waiting=200) as works:
            first = works.take(replace(ORDER, seed=0))
            many = [works.take(replace(ORDER, tenant="many", seed=1000 + each)) for each in range(40)]
            few = [works.take(replace(ORDER, tenant="few", seed=2000 + each)) for each in range(4)]
            painter.go.set()
            await asyncio.gather(first.done, *(each.done for each in many + few))
        places = [place for place, order in enumerate(painter.asked) if order.tenant == "few"]
        assert max(places) <= 10

    run(scenario)
