"""Jobs on the books: taken once, ended once, picked up after their process, and their events in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_rows import AT, intent, request, settlement

from router.ledger.job_protocol import JobEnd, JobRow
from router.ledger.open import open_ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from router.ledger.protocol import Ledger

HOUR = timedelta(hours=1)


def job(name: str = "r-a1", **changed: Any) -> JobRow:
    row = JobRow(id=name, tenant="acme", state="queued", operation="generate", segment="bulk", urgency="now", n=1,
                 created_at=AT, due_at=AT + HOUR, not_before=AT, parcel="p.job")
    return replace(row, **changed)


def end(name: str = "r-a1", state: Any = "done", **changed: Any) -> JobEnd:
    return replace(JobEnd(name, state, AT, AT + HOUR, answer="{}"), **changed)


def telling(row: JobRow) -> str:
    return f"{row.id} {row.state}"


@asynccontextmanager
async def opened(url: str, *, lease_s: float = 15.0) -> AsyncIterator[Ledger]:
    ledger = open_ledger(url, lease_s=lease_s)
    try:
        yield ledger
    finally:
        await ledger.close()


def test_a_job_is_taken_by_one_process_and_ends_once(url: str) -> None:
    async def story() -> None:
        async with opened(url) as one, opened(url) as other:
            for number in range(20):
                await one.jobs.add(job(f"r{number:02}", created_at=AT + timedelta(seconds=number)))
            taken = await asyncio.gather(*(books.jobs.take(7, at=AT) for books in (one, other, one, other)))
            names = [found.row.id for some in taken for found in some]
            assert sorted(names) == [f"r{number:02}" for number in range(20)]
            assert all(found.row.state == "running" and found.row.starts == 1 for some in taken for found in some)
            owners = {found.row.id: books for some, books in zip(taken, (one, other, one, other), strict=True)
                      for found in some}
            mine = [owners[name].jobs.end(end(name)) for name in names]
            theirs = [(other if owners[name] is one else one).jobs.end(end(name, "failed")) for name in names]
            ended = await asyncio.gather(*mine, *theirs)
            assert sum(ended) == 20
            found = await one.jobs.page("acme", most=50)
            assert {row.state for row in found} == {"done"}
            assert not await one.jobs.end(end("r00", "failed"))
            assert await one.jobs.take(5, at=AT) == ()

    asyncio.run(story())


def test_a_job_whose_process_is_gone_is_taken_up_with_what_was_tried(url: str) -> None:
    async def story() -> None:
        async with opened(url) as survivor:
            async with opened(url) as victim:
                await victim.jobs.add(job())
                (taken,) = await victim.jobs.take(1, at=AT)
                assert taken.attempts == ()
                await victim.reserve(intent(budgets=()))
                await victim.submitted("a1", provider_job="job-7 https://example.test/7")
                await victim.jobs.split("r-a1", parts="1")
                assert await survivor.jobs.take(5, at=AT) == ()
                assert await survivor.open_attempts() == ()
            assert await survivor.open_attempts() == ()  # they belong to the job
            (again,) = await survivor.jobs.take(5, at=AT)
            assert (again.row.starts, again.row.parts, again.row.started_at) == (2, "1", AT)
            (attempt,) = again.attempts
            assert (attempt.state, attempt.provider_job) == ("sent", "job-7 https://example.test/7")
            await survivor.settle(settlement(kept="one.png two.png"))
            assert await survivor.jobs.end(end(state="failed"))
            ended = await survivor.jobs.find("acme", "r-a1")
            assert ended is not None
            assert ended.usd_micro == 30_000
            await survivor.reserve(intent("a2", budgets=(), request=request("r-a1")))
            assert await survivor.jobs.take(5, at=AT) == ()
        async with opened(url) as later:
            (left,) = await later.open_attempts()  # the job has ended: whatever still runs is settled as usual
            assert left.attempt_id == "a2"

    asyncio.run(story())


def test_put_back_jobs_wait_until_their_time(url: str) -> None:
    async def story() -> None:
        async with opened(url) as books:
            await books.jobs.add(job())
            await books.jobs.add(job("r2", created_at=AT + timedelta(seconds=1)))
            await books.jobs.take(1, at=AT)
            await books.jobs.put_back("r-a1", not_before=AT + HOUR, code="busy")
            assert [found.row.id for found in await books.jobs.take(5, at=AT)] == ["r2"]
            waiting = await books.jobs.find("acme", "r-a1")
            assert waiting is not None
            assert (waiting.state, waiting.code, await books.jobs.ahead(waiting)) == ("queued", "busy", 0)
            assert await books.jobs.counts() == {"queued": 1, "running": 1}
            (again,) = await books.jobs.take(5, at=AT + HOUR)
            assert again.row.id == "r-a1"

    asyncio.run(story())


def test_cancelling(url: str) -> None:
    async def story() -> None:
        async with opened(url) as books:
            await books.jobs.add(job())
            await books.jobs.add(job("r2"))
            asked = {"at": AT, "expires_at": AT + HOUR}
            assert await books.jobs.cancel("other", "r-a1", **asked) is None
            assert await books.jobs.cancel("acme", "nobody", **asked) is None
            ended = await books.jobs.cancel("acme", "r-a1", **asked)
            assert ended is not None
            assert ended.state == "cancelled"
            await books.jobs.take(5, at=AT)
            running = await books.jobs.cancel("acme", "r2", **asked)
            assert running is not None
            assert (running.state, running.cancel_asked) == ("running", True)
            assert await books.jobs.asked_to_cancel() == ("r2",)
            assert await books.jobs.find("other", "r2") is None

    asyncio.run(story())


def test_a_page_goes_back_in_time(url: str) -> None:
    async def story() -> None:
        async with opened(url) as books:
            for number in range(5):
                await books.jobs.add(job(f"r{number}", created_at=AT + timedelta(seconds=number), key=f"k{number % 2}"))
            await books.jobs.add(job("foreign", tenant="other"))
            first = await books.jobs.page("acme", most=3)
            assert [row.id for row in first] == ["r4", "r3", "r2"]
            rest = await books.jobs.page("acme", most=3, after="r2")
            assert [row.id for row in rest] == ["r1", "r0"]
            assert [row.id for row in await books.jobs.page("acme", most=9, key="k1")] == ["r3", "r1"]
            assert await books.jobs.page("acme", most=9, after="foreign") == ()

    asyncio.run(story())


def test_a_key_whose_job_waits_is_not_given_away(url: str) -> None:
    async def story() -> None:
        async with opened(url) as victim:
            await victim.claim("acme", "k", fingerprint="f", request_id="r-a1", at=AT, ttl_s=3600)
            await victim.jobs.add(job(key="k"))
        async with opened(url) as books:
            again = await books.claim("acme", "k", fingerprint="f", request_id="r9", at=AT, ttl_s=3600)
            assert (again.state, again.request_id) == ("running", "r-a1")
            (taken,) = await books.jobs.take(1, at=AT)
            await books.jobs.end(end(taken.row.id, "failed"))
            freed = await books.claim("acme", "k", fingerprint="f", request_id="r9", at=AT, ttl_s=3600)
            assert freed.state == "new"

    asyncio.run(story())


def test_events_are_written_with_their_change_and_sent_in_order(url: str) -> None:
    async def story() -> None:
        async with opened(url) as books, opened(url) as other:
            await books.jobs.add(job(webhook_url="https://example.test/hook"))
            await books.jobs.add(job("silent"))
            await books.jobs.take(5, at=AT, telling=telling)
            await books.jobs.end(end(), telling=telling)
            assert not await books.jobs.end(end(), telling=telling)
            (first,) = await books.jobs.take_messages(9, at=AT)
            assert (first.number, first.body, first.tries, first.id) == (1, "r-a1 running", 0, "msg-r-a1-1")
            assert await other.jobs.take_messages(9, at=AT) == ()
            await books.jobs.undelivered(first, not_before=AT + HOUR, at=AT, code="http_500")
            assert await other.jobs.take_messages(9, at=AT) == ()
            (again,) = await other.jobs.take_messages(9, at=AT + HOUR)
            assert (again.number, again.tries) == (1, 1)
            await other.jobs.undelivered(again, not_before=None, at=AT, code="http_410")
            (second,) = await other.jobs.take_messages(9, at=AT)
            assert second.body == "r-a1 done"
            await other.jobs.delivered(second, at=AT, code="http_204")
            assert await other.jobs.take_messages(9, at=AT + HOUR) == ()

    asyncio.run(story())


def test_a_message_whose_process_died_is_sent_by_another(url: str) -> None:
    async def story() -> None:
        async with opened(url) as victim:
            await victim.jobs.add(job(webhook_url="https://example.test/hook"))
            await victim.jobs.take(5, at=AT, telling=telling)
            assert len(await victim.jobs.take_messages(9, at=AT)) == 1
        async with opened(url) as books:
            assert [found.number for found in await books.jobs.take_messages(9, at=AT)] == [1]

    asyncio.run(story())


@pytest.mark.parametrize("kept_until", [AT - HOUR, AT + HOUR])
def test_ended_jobs_are_forgotten_with_their_messages(url: str, kept_until: Any) -> None:
    async def story() -> None:
        async with opened(url) as books:
            await books.jobs.add(job(webhook_url="https://example.test/hook"))
            await books.jobs.add(job("waits"))
            await books.jobs.take(1, at=AT, telling=telling)
            await books.jobs.end(end(at=AT - HOUR, expires_at=kept_until), telling=telling)
            gone = await books.jobs.forget(AT)
            assert gone == (1 if kept_until < AT else 0)
            assert (await books.jobs.find("acme", "r-a1") is None) == (gone == 1)
            assert await books.jobs.find("acme", "waits") is not None
            assert len(await books.jobs.take_messages(9, at=AT)) == 1 - gone

    asyncio.run(story())
