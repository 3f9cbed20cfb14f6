"""What goes into a batch, what comes of it, and what is on the books meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import openai.types
import pytest

from router.attempts import Kind
from router.backends import openai_transport
from router.backends.openai_batch_terms import TERMS
from router.backends.protocol import Trouble, Usage
from router.errors import LedgerError
from router.pictures import read_picture
from tests.router.backends.bench import ENTRIES, PROMPT, Bench, run
from tests.router.backends.files import base64_of, picture, png
from tests.router.backends.openai_batch_bench import BatchBench, Steps

if TYPE_CHECKING:
    from pathlib import Path

    from router.backends.protocol import Reply


def test_a_thousand_requests_go_in_one_batch_and_come_back_alone() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            courses = {5: "refused", 6: "busy", 7: "broken", 8: "our_request", 9: "missing", 10: "cut_picture",
                       11: "wrong_size", 12: "not_json", 13: "request_timeout", 14: "error_in_200", 15: "money"}
            bench.server.courses = {f"request-{at}.1": course for at, course in courses.items()}
            replies = await bench.together(*(bench.batch_job(at) for at in range(1000)))
            told = {at: (replies[at].kind, replies[at].trouble, replies[at].code, replies[at].possibly_billed)
                    for at in courses}
            assert told == {
                5: (Kind.REFUSED, Trouble.NONE, "moderation_blocked", True),
                6: (Kind.NOT_STARTED, Trouble.BUSY, "rate_limit_exceeded", False),
                7: (Kind.FAILED, Trouble.OUTAGE, "server_error", True),
                8: (Kind.FAILED, Trouble.OUR_REQUEST, "unknown_parameter", False),
                9: (Kind.FAILED, Trouble.OUTAGE, "no_line", True),
                10: (Kind.BAD_ANSWER, Trouble.NONE, "not_a_picture", True),
                11: (Kind.BAD_ANSWER, Trouble.NONE, "wrong_size", True),
                12: (Kind.BAD_ANSWER, Trouble.NONE, "not_json", True),
                13: (Kind.FAILED, Trouble.OUTAGE, "request_timeout", True),
                14: (Kind.FAILED, Trouble.OUTAGE, "server_error", True),
                15: (Kind.NOT_STARTED, Trouble.MONEY, "insufficient_quota", False)}
            made = [reply for at, reply in enumerate(replies) if at not in courses]
            assert {reply.kind for reply in made} == {Kind.OK}
            assert {reply.usage for reply in made} == {Usage(50, 0, 1056, 0)}
            assert all(reply.pictures[0].as_bytes() == png(64, 64) for reply in made)
            assert replies[3].request_id == "req_request-3.1"
            assert replies[3].provider_job == "batch_0 request-3.1"
            assert [bench.server.count(what) for what in ("upload", "create", "retrieve", "content")] == [1, 1, 4, 2]
            assert bench.waits[:4] == [30.0, 2.0, 3.0, 4.5]
            assert bench.gate.held == 0

    run(scenario)


def test_a_line_says_what_the_other_lane_would() -> None:
    async def scenario() -> None:
        wishes: dict[str, Any] = {"moderation": "low", "background": "opaque", "output_format": "jpeg",
                                  "output_compression": 40, "safety_identifier": "user-1", "seed": 3}
        async with BatchBench() as bench:
            job = bench.batch_job(n=2, **wishes, partial_images=2)
            reply, = await bench.together(job)
            assert (reply.kind, len(reply.pictures), reply.ignored) == (Kind.OK, 2, ("seed", "partial_images"))
            line, = bench.server.uploads["file-in0"]
        async with Bench(next(entry for entry in ENTRIES if entry.vendor == "openai")) as sync:
            await sync.make(job=sync.job(2, **wishes))
            assert line == {"custom_id": "request-0.1", "method": "POST", "url": "/v1/images/generations",
                            "body": dict(sync.server.seen[0].fields)}

    run(scenario)


def test_an_edit_carries_its_pictures_as_data_urls() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            references = (picture(64, 64), picture(32, 32))
            reply, = await bench.together(bench.batch_job(operation="edit", references=references,
                                                          mask=picture(64, 64), moderation="low"))
            assert reply.usage == Usage(50, 600, 1056, 0)
            line, = bench.server.uploads["file-in0"]
            url = "data:image/png;base64,"
            assert line["url"] == bench.server.batches[0]["endpoint"] == "/v1/images/edits"
            assert line["body"] == {
                "model": "gpt-image-2", "prompt": PROMPT, "n": 1, "size": "64x64", "quality": "low",
                "output_format": "png", "mask": {"image_url": url + base64_of(png(64, 64))},
                "images": [{"image_url": url + base64_of(png(64, 64))}, {"image_url": url + base64_of(png(32, 32))}]}

    run(scenario)


def test_a_large_file_is_read_from_the_disk_as_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_transport, "_MOST_AT_ONCE", 2**20)
    joined: list[int] = []
    whole = httpx2.Request.aread

    async def counted(request: httpx2.Request) -> bytes:
        joined.append(len(await whole(request)))
        return await whole(request)

    monkeypatch.setattr(httpx2.Request, "aread", counted)

    async def scenario() -> None:
        async with BatchBench() as bench:
            heavy = read_picture(png(64, 64, padding=900_000), is_base64=False)
            replies = await bench.together(*(bench.batch_job(at, operation="edit", references=(heavy,))
                                             for at in range(8)))
            assert {reply.kind for reply in replies} == {Kind.OK}
            assert bench.server.upload_sizes[0] > 8 * 1_200_000
            assert int(bench.server.seen[0].headers["Content-Length"]) > bench.server.upload_sizes[0]
            assert "Transfer-Encoding" not in bench.server.seen[0].headers

    run(scenario)
    assert max(joined) < 2**20


def test_each_endpoint_and_model_has_its_own_batch() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            jobs = [bench.batch_job(0), bench.batch_job(1), bench.batch_job(2, operation="edit",
                                                                            references=(picture(),)),
                    replace(bench.batch_job(3), wire_model="gpt-image-1.5")]
            replies = await bench.together(*jobs)
            assert {reply.kind for reply in replies} == {Kind.OK}
            assert sorted(len(batch["lines"]) for batch in bench.server.batches) == [1, 1, 2]

    run(scenario)


def test_the_books_know_the_pool_before_a_batch_is_made_and_the_batch_before_it_is_asked_about() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            await bench.together(*(bench.batch_job(at) for at in range(5)))
            name = bench.server.batches[0]["metadata"]["breakeven_batch"]
            assert sorted(bench.watching.jobs[:5]) == [(f"pool_{name} request-{at}.1", None) for at in range(5)]
            assert sorted(bench.watching.jobs[5:]) == [(f"batch_0 request-{at}.1", None) for at in range(5)]
            asked = [steps for _, steps in bench.watching.at]
            assert asked == [()] * 5 + [("upload", "create")] * 5

    run(scenario)


def test_a_pool_waits_for_the_books() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            slow, written = Steps(bench.server), asyncio.Event()

            async def submitted(provider_job: str, _: object) -> None:
                await written.wait()
                slow.jobs.append((provider_job, None))

            slow.submitted = submitted  # type: ignore[method-assign, assignment]
            quick = bench.begin(bench.batch_job(0))
            late = asyncio.create_task(bench.backend.make(bench.batch_job(1), slow))
            await bench.joined(1)
            bench.pools.set()
            await asyncio.sleep(0.05)
            assert bench.server.asked == slow.jobs == []
            written.set()
            assert [(await task).kind for task in (*quick, late)] == [Kind.OK, Kind.OK]
            assert len(bench.server.batches) == 1

    run(scenario)


@pytest.mark.parametrize("what", ["requests", "bytes"])
def test_a_full_pool_goes_without_waiting(what: str) -> None:
    async def scenario() -> None:
        terms = replace(TERMS, most_requests=4) if what == "requests" else replace(TERMS, most_bytes=1100)
        async with BatchBench(terms=terms) as bench:
            tasks = bench.begin(*(bench.batch_job(at) for at in range(10)))
            done, _ = await asyncio.wait(tasks[:8], timeout=20)
            assert len(done) == 8
            assert not any(task.done() for task in tasks[8:])
            assert [len(batch["lines"]) for batch in bench.server.batches] == [4, 4]
            assert max(bench.server.upload_sizes) <= 1100
            bench.pools.set()
            assert {reply.kind for reply in await asyncio.gather(*tasks)} == {Kind.OK}

    run(scenario)


def test_what_the_vendor_would_never_take_is_not_sent() -> None:
    async def scenario() -> None:
        async with BatchBench(terms=replace(TERMS, most_bytes=1000)) as bench:
            job = bench.batch_job(operation="edit", references=(picture(1500, 1500),))
            assert_unsent(await bench.backend.make(job, bench.watching), "too_large", Trouble.OUR_REQUEST)
        async with BatchBench() as bench:
            heavy = replace(picture(), data=b"\0" * 15_800_000, is_base64=False)
            job = bench.batch_job(operation="edit", references=(heavy,))
            assert_unsent(await bench.backend.make(job, bench.watching), "too_large", Trouble.OUR_REQUEST)
            assert bench.server.asked == bench.watching.jobs == []

    run(scenario)
    assert TERMS.most_requests <= 50_000
    assert TERMS.most_bytes + 2**20 < 200_000_000


def assert_unsent(reply: Reply, code: str, trouble: Trouble = Trouble.NONE) -> None:
    kind = Kind.FAILED if trouble is Trouble.OUR_REQUEST else Kind.NOT_STARTED
    assert (reply.kind, reply.code, reply.trouble, reply.possibly_billed) == (kind, code, trouble, False)


@pytest.mark.parametrize(("fault", "code", "trouble"), [
    ("broken", "server_error", Trouble.OUTAGE), ("account", "invalid_api_key", Trouble.ACCOUNT),
    ("busy", "rate_limit_exceeded", Trouble.BUSY), ("hung_up", "connection_lost", Trouble.OUTAGE),
    ("lost", "connection_lost", Trouble.OUTAGE), ("html", "unreadable", Trouble.OUTAGE),
])
def test_a_file_that_is_not_taken_starts_nothing(fault: str, code: str, trouble: Trouble) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.faults["upload"].append(fault)
            for reply in await bench.together(bench.batch_job(0), bench.batch_job(1)):
                assert_unsent(reply, code, trouble)
            assert bench.server.asked == ["upload"]

    run(scenario)


@pytest.mark.parametrize(("refuses", "trouble"), [
    ("invalid_json_line", Trouble.OUR_REQUEST), ("token_limit_exceeded", Trouble.BUSY),
    ("billing_hard_limit_reached", Trouble.MONEY),
])
def test_a_batch_that_is_not_valid_starts_nothing(refuses: str, trouble: Trouble) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.refuses = refuses
            for reply in await bench.together(bench.batch_job(0), bench.batch_job(1)):
                assert_unsent(reply, refuses, trouble)

    run(scenario)


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_was_done_in_time_is_delivered_and_the_rest_is_free(status: str) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.states, bench.server.finished = ("validating", "in_progress", "novel", status), 400
            replies = await bench.together(*(bench.batch_job(at) for at in range(1000)))
            names = [line["custom_id"] for line in bench.server.batches[0]["lines"]]
            by_name = {reply.provider_job.partition(" ")[2]: reply for reply in replies}
            done, rest = ([by_name[name] for name in part] for part in (names[:400], names[400:]))
            assert {reply.kind for reply in done} == {Kind.OK}
            assert {(reply.kind, reply.code, reply.possibly_billed, reply.trouble) for reply in rest} == {
                (Kind.FAILED, f"batch_{status}", False, Trouble.NONE)}
            assert len(rest) == 600

    run(scenario)


def test_the_vendors_own_types_accept_what_the_server_tells() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.refuses = "invalid_json_line"
            await bench.together(bench.batch_job(0))
            bench.server.refuses, bench.server.courses = "", {"request-1.1": "refused"}
            await bench.together(bench.batch_job(1), bench.batch_job(2))
            client = bench.backend._open()
            page = await client.batches.list(limit=10)
            for batch in page.data:
                openai.types.Batch.model_validate(batch.model_dump(), strict=True)
            assert [batch.status for batch in page.data] == ["completed", "failed"]
            assert (await client.batches.cancel("batch_1")).status == "cancelling"
            file = await client.files.create(file=("a.jsonl", b"{}"), purpose="batch", expires_after={
                "anchor": "created_at", "seconds": 3600})
            openai.types.FileObject.model_validate(file.model_dump(), strict=True)

    run(scenario)


def test_whoever_goes_before_the_pool_does_is_not_sent() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            tasks = bench.begin(*(bench.batch_job(at) for at in range(4)))
            await bench.joined(4)
            tasks[0].cancel()
            tasks[2].cancel()
            bench.pools.set()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(reply).__name__ for reply in replies] == ["CancelledError", "Reply"] * 2
            assert sorted(line["custom_id"] for line in bench.server.uploads["file-in0"]) == [
                "request-1.1", "request-3.1"]
            bench.pools.clear()
            alone, = bench.begin(bench.batch_job(5))
            await bench.joined(7)
            alone.cancel()
            bench.pools.set()
            await asyncio.wait([alone])
        assert bench.server.count("upload") == 1

    run(scenario)


def test_closing_answers_the_pool_and_leaves_the_batch() -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            bench.server.states = ("in_progress",)
            sent, = bench.begin(bench.batch_job(0))
            await bench.joined(1)
            bench.pools.set()
            await bench.joined(2)
            bench.pools.clear()
            pooled, = bench.begin(bench.batch_job(1))
            await bench.joined(3)
            await bench.backend.close()
            assert_unsent(await pooled, "closed")
            await asyncio.wait([sent])
            assert sent.cancelled()
            assert len(bench.server.batches) == 1

    run(scenario)


def test_nothing_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    made = tempfile.TemporaryFile

    def remembered(**options: Any) -> Any:
        assert options["dir"] == tmp_path
        opened.append(made(**options))
        assert list(tmp_path.iterdir()) == []
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)

    async def scenario() -> None:
        async with BatchBench(spool=tmp_path) as bench:
            bench.server.faults["upload"].append("broken")
            await bench.together(bench.batch_job(0), bench.batch_job(1))
            await bench.together(bench.batch_job(2))
            bench.pools.clear()
            left = bench.begin(bench.batch_job(3), bench.batch_job(4))
            await bench.joined(6)
            left[0].cancel()
            await asyncio.sleep(0)
        await asyncio.wait(left)

    run(scenario)
    for thread in threading.enumerate():
        if thread.name.startswith("spool"):
            thread.join()
    assert len(opened) == 3
    assert all(file.closed for file in opened)


@pytest.mark.parametrize("what", ["disk", "books"])
def test_a_job_that_cannot_be_written_down_is_not_sent_and_the_others_are(
        what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with BatchBench() as bench:
            tasks = bench.begin(bench.batch_job(0))
            await bench.joined(1)

            async def broken(*_: object) -> None:
                raise OSError(28, "no space") if what == "disk" else LedgerError("no books")

            with monkeypatch.context() as patched:
                pool, = bench.backend._batches._pools.values()
                patched.setattr(*((pool.spool, "append") if what == "disk" else (bench.watching, "submitted")), broken)
                reply = await bench.backend.make(bench.batch_job(1), bench.watching)
            assert_unsent(reply, "disk_full" if what == "disk" else "books_unavailable")
            bench.pools.set()
            assert (await tasks[0]).kind is Kind.OK
            assert len(bench.server.uploads["file-in0"]) == 1

    run(scenario)
