"""A joining with everything around it, driven step by step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router.errors import LedgerError, NotDelivered
from router.identity import Hasher
from router.images import Images
from router.joining import Joining
from router.ledger.values import Claim
from router.pictures import read_picture
from router.quantities import Size
from router.request import ImageRequest
from router.server_settings import StoreSettings
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
