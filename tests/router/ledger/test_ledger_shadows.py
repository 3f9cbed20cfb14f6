"""Watched requests, the sums a roll-out is judged by, and a day of the books as a recorded day; on both databases."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_rows import AT, closing, intent, request, settlement

from router.errors import LedgerError
from router.ledger.arm_values import ArmAsk, ArmSums
from router.ledger.open import open_books, open_ledger
from router.ledger.recorded import recorded_requests
from router.ledger.shadow_protocol import ShadowRow
from router.ledger.shadows import forget_shadows, shadow_rows

if TYPE_CHECKING:
    from router.ledger.protocol import Ledger

DAY = timedelta(days=1)
ROW = ShadowRow("s1", AT, "acme", "bulk", "generate", 2, "public", "c" * 16, "bfl/flux-2-pro", "", 60_000, 8.0, 20.0,
                "gpt-image-2", "ok", 105_360, 31.5)


def test_what_was_watched_comes_back_as_it_was_and_in_order(url: str) -> None:
    rows = [replace(ROW, id=f"s{number}", watched_at=AT + timedelta(seconds=number % 7)) for number in range(2_100)]
    bare = ShadowRow("bare", AT + DAY, "", "", "generate", 1, "public", "", "", "text", 0, None, None)

    async def write() -> None:
        ledger = open_ledger(url)
        assert all(await asyncio.gather(*(ledger.shadows.add(row) for row in (*rows, bare))))
        assert await ledger.shadows.add(replace(ROW, id="s7", tenant="eve")) is False
        await ledger.close()
    asyncio.run(write())
    books = open_books(url, create=False)
    found = list(shadow_rows(books, AT, until=AT + DAY))
    assert found == sorted(rows, key=lambda row: (row.watched_at, row.id))
    assert list(shadow_rows(books, AT + DAY, until=AT + 2 * DAY)) == [bare]
    assert forget_shadows(books, AT + DAY) == 2_100
    assert list(shadow_rows(books, AT, until=AT + 2 * DAY)) == [bare]
    books.dispose()


def test_texts_are_bounded_and_ids_are_whole(url: str) -> None:
    async def write() -> None:
        ledger = open_ledger(url)
        await ledger.shadows.add(replace(ROW, actual_model="x" * 500, tenant="a\0b"))
        with pytest.raises(LedgerError):
            await ledger.shadows.add(replace(ROW, id=""))
        await ledger.close()
    asyncio.run(write())
    books = open_books(url, create=False)
    row = next(shadow_rows(books, AT, until=AT + DAY))
    assert (len(row.actual_model), row.tenant) == (100, "a\ufffdb")
    books.dispose()


def test_what_was_watched_goes_with_the_months_that_are_retired(url: str) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        for name, days in (("old", 60), ("this", 3)):
            await ledger.shadows.add(replace(ROW, id=name, watched_at=AT - days * DAY))
        await ledger.retire(AT)
        await ledger.close()
    asyncio.run(story())
    books = open_books(url, create=False)
    assert [row.id for row in shadow_rows(books, AT - 90 * DAY, until=AT + DAY)] == ["this"]
    books.dispose()


async def lived(ledger: Ledger, name: str, chance: random.Random) -> dict[str, Any]:
    """A request with up to two attempts; what it should add to the sums."""
    state = chance.choice(["ok", "ok", "ok", "partial", "refused", "failed", "rejected", ""])
    told = request(name, policy_digest=chance.choice("ab") * 16, segment=chance.choice(["bulk", "hero"]),
                   text_words=chance.choice([0, 3, 9]), tenant=chance.choice(["acme", "shop"]), n_asked=4,
                   size_asked=chance.choice(["auto", "1024x1024"]), received_at=AT + timedelta(
                       seconds=chance.randrange(100)))
    images = {"ok": 4, "partial": 2}.get(state, 0)
    end = closing(name, state=state, n_delivered=images, usd_micro=1)
    costs = [chance.randrange(100_000) for _ in range(chance.randrange(1, 3))]
    if state == "rejected":
        await ledger.record(told, end)
        costs = []
    for number, cost in enumerate(costs, start=1):
        await ledger.reserve(intent(f"{name}-{number}", 100_000, request=told, number=number, at=told.received_at))
        await ledger.settle(settlement(f"{name}-{number}", cost))
    if state not in ("", "rejected"):
        await ledger.close_request(end)
    return {"row": told, "state": state, "images": images, "usd": sum(costs) / 1e6}


def naive(lives: list[dict[str, Any]], ask: ArmAsk) -> dict[tuple[object, ...], list[float]]:
    found: dict[tuple[object, ...], list[float]] = {}
    for life in lives:
        row, state = life["row"], life["state"]
        if state == "" or row.policy_digest != ask.digest or row.received_at < ask.since or (
                ask.until is not None and row.received_at >= ask.until) or (
                ask.tenants and row.tenant not in ask.tenants):
            continue
        words = 0 if row.text_words == 0 else 1 if row.text_words <= 4 else 2
        sums = found.setdefault((row.segment, row.size_asked, words), [0.0] * 8)
        usd, images = life["usd"], life["images"]
        for at, value in enumerate((1, state in ("refused", "rejected"), state in ("failed", "partial"), images, usd,
                                    usd * usd, usd * images, images * images)):
            sums[at] += value
    return found


def as_told(rows: tuple[ArmSums, ...]) -> dict[tuple[object, ...], list[float]]:
    return {(row.segment, row.size_asked, row.words): [
        row.requests, row.refused, row.failed, row.images, row.usd, row.usd_squared, row.usd_images,
        row.images_squared] for row in rows}


def test_the_sums_of_an_arm_are_those_of_its_rows(url: str) -> None:
    chance = random.Random(5)

    async def story() -> None:
        ledger = open_ledger(url)
        lives = [await lived(ledger, f"r{number}", chance) for number in range(150)]
        for ask in (ArmAsk("a" * 16, AT), ArmAsk("b" * 16, AT + timedelta(seconds=30)),
                    ArmAsk("a" * 16, AT, AT + timedelta(seconds=50), ("shop",)), ArmAsk("none", AT)):
            found, wanted = as_told(await ledger.arm(ask)), naive(lives, ask)
            assert found.keys() == wanted.keys()
            for key, sums in wanted.items():
                assert found[key] == pytest.approx(sums)
        await ledger.close()
    asyncio.run(story())


def test_a_day_of_the_books_is_a_recorded_day(url: str) -> None:
    chance = random.Random(6)

    async def story() -> list[dict[str, Any]]:
        ledger = open_ledger(url)
        lives = [await lived(ledger, f"r{number}", chance) for number in range(40)]
        unread = request("unread", policy_digest="")
        await ledger.record(unread, closing("unread", state="rejected"))
        await ledger.close()
        return lives
    lives = asyncio.run(story())
    books = open_books(url, create=False)
    rows = list(recorded_requests(books, AT, until=AT + DAY))
    books.dispose()
    ended = [life for life in lives if life["state"]]
    assert len(rows) == len(ended)
    assert sorted(row["actual_state"] for row in rows) == sorted(
        {"ok": "ok", "partial": "ok", "refused": "refused"}.get(life["state"], "failed") for life in ended)
    assert {row["text_words"] for row in rows} == {0, 3, 9}
    assert "prompt" not in rows[0]
