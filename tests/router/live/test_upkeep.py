"""What a router does beside answering, what it remembers of own times, and how an answer is kept for a repetition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.acceptance import Acceptance, Looked
from router.backends.protocol import Usage
from router.errors import LedgerError
from router.images import Images, answer_text, kept_names
from router.jobs.parcels import Parcels
from router.jobs.workshop import Workshop
from router.options import Catalogue
from router.quantities import Size
from router.request import ImageRequest
from router.server_settings import JobSettings, StoreSettings
from router.store import PictureStore
from router.upkeep import Upkeep

from .simulation import MemoryLedger, VirtualClock, simulate
from .worlds import OWN, compiled_with, picture, policy_with, settings_with

if TYPE_CHECKING:
    from pathlib import Path

    from router.events import Event


@dataclass
class Books(MemoryLedger):
    asked: list[float] = field(default_factory=list)
    fails_until: float = 0.0

    async def open_attempts(self) -> tuple[Any, ...]:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        if now < self.fails_until:
            raise LedgerError("the disk is full")
        return ()

    async def acceptance(self) -> dict[tuple[str, str, str], Any]:
        return {("default", "flux-2-pro", ""): Looked(24, 30)}


def kept_up(folder: Path, books: Books, *, seconds: float) -> tuple[list[Event], list[Acceptance]]:
    async def nothing() -> None:
        return None

    async def story(clock: VirtualClock) -> tuple[list[Event], list[Acceptance]]:
        events: list[Event] = []
        learned: list[Acceptance] = []
        shop = Workshop(books, {}, PictureStore(StoreSettings(folder=folder)), Parcels(folder), clock,  # type: ignore[arg-type]
                        events.append, frozenset(), JobSettings(), leave=lambda _: None, woken=lambda: None)
        upkeep = Upkeep(shop, settle_again=nothing, learned=learned.append, keep_days=400)
        await asyncio.sleep(seconds)
        await asyncio.wait_for(upkeep.stop(), 1.0)
        return events, learned
    return simulate(story)


def test_it_looks_for_what_crashed_every_half_minute_and_learns_every_quarter_of_an_hour(tmp_path: Path) -> None:
    books = Books()
    events, learned = kept_up(tmp_path, books, seconds=1801.0)
    assert (len(books.asked), len(learned), events) == (61, 3, [])
    assert books.asked[:3] == [0.0, 30.0, 60.0]
    assert learned[0].counts["default", "flux-2-pro", ""] == Looked(24, 30)


def test_once_a_day_rows_older_than_the_retention_go(tmp_path: Path) -> None:
    books = Books()
    kept_up(tmp_path, books, seconds=2 * 86_400.0 + 60)
    assert [before.date().isoformat() for before in books.retired] == ["2025-10-20", "2025-10-21", "2025-10-22"]


def test_books_that_fail_for_a_while_are_told_and_tried_again(tmp_path: Path) -> None:
    books = Books(fails_until=100.0)
    events, learned = kept_up(tmp_path, books, seconds=200.0)
    assert [event.name for event in events] == ["books_unavailable"] * 4
    assert len(learned) == 1


MADE = Images(
    "img-1", (picture(),), "openai/gpt-image-2@low", "openai", "gpt-image-2", "low", Size(1024, 1024), "auto", 2,
    Decimal("0.0052680"), 2, "partial", simulated=False, ignored=("seed",), stepped_down=True, created_at=7,
    usage=Usage(1, 2, 3, 4), held_bytes=99)


@pytest.mark.parametrize("images", [MADE, replace(MADE, usage=None, ignored=(), usd=Decimal(0))])
def test_an_answer_is_kept_whole_but_for_its_pictures_and_the_bytes_it_holds(images: Images) -> None:
    text = answer_text(images, ("a.png", "b.png"))
    names, kept = kept_names(text)
    known: Any = kept
    assert names == ("a.png", "b.png")
    assert Images(pictures=images.pictures, **known) == replace(images, held_bytes=0)
    assert len(text) < 1000


def test_times_of_own_cards_are_remembered_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.options._TIMES_KEPT", 8)
    known = compiled_with(settings_with(OWN), policy_with()).catalogue
    fresh = Catalogue(known.options, known.models, known.prices, known.law)
    request, option = ImageRequest("x"), known.options[0]
    sizes = [Size(512 + 16 * at, 512) for at in range(50)]
    first = [fresh.seconds(option, request, size=size) for size in sizes]
    assert len(fresh._timed) <= 8
    kept = dict(fresh._timed)
    assert fresh.seconds(option, request, size=sizes[-1]) == first[-1]
    assert fresh._timed == kept
    assert fresh.seconds(option, request, size=sizes[0]) == first[0]
    assert first[0].p50 < first[-1].p50 <= first[-1].p95
