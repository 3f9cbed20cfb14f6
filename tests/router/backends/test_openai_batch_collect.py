"""Batches that are lost, late, broken off, large, or another process's."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from router.attempts import Kind
from router.backends.openai_batch_run import Waiter
from router.backends.openai_batch_terms import TERMS
from router.backends.protocol import Reply, Trouble
from router.byte_gate import ByteGate
from tests.router.backends.bench import run
from tests.router.backends.files import png
from tests.router.backends.openai_batch_bench import BatchBench

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK = replace(TERMS, most_misses=5)


async def sent(bench: BatchBench, count: int) -> list[str]:
    """The names of jobs in a batch whose process ends before it is over."""
    tasks = bench.begin(*(bench.batch_job(at) for at in range(count)))
    await bench.joined(count)
    bench.pools.set()
    await bench.joined(2 * count)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await bench.crashed()
    bench.server.asked.clear()
    return [name for name, _ in bench.watching.jobs]


async def collected(bench: BatchBench, names: Sequence[str]) -> list[Reply]:
    replies = await asyncio.gather(*(bench.backend.collect(name, bench.job()) for name in names))
    for reply in replies:
        bench.gate.leave(reply.held_bytes)
    return list(replies)


def test_another_process_collects_by_either_name_with_one_download() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.states = ("in_progress", "in_progress", "in_progress", "completed")
            bench.server.courses = {"request-2.1": "refused"}
            names = await sent(bench, 5)
            assert [name.partition("_")[0] for name in names] == ["pool"] * 5 + ["batch"] * 5
            for half in (names[:5], names[5:]):
                bench.server.asked.clear()
                replies = await collected(bench, half)
                assert [reply.kind for reply in replies].count(Kind.OK) == 4
                assert [reply.code for reply in replies if reply.kind is Kind.REFUSED] == ["moderation_blocked"]
                assert [(bench.server.count(what)) for what in ("content", "create")] == [2, 0]
                assert bench.server.count("list") == (1 if half[0].startswith("pool") else 0)
            assert {reply.provider_job for reply in replies} == set(names[5:])

    run(scenario)


@pytest.mark.parametrize("dies", ["before the file", "before the batch"])
def test_a_process_that_dies_before_the_batch_is_made_has_paid_nothing(dies: str) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            for at in range(250):
                bench.server.add_batch("file-x", endpoint="/v1/images/edits", metadata={}, created_at=1 + at)
            tasks = bench.begin(bench.batch_job(0), bench.batch_job(1))
            await bench.joined(2)
            if dies == "before the batch":
                bench.server.faults["create"].append("account")
                bench.pools.set()
                await asyncio.wait(tasks)
            await bench.crashed()
            await asyncio.wait(tasks)
            bench.server.asked.clear()
            for reply in await collected(bench, [name for name, _ in bench.watching.jobs]):
                assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.NOT_STARTED, "never_sent", False)
            assert bench.server.asked == ["list"] * 3, "the list comes newest first, and a year-old page ends a search"

    run(scenario)


def test_a_process_that_dies_while_the_batch_is_made_is_taken_over() -> None:
    """The answer of the creation never comes, because nobody is there to hear it."""
    async def scenario() -> None:
        async with BatchBench() as bench:
            heard = asyncio.Event()

            async def never(_: float) -> None:
                heard.set()
                await asyncio.Event().wait()

            bench.server.faults["create"].append("lost")
            bench.server.faults["list"].append("broken")
            tasks = bench.begin(bench.batch_job(0), bench.batch_job(1))
            await bench.joined(2)
            object.__setattr__(bench.backend._batches._wiring, "sleep", never)
            bench.pools.set()
            await heard.wait()
            assert (len(bench.server.batches), bench.server.count("list")) == (1, 1)
            await bench.crashed()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
            assert len(bench.watching.jobs) == 2
            assert {reply.kind for reply in await collected(bench, [name for name, _ in bench.watching.jobs])} == {
                Kind.OK}

    run(scenario)


@pytest.mark.parametrize("course", ["lost", "broken", "hung_up", "html", "unavailable"])
def test_a_creation_nobody_answered_for_is_looked_for(course: str) -> None:
    """`broken` and `hung_up` made no batch, `lost` made one."""
    async def scenario() -> None:
        async with BatchBench() as bench:
            for at in range(150):
                bench.server.add_batch("file-x", endpoint="/v1/images/edits", metadata={"breakeven_batch": f"{at:x}-a"})
            bench.server.faults["create"].append(course)
            bench.server.faults["list"].extend(["unavailable", "hung_up", "hung_up"])
            replies = await bench.together(bench.batch_job(0), bench.batch_job(1))
            told = {(reply.kind, reply.trouble, reply.possibly_billed) for reply in replies}
            assert told == ({(Kind.OK, Trouble.NONE, True)} if course == "lost" else
                            {(Kind.NOT_STARTED, Trouble.OUTAGE, False)})
            assert bench.server.count("create") == 1
            assert bench.waits.count(TERMS.between_looks_s) == (0 if course == "lost" else TERMS.looks - 1)

    run(scenario)


def test_a_list_in_another_order_is_read_to_its_end() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            for at in range(250):
                bench.server.add_batch("file-x", endpoint="/v1/images/edits", metadata={}, created_at=1000 - at)
            mine = bench.server.batches[0]
            mine["metadata"], mine["lines"] = {"breakeven_batch": "6ab00000-a"}, [
                {"custom_id": "request-0.1", "method": "POST", "url": "/v1/images/generations",
                 "body": {"model": "gpt-image-2", "size": "64x64", "n": 1}}]
            reply, = await collected(bench, ["pool_6ab00000-a request-0.1"])
            assert (reply.kind, bench.server.count("list")) == (Kind.OK, 3)

    run(scenario)


def test_an_answer_nobody_takes_any_more_leaves_the_gate() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            waiter = Waiter(bench.batch_job())
            taking = asyncio.create_task(waiter.reply(bench.backend._wiring))
            await asyncio.sleep(0)
            await bench.gate.enter(500)
            waiter.answer.set_result(Reply(Kind.OK, held_bytes=500))
            taking.cancel()
            await asyncio.wait([taking])
            assert taking.cancelled()
            assert bench.gate.held == 0

    run(scenario)


def test_a_batch_nobody_can_look_for_may_be_paid_for() -> None:
    async def scenario() -> None:
        async with BatchBench(terms=QUICK) as bench:
            bench.server.faults["create"].append("lost")
            bench.server.faults["list"].extend(["broken"] * 5)
            for reply in await bench.together(bench.batch_job(0), bench.batch_job(1)):
                assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, "server_error", True)
                assert reply.provider_job.startswith("pool_")
            bench.server.faults["list"].extend(["account"] * 5)
            reply, = await collected(bench, [bench.watching.jobs[0][0]])
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, "invalid_api_key", True)

    run(scenario)


@pytest.mark.parametrize(("status", "kind"), [("account", Kind.NOT_STARTED), ("our_request", Kind.FAILED),
                                              ("busy", Kind.NOT_STARTED), ("money", Kind.NOT_STARTED)])
def test_a_creation_that_was_declined_is_not_looked_for(status: str, kind: Kind) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.faults["create"].append(status)
            reply, = await bench.together(bench.batch_job())
            assert (reply.kind, reply.possibly_billed) == (kind, False)
            assert bench.server.count("list") == 0

    run(scenario)


def test_hours_of_trouble_are_waited_out() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.states = ("in_progress",) * 50 + ("completed",)
            bench.server.faults["retrieve"].extend(["unknown_model", *["broken", "busy", "hung_up", "account",
                                                                       "html"] * 60])
            reply, = await bench.together(bench.batch_job())
            assert reply.kind is Kind.OK
            assert bench.server.count("retrieve") > 200
            assert max(bench.waits) == TERMS.longest_poll_s

    run(scenario)


@pytest.mark.parametrize(("faults", "code"), [
    (["broken"] * 5, "server_error"), (["unknown_model"] * 3, "model_not_found"), (["html"] * 5, "unreadable")])
def test_a_batch_nobody_can_ask_about_may_be_paid_for(faults: list[str], code: str) -> None:
    async def scenario() -> None:
        async with BatchBench(terms=QUICK) as bench:
            bench.server.faults["retrieve"].extend(faults)
            reply, = await bench.together(bench.batch_job())
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, code, True)
            assert reply.provider_job == "batch_0 request-0.1"

    run(scenario)


def test_a_batch_that_never_ends_is_given_up() -> None:
    async def scenario() -> None:
        async with BatchBench(terms=replace(TERMS, longest_s=600)) as bench:
            bench.server.states = ("finalizing",)
            reply, = await bench.together(bench.batch_job())
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, "too_long", True)
            assert bench.server.count("content") == 0

    run(scenario)


@pytest.mark.parametrize(("ranges", "ignored"), [(True, 0), (True, 1), (False, 0)])
def test_a_download_that_breaks_goes_on_and_answers_nobody_twice(ranges: bool, ignored: int) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.ranges, bench.server.ranges_ignored, bench.server.cut_after = ranges, ignored, 20_000
            bench.server.faults["content"].extend(["cut", "broken", "cut", "busy"])
            bench.server.courses = {"request-7.1": "refused"}
            replies = await bench.together(*(bench.batch_job(at) for at in range(200)))
            assert [reply.kind for reply in replies].count(Kind.OK) == 199
            assert replies[7].kind is Kind.REFUSED
            asked = [seen.headers.get("Range") for seen in bench.server.seen if "content" in seen.path]
            assert asked[0] is None
            assert all(header and header.startswith("bytes=") for header in asked[1:3])
            assert bench.gate.held == 0

    run(scenario)


def test_a_batch_that_is_over_before_its_files_are_named_is_asked_again() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.unnamed = 2
            reply, = await bench.together(bench.batch_job())
            assert reply.kind is Kind.OK
            bench.server.unnamed = 10
            reply, = await bench.together(bench.batch_job(1))
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, "no_line", True)

    run(scenario)


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_an_ended_batch_made_is_free_only_once_it_is_known_not_to_be_there(status: str) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            server = bench.server
            server.states, server.finished, server.unnamed = ("in_progress", status), 2, 2
            replies = await bench.together(*(bench.batch_job(at) for at in range(3)))
            assert sorted(reply.kind.value for reply in replies) == ["failed", "ok", "ok"]
            server.unnamed = 10
            replies = await bench.together(*(bench.batch_job(at) for at in range(3, 6)))
            assert {(reply.kind, reply.code, reply.possibly_billed) for reply in replies} == {
                (Kind.FAILED, "no_line", True)}, "two of them were paid for, and nobody says which"
            server.finished, server.unnamed = 0, 10
            reply, = await bench.together(bench.batch_job(6))
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, f"batch_{status}", False)

    run(scenario)


def test_a_file_that_is_gone_leaves_its_requests_paid_for() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.courses = {"request-1.1": "refused"}
            bench.server.faults["content"].extend(["unknown_model"] * 3)
            gone, refused = await bench.together(bench.batch_job(0), bench.batch_job(1))
            assert (gone.kind, gone.code, gone.possibly_billed) == (Kind.FAILED, "model_not_found", True)
            assert refused.kind is Kind.REFUSED

    run(scenario)


def test_lines_nobody_waits_for_are_left_out_and_late_comers_get_theirs() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            names = (await sent(bench, 30))[30:]
            first = await collected(bench, names[:1])
            assert (first[0].kind, bench.gate.entered) == (Kind.OK, 1)
            twice = await collected(bench, [names[3], names[3], names[4]])
            assert {reply.kind for reply in twice} == {Kind.OK}

    run(scenario)


def test_who_comes_while_a_file_is_read_is_answered_too() -> None:
    class Slow:
        """Lets the second answer in once it is told to."""

        def __init__(self) -> None:
            self.entered, self.inside, self.opened = 0, asyncio.Event(), asyncio.Event()

        async def enter(self, _: int) -> None:
            self.entered += 1
            if self.entered == 2:
                self.inside.set()
                await self.opened.wait()

        def leave(self, _: int) -> None:
            pass

    async def scenario() -> None:
        gate = Slow()
        async with BatchBench(gate=gate) as bench:
            await sent(bench, 10)
            order = [f"batch_0 {line['custom_id']}" for line in bench.server._run(bench.server.batches[0])]
            two = asyncio.gather(*(bench.backend.collect(name, bench.job()) for name in order[5:7]))
            await gate.inside.wait()
            late = [asyncio.create_task(bench.backend.collect(name, bench.job())) for name in (order[0], order[8])]
            await asyncio.sleep(0)
            gate.opened.set()
            assert [reply.kind for reply in (*await two, *await asyncio.gather(*late))] == [Kind.OK] * 4
            assert bench.server.count("content") == 2

    run(scenario)


def test_a_name_at_the_end_of_a_line_is_found() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.id_first, bench.server.padding = False, 8000
            bench.server.courses = {"request-1.1": "not_json"}
            replies = await bench.together(*(bench.batch_job(at, n=1 + at % 2) for at in range(20)))
            assert [reply.kind for reply in replies].count(Kind.OK) == 19
            assert len(replies[3].pictures) == 2

    run(scenario)


def test_an_unknown_name_in_a_batch_may_be_paid_for() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            await sent(bench, 2)
            reply, = await collected(bench, ["batch_0 another.1"])
            assert (reply.kind, reply.code, reply.possibly_billed) == (Kind.FAILED, "no_line", True)

    run(scenario)


def test_a_large_output_is_never_held_whole() -> None:
    """110 MB of lines pass a gate of 8 MB; server and backend together never hold a quarter of them."""
    class Watched(ByteGate):
        most = 0

        async def enter(self, expected_bytes: int) -> None:
            await super().enter(expected_bytes)
            self.most = max(self.most, self.held_bytes)

    async def scenario() -> None:
        gate = Watched(2**23)
        async with BatchBench(gate=gate) as bench:
            bench.server.padding = 500_000

            async def one(at: int) -> int:
                reply = await bench.backend.make(bench.batch_job(at, size="512x512"), bench.watching)
                assert reply.kind is Kind.OK
                gate.leave(reply.held_bytes)
                return reply.held_bytes

            ones = [asyncio.create_task(one(at)) for at in range(160)]
            await bench.joined(160)
            png(512, 512, padding=500_000)
            tracemalloc.start()
            bench.pools.set()
            held = sum(await asyncio.gather(*ones))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert gate.held_bytes == 0
        assert 105_000_000 < held < 115_000_000
        assert peak < held / 4
        assert 0 < gate.most <= 2**23

    run(scenario)


def test_the_next_line_is_not_read_before_there_is_room() -> None:
    async def scenario() -> None:
        gate = ByteGate(2**20)
        async with BatchBench(gate=gate) as bench:
            bench.server.padding = 100_000
            tasks = bench.begin(*(bench.batch_job(at, size="64x64") for at in range(50)))
            await bench.joined(50)
            bench.pools.set()
            taken = 0
            while taken < 50:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for _ in range(20):
                    await asyncio.sleep(0)
                done = {task for task in tasks if task.done()}
                assert sum(task.result().held_bytes for task in done) == gate.held_bytes <= 2**20
                for task in done:
                    gate.leave(task.result().held_bytes)
                    tasks.remove(task)
                taken += len(done)
        assert gate.held_bytes == 0

    run(scenario)
