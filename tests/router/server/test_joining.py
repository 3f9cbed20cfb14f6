"""Joining, step by step: who waits, who left, what came late, and that no byte stays counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.errors import KeyInUse, LedgerError, NotDelivered
from router.identity import Hasher
from router.images import Images
from router.joining import Joining
from router.ledger.protocol import Claim
from router.pictures import read_picture
from router.quantities import Size
from router.request import ImageRequest
from router.settings import StoreSettings
from router.store import PictureStore
from router.waiting import Wait

from .serving import png

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

PENDING = NotDelivered("late", state="timed_out", request_id="img-1", pending=True)
REFUSED = NotDelivered("refused", state="refused", request_id="img-1")


@dataclass
class Books:
    """Keys alone, as the ledger keeps them."""

    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    broken: bool = False

    async def claim(self, _tenant: str, key: str, *, fingerprint: str, **_: object) -> Claim:
        known = self.keys.setdefault(key, (fingerprint, "new"))
        if known[0] != fingerprint:
            return Claim("mismatch", "")
        if known[1] == "new":
            self.keys[key] = (fingerprint, "")
            return Claim("new", "")
        return Claim("done", "", known[1]) if known[1] else Claim("running", "")

    async def keep_answer(self, _tenant: str, key: str, *, answer: str) -> None:
        if self.broken:
            raise LedgerError("read-only disk")
        if answer:
            self.keys[key] = (self.keys[key][0], answer)
        else:
            del self.keys[key]


@dataclass
class Clock:
    at: float = 100.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, tz=UTC)


@dataclass
class Desk:
    """A joining with everything around it, and a script of what `make` does."""

    folder: Path
    books: Books = field(default_factory=Books)
    clock: Clock = field(default_factory=Clock)
    made: int = 0
    released: int = 0
    late: Any = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    wait: Wait = field(default_factory=Wait)

    def __post_init__(self) -> None:
        store = PictureStore(StoreSettings(self.folder))
        self.joining = Joining(self.books, store, clock=self.clock, hasher=Hasher(b"k"), release=self.release)

    def release(self, images: Images) -> Images:
        self.released += images.held_bytes
        return images

    async def ask(self, *, key: str = "", is_retry: bool = False, prompt: str = "a cat", wait: Wait | None = None,
                  comes: Images | Exception | None = None) -> Images:
        asker = self.joining.asker(ImageRequest(prompt, deadline_s=5), wait or Wait(is_retry=is_retry), key=key,
                                   request_id="img-1")

        def make(late: Any) -> Coroutine[Any, Any, Images]:
            self.late = late
            return self._make(comes)

        return await self.joining.answer(asker, make)

    async def _make(self, comes: Images | Exception | None) -> Images:
        self.made += 1
        await self.gate.wait()
        if isinstance(comes, Exception):
            raise comes
        return comes or images(self.made)


def images(shade: int) -> Images:
    return Images("img-1", (read_picture(png(8, 8, shade), is_base64=False),), "gpu/x", "gpu", "x", "", Size(8, 8),
                  "auto", 1, Decimal("0.01"), 1, "ok", simulated=True, held_bytes=100)


def run(folder: Path, story: Callable[[Desk], Coroutine[Any, Any, None]]) -> Desk:
    async def told() -> Desk:
        desk = Desk(folder)
        await story(desk)
        await desk.joining.close()
        return desk

    return asyncio.run(told())


def forget_pictures(folder: Path) -> None:
    for file in folder.glob("??/*"):
        file.unlink()


async def settled() -> None:
    """Let everything that can go on go on."""
    await asyncio.sleep(0.05)


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
