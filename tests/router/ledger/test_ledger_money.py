"""Reserves, settlements and limits, each on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ledger_rows import AT, MONTH, budget, closing, intent, request, settlement

from router.errors import LedgerError
from router.ledger.audit import check
from router.ledger.open import open_books, open_ledger
from router.ledger.values import Budget, Outcome, Reservation, Spent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from router.ledger.sql_ledger import SqlLedger


def run(url: str, story: Callable[[SqlLedger], Awaitable[Any]]) -> Any:
    """Tell a story to a ledger; the books must agree with themselves afterwards."""
    async def told() -> Any:
        ledger = open_ledger(url)
        try:
            return await story(ledger)
        finally:
            await ledger.close()

    answer = asyncio.run(told())
    books = open_books(url)
    assert check(books) == ()
    books.dispose()
    return answer


async def standing(ledger: SqlLedger, *budgets: Budget) -> list[tuple[int, int]]:
    spent = await ledger.spent(budgets)
    return [(line.settled_micro_usd, line.reserved_micro_usd) for line in spent.values()]


def test_a_reserve_becomes_a_settlement(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month, tenant = budget(100_000), budget(100_000, "tenant:acme")
        assert await ledger.reserve(intent(budgets=(month, tenant))) == Reservation(granted=True)
        assert await standing(ledger, month, tenant) == [(0, 40_000), (0, 40_000)]
        await ledger.submitted("a1", provider_job="job-7")
        await ledger.settle(settlement())
        assert await standing(ledger, month, tenant) == [(30_000, 0), (30_000, 0)]
        await ledger.close_request(closing("r-a1"))
        row = await anext(ledger.export(MONTH))
        assert (row["state"], row["provider_job"], row["request_state"]) == ("billed", "job-7", "ok")
        assert row["sent_at"]

    run(url, story)


def test_the_limit_that_binds_is_told_and_nothing_is_taken(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        wide, narrow = budget(1_000_000), budget(50_000, "project:acme/shop", "2026-11-24")
        await ledger.reserve(intent("a1", 30_000, (wide, narrow)))
        refused = await ledger.reserve(intent("a2", 20_001, (wide, narrow)))
        assert refused == Reservation(granted=False, short=narrow, left_micro_usd=20_000)
        assert await standing(ledger, wide, narrow) == [(0, 30_000), (0, 30_000)]
        assert (await ledger.reserve(intent("a3", 20_000, (wide, narrow)))).granted
        assert [row["attempt_id"] async for row in ledger.export(MONTH)] == ["a1", "a3"]
        with pytest.raises(LedgerError, match="not on the books"):
            await ledger.settle(settlement("a2"))

    run(url, story)


def test_a_second_settlement_replaces_the_first(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month = budget(100_000)
        await ledger.reserve(intent(budgets=(month,)))
        await ledger.settle(settlement(cost=40_000, state="possibly_billed"))
        assert await standing(ledger, month) == [(40_000, 0)]
        await ledger.settle(settlement(cost=25_000, provider_job="late"))
        assert await standing(ledger, month) == [(25_000, 0)]
        await ledger.settle(settlement(cost=0, state="free"))
        assert await standing(ledger, month) == [(0, 0)]
        row = await anext(ledger.export(MONTH))
        assert (row["settlements"], row["state"], row["provider_job"]) == (3, "free", "late")

    run(url, story)


def test_a_settlement_above_its_reserve_is_kept_and_flagged(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month = budget(50_000)
        await ledger.reserve(intent(budgets=(month,)))
        await ledger.settle(settlement(cost=90_000, flags="usage_estimated"))
        assert await standing(ledger, month) == [(90_000, 0)]
        assert (await ledger.reserve(intent("a2", 1, (month,)))).left_micro_usd == 0
        row = await anext(ledger.export(MONTH))
        assert row["flags"] == "settled_above_reserve usage_estimated"

    run(url, story)


def test_a_settlement_that_is_raised_later_is_flagged(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month = budget(50_000)
        await ledger.reserve(intent(budgets=(month,)))
        await ledger.settle(settlement(cost=0, state="free"))
        assert (await ledger.reserve(intent("a2", 45_000, (month,)))).granted
        await ledger.settle(settlement(cost=30_000))
        assert await standing(ledger, month) == [(30_000, 45_000)]
        assert [row["flags"] async for row in ledger.export(MONTH)] == ["raised_after_settlement", ""]

    run(url, story)


def test_the_same_attempt_is_reserved_once(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month = budget(50_000)
        first, second = await asyncio.gather(*(ledger.reserve(intent(budgets=(month,))) for _ in range(2)))
        assert first.granted
        assert second.granted
        assert await standing(ledger, month) == [(0, 40_000)]
        await ledger.settle(settlement())
        with pytest.raises(LedgerError, match="needs a new id"):
            await ledger.reserve(intent(budgets=(month,)))

    run(url, story)


def test_one_bad_operation_does_not_harm_its_batch(url: str) -> None:
    async def story(ledger: SqlLedger) -> list[Any]:
        month = budget(10**9)
        await ledger.reserve(intent("known", 1, (month,)))
        unfit = replace(intent("unfit", 1, (month,)), number=2**70)
        answers = await asyncio.gather(
            *(ledger.reserve(intent(f"a{number}", 1_000, (month,))) for number in range(20)), ledger.reserve(unfit),
            ledger.settle(settlement("unknown")), ledger.settle(settlement("known", 7)), return_exceptions=True)
        assert await standing(ledger, month) == [(7, 20_000)]
        return answers

    answers = run(url, story)
    assert all(answer.granted for answer in answers[:20])
    assert isinstance(answers[20], LedgerError)
    assert isinstance(answers[21], LedgerError)
    assert answers[22] is None


@pytest.mark.parametrize("bad", [
    {"reserve_micro_usd": -1}, {"reserve_micro_usd": 0.5}, {"attempt_id": ""}, {"attempt_id": "x" * 101},
    {"attempt_id": "a\0b"}, {"at": AT.replace(tzinfo=None)}, {"budgets": (Budget("a\nb", MONTH, 1),)},
    {"budgets": (Budget("all", "november 2026", 1),)}, {"budgets": tuple(Budget("x" * 90 + str(i), MONTH, 1)
                                                                          for i in range(40))},
])
def test_values_that_cannot_be_kept_are_refused_before_the_batch(tmp_path: Path, bad: dict[str, Any]) -> None:
    async def story(ledger: SqlLedger) -> None:
        with pytest.raises(LedgerError):
            await ledger.reserve(replace(intent(), **bad))

    run(f"sqlite:///{tmp_path}/ledger.db", story)


def test_texts_are_cut_and_cleaned_to_their_columns(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        long = request("r1", campaign="n\0ul \ud800 " + "x" * 500, verdicts="v" * 5_000, prompt="ein Bär\0" * 9_000)
        await ledger.reserve(replace(intent(), request=long))
        row = await anext(ledger.export(MONTH))
        assert len(str(row["request_campaign"])) == 100
        assert len(str(row["request_verdicts"])) == 2_000
        assert len(str(row["request_prompt"])) == 32_000
        assert "\0" not in str(row)

    run(url, story)


def test_a_prompt_is_kept_only_when_given(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        await ledger.reserve(intent())
        assert [row["request_prompt"] async for row in ledger.export(MONTH)] == [None]

    run(url, story)


def test_a_cancelled_caller_leaves_no_reserve_behind(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month = budget(10**6)
        callers = [asyncio.create_task(ledger.reserve(intent(f"a{number}", 1_000, (month,)))) for number in range(30)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        for _ in range(100):
            if await standing(ledger, month) == [(0, 15_000)]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(await standing(ledger, month))

    run(url, story)


def test_budgets_named_twice_take_once_under_the_lower_limit(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        assert not (await ledger.reserve(intent(budgets=(budget(90_000), budget(39_999))))).granted
        assert (await ledger.reserve(intent(budgets=(budget(90_000), budget(40_000))))).granted
        assert await standing(ledger, budget(0)) == [(0, 40_000)]

    run(url, story)


def test_requests_that_were_never_sent_and_outcomes(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        await ledger.record(request("r1"), closing("r1", state="rejected", http_status=402))
        await ledger.record(request("r1"), closing("r1", state="rejected", http_status=402))
        with pytest.raises(LedgerError, match="cannot stand"):
            await ledger.record(request("r1"), closing("r2"))
        with pytest.raises(LedgerError, match="record it"):
            await ledger.close_request(closing("r9"))
        seen = Outcome("r1", 0, "rejected", "six fingers", 12.5, AT)
        assert await ledger.record_outcome(seen)
        assert await ledger.record_outcome(replace(seen, verdict="edited"))
        assert not await ledger.record_outcome(replace(seen, request_id="r9"))

    run(url, story)


def test_what_is_spent_is_read_without_asking_the_database_again(url: str) -> None:
    async def story(ledger: SqlLedger) -> None:
        month, other = budget(10**6), budget(10**6, "tenant:nobody")
        assert await ledger.spent([other]) == {("tenant:nobody", MONTH): Spent()}
        await ledger.reserve(intent("a1", 5, (month,)))
        read = ledger.spent([month])
        with pytest.raises(StopIteration) as told:
            read.send(None)  # no await in it: a plain look into memory
        assert told.value.value == {("all", MONTH): Spent(0, 5)}

    run(url, story)


def test_a_closed_ledger_refuses_and_keeps_what_was_asked_before(url: str) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        asked = [asyncio.create_task(ledger.reserve(intent(f"a{number}", 1_000))) for number in range(50)]
        await asyncio.sleep(0)
        await ledger.close()
        assert all(answer.granted for answer in await asyncio.gather(*asked))
        with pytest.raises(LedgerError, match="closed"):
            await ledger.reserve(intent())

    asyncio.run(story())
