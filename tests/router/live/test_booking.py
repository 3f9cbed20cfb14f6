"""Settlement and end of a request are written together, and nobody is answered before both are on disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from router.building import policy_of
from router.ledger.open import open_ledger
from router.live import Router
from router.testing import sandbox_settings

if TYPE_CHECKING:
    from pathlib import Path


class Slow:
    """Books whose one method waits until it is let go; the names of what was asked stay in order."""

    def __init__(self, books: Any, held: str) -> None:
        self.books, self.held, self.go, self.asked = books, held, asyncio.Event(), []
        self.both = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.books, name)
        if name not in ("settle", "close_request"):
            return method

        async def asked(*args: Any) -> Any:
            self.asked.append(name)
            if len(self.asked) > 1:
                self.both.set()
            if name == self.held:
                await self.go.wait()
            return await method(*args)

        return asked


@pytest.mark.parametrize("held", ["settle", "close_request"])
def test_nobody_is_answered_before_both_are_written(tmp_path: Path, held: str) -> None:
    async def answered() -> None:
        settings = sandbox_settings(tmp_path)
        books: Any = Slow(open_ledger(settings.ledger.value), held)
        async with Router(settings, policy_of(None, {}), environ={}, ledger=books) as router:
            making = asyncio.ensure_future(router.generate("a red bicycle"))
            await asyncio.wait_for(books.both.wait(), 10)
            await asyncio.sleep(0.05)
            assert not making.done()
            assert sorted(books.asked) == ["close_request", "settle"]
            books.go.set()
            assert (await making).usd > 0

    asyncio.run(answered())
