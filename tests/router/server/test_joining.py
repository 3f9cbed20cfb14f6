"""Joining, step by step: who waits, who left, what came late, and that no byte stays counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from router.errors import KeyInUse, NotDelivered
from router.request import ImageRequest
from router.waiting import Wait

from .joining_desk import PENDING, REFUSED, Desk, forget_pictures, images, run, settled

if TYPE_CHECKING:
    from pathlib import Path


def test_bytes_in_flight_are_handed_to_one_of_those_who_wait(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        waiting = [asyncio.ensure_future(desk.ask(key="k")) for _ in range(3)]
        await settled()
        desk.gate.set()
        found = await asyncio.gather(*waiting)
        assert sorted(one.held_bytes for one in found) == [0, 0, 100]
        assert [one.replayed for one in found] == [False, True, True]
        assert len({one.pictures[0].digest for one in found}) == 1

    assert run(tmp_path, story).made == 1


@pytest.mark.parametrize("key", ["", "k"])
def test_an_answer_that_nobody_waits_for_is_kept_for_the_retry(tmp_path: Path, key: str) -> None:
    async def story(desk: Desk) -> None:
        wait = Wait()
        first = asyncio.ensure_future(desk.ask(key=key, wait=wait))
        await settled()
        first.cancel()
        await settled()
        assert wait.abandoned.is_set()
        desk.gate.set()
        await settled()
        assert desk.released == 100
        found = await desk.ask(key=key, is_retry=True)
        assert found.replayed
        assert found.held_bytes == 0

    assert run(tmp_path, story).made == 1


def test_a_retry_that_joins_takes_the_abandonment_back(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        wait = Wait()
        first = asyncio.ensure_future(desk.ask(wait=wait))
        await settled()
        first.cancel()
        await settled()
        second = asyncio.ensure_future(desk.ask(is_retry=True))
        await settled()
        assert not wait.abandoned.is_set()
        desk.gate.set()
        assert (await second).held_bytes == 100

    assert run(tmp_path, story).made == 1


def test_one_of_two_who_leaves_abandons_nothing(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        wait = Wait()
        first = asyncio.ensure_future(desk.ask(key="k", wait=wait))
        second = asyncio.ensure_future(desk.ask(key="k"))
        await settled()
        first.cancel()
        await settled()
        assert not wait.abandoned.is_set()
        desk.gate.set()
        assert (await second).held_bytes == 100

    run(tmp_path, story)


def test_whoever_joined_shares_the_failure_and_nothing_is_made_again(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        waiting = [asyncio.ensure_future(desk.ask(key="k", comes=REFUSED)) for _ in range(2)]
        await settled()
        desk.gate.set()
        for one in waiting:
            with pytest.raises(NotDelivered, match="refused"):
                await one

    desk = run(tmp_path, story)
    assert (desk.made, desk.books.keys) == (1, {})


@pytest.mark.parametrize("key", ["", "k"])
def test_a_retry_waits_for_the_late_answer(tmp_path: Path, key: str) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        with pytest.raises(NotDelivered):
            await desk.ask(key=key, comes=PENDING)
        waiting = [asyncio.ensure_future(desk.ask(key=key, is_retry=True)) for _ in range(2)]
        await settled()
        await desk.late(images(7))
        found = await asyncio.gather(*waiting)
        assert all(one.replayed for one in found)
        assert {one.pictures[0].digest for one in found} == {images(7).pictures[0].digest}

    assert run(tmp_path, story).made == 1


@pytest.mark.parametrize("key", ["", "k"])
def test_where_no_late_answer_comes_a_waiting_retry_makes_its_own(tmp_path: Path, key: str) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        with pytest.raises(NotDelivered):
            await desk.ask(key=key, comes=PENDING)
        retry = asyncio.ensure_future(desk.ask(key=key, is_retry=True))
        await settled()
        await desk.late(None)
        assert not (await retry).replayed

    assert run(tmp_path, story).made == 2


def test_a_retry_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        with pytest.raises(NotDelivered):
            await desk.ask(comes=PENDING)
        asker = desk.joining.asker(ImageRequest("a cat", deadline_s=0.05), Wait(is_retry=True), key="", request_id="r")
        with pytest.raises(NotDelivered) as caught:
            await desk.joining.answer(asker, lambda _: desk._make(None))
        assert caught.value.pending

    assert run(tmp_path, story).made == 1


@pytest.mark.parametrize("late", [None, 9])
def test_a_late_end_of_another_attempt_does_not_change_an_answer_given(tmp_path: Path, late: int | None) -> None:
    """The first attempt is late, the second answers; then the first fails, or answers after all."""
    async def story(desk: Desk) -> None:
        desk.gate.set()
        first = await desk.ask(key="k")
        await desk.late(None if late is None else images(late))
        again = await desk.ask(key="k")
        assert again.pictures[0].digest == first.pictures[0].digest

    assert run(tmp_path, story).made == 1


def test_a_second_image_that_was_paid_for_goes_to_a_retry(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        await desk.ask()
        await desk.late(images(9))
        assert (await desk.ask(is_retry=True)).pictures[0].digest == images(9).pictures[0].digest
        assert not (await desk.ask(is_retry=True)).replayed

    assert run(tmp_path, story).made == 2


def test_kept_answers_without_a_key_expire(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        await desk.ask()
        await desk.late(images(9))
        desk.clock.at += 901
        assert not (await desk.ask(is_retry=True)).replayed

    assert run(tmp_path, story).made == 2


def test_books_that_break_after_the_payment_do_not_cost_the_caller_its_image(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.books.broken = True
        desk.gate.set()
        assert (await desk.ask(key="k")).pictures
        with pytest.raises(KeyInUse):
            await desk.ask(key="k")

    assert run(tmp_path, story).made == 1


def test_an_answer_whose_pictures_are_gone_says_so(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        await desk.ask(key="k")
        forget_pictures(tmp_path)
        with pytest.raises(NotDelivered) as caught:
            await desk.ask(key="k")
        assert (caught.value.state, caught.value.code) == ("expired", "answer_expired")

    assert run(tmp_path, story).made == 1


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.gate.set()
        first = await desk.ask(key="k")
        again = await desk.ask(key="k")
        assert [one.as_bytes() for one in again.pictures] == [one.as_bytes() for one in first.pictures]
        assert replace(again, pictures=()) == replace(first, pictures=(), replayed=True, held_bytes=0)

    run(tmp_path, story)
