"""Idempotency keys, and attempts whose process is gone."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_rows import AT, budget, intent, request, settlement
from sqlalchemy import update

from router.errors import LedgerError
from router.ledger.audit import check
from router.ledger.books import writing
from router.ledger.open import open_books, open_ledger
from router.ledger.tables import owners
from router.ledger.values import Claim

if TYPE_CHECKING:
    from router.ledger.sql_ledger import SqlLedger


async def claim(ledger: SqlLedger, name: str, **changed: Any) -> Claim:
    given: dict[str, Any] = {"fingerprint": "f", "request_id": name, "at": AT, "ttl_s": 3_600.0}
    return await ledger.claim("acme", "key-1", **given | changed)


def bury(url: str, ledger: SqlLedger) -> None:
    """Let the lease of a process run out, as if it had been killed a while ago."""
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(owners).where(owners.c.id == ledger._owner.id).values(lease_until=1))
    books.dispose()


def test_a_key_runs_is_answered_and_ends(url: str) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        assert await claim(ledger, "r1") == Claim("new", "r1")
        assert await claim(ledger, "r2") == Claim("running", "r1")
        assert await claim(ledger, "r2", fingerprint="other") == Claim("mismatch", "r1")
        assert (await ledger.claim("beta", "key-1", fingerprint="x", request_id="r7", at=AT, ttl_s=9)).state == "new"
        await ledger.keep_answer("acme", "key-1", answer='{"images": 1}')
        assert await claim(ledger, "r3") == Claim("done", "r1", '{"images": 1}')
        await ledger.close()
        again = open_ledger(url)
        assert await claim(again, "r4") == Claim("done", "r1", '{"images": 1}')
        late = AT + timedelta(seconds=3_600)
        assert await claim(again, "r5", at=late, fingerprint="other") == Claim("new", "r5")
        assert await claim(again, "r6", at=late, fingerprint="other") == Claim("running", "r5")
        await again.close()

    asyncio.run(story())


def test_an_empty_answer_frees_the_key(url: str) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        await claim(ledger, "r1")
        await ledger.keep_answer("acme", "key-1", answer="")
        assert await claim(ledger, "r2") == Claim("new", "r2")
        other = open_ledger(url)
        await other.keep_answer("acme", "key-1", answer="")
        assert await claim(other, "r3") == Claim("running", "r2"), "another's running key was freed"
        await other.keep_answer("acme", "never claimed", answer="")
        with pytest.raises(LedgerError, match="claim it"):
            await other.keep_answer("acme", "never claimed", answer="x")
        with pytest.raises(LedgerError, match="16384"):
            await other.keep_answer("acme", "key-1", answer="x" * 20_000)
        await other.close()
        await ledger.close()

    asyncio.run(story())


def test_of_many_claims_at_once_one_is_new(url: str) -> None:
    async def story() -> None:
        ledgers = [open_ledger(url) for _ in range(3)]
        claims = await asyncio.gather(*(claim(ledgers[number % 3], f"r{number}") for number in range(60)))
        assert [one.state for one in claims].count("new") == 1
        assert len({one.request_id for one in claims}) == 1
        for ledger in ledgers:
            await ledger.close()

    asyncio.run(story())


@pytest.mark.parametrize(("settled", "state"), [
    (None, "running"), ("possibly_billed", "running"), ("billed", "running"), ("free", "new"), ("refused", "new"),
])
def test_a_dead_owners_key_is_new_only_if_nothing_may_be_billed(url: str, settled: str | None, state: str) -> None:
    async def story() -> None:
        dead, living = open_ledger(url), open_ledger(url)
        await claim(dead, "r1")
        await dead.reserve(intent(request=request("r1")))
        if settled:
            await dead.settle(settlement(cost=0 if settled in ("free", "refused") else 7, state=settled))
        assert (await claim(living, "r2")).state == "running"
        bury(url, dead)
        assert (await claim(living, "r2")).state == state
        await dead.close()
        await living.close()

    asyncio.run(story())


def test_a_dead_owners_key_without_an_attempt_is_new(url: str) -> None:
    async def story() -> None:
        dead, living = open_ledger(url), open_ledger(url)
        await claim(dead, "r1")
        bury(url, dead)
        assert await claim(living, "r2") == Claim("new", "r2")
        await dead.close()
        await living.close()

    asyncio.run(story())


def test_open_attempts_of_the_living_are_left_and_of_the_dead_adopted_once(url: str) -> None:
    async def story() -> None:
        dead, *living = (open_ledger(url) for _ in range(3))
        await claim(dead, "r1")
        await dead.reserve(intent("a1", request=request("r1")))
        await dead.submitted("a1", provider_job="job-1")
        for number in range(2, 42):
            await dead.reserve(intent(f"a{number}", 1_000))
        await dead.settle(settlement("a41", 500))
        assert await living[0].open_attempts() == ()
        bury(url, dead)
        found = [one for some in await asyncio.gather(*(ledger.open_attempts() for ledger in living * 3))
                 for one in some]
        assert sorted(one.attempt_id for one in found) == sorted(f"a{number}" for number in range(1, 41))
        first = next(one for one in found if one.attempt_id == "a1")
        assert (first.provider_job, first.tenant, first.key, first.request_id) == ("job-1", "acme", "key-1", "r1")
        assert await living[0].open_attempts() == ()
        for one in found:
            await living[1].settle(settlement(one.attempt_id, 0, "free"))
        await dead.settle(settlement("a1", 30_000))  # it was only asleep: the later word counts
        assert (await living[1].spent([budget(0)]))[("all", "2026-11")].reserved_micro_usd == 0
        for ledger in (dead, *living):
            await ledger.close()

    asyncio.run(story())
    books = open_books(url)
    assert check(books) == ()
    books.dispose()


def test_a_clean_end_gives_open_attempts_free_at_once(url: str) -> None:
    async def story() -> None:
        first = open_ledger(url)
        await first.reserve(intent())
        await first.close()
        second = open_ledger(url)
        assert [one.attempt_id for one in await second.open_attempts()] == ["a1"]
        await second.close()

    asyncio.run(story())


def test_an_idle_process_keeps_its_lease(url: str) -> None:
    async def story() -> None:
        idle, other = open_ledger(url, lease_s=1), open_ledger(url)
        await idle.reserve(intent())
        await asyncio.to_thread(time.sleep, 1.6)
        assert await other.open_attempts() == ()
        await idle.close()
        assert len(await other.open_attempts()) == 1
        await other.close()

    asyncio.run(story())
