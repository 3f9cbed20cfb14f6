"""What a router does beside answering: judges a policy on trial, picks up what crashed processes left, learns."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from .acceptance import Acceptance
from .errors import LedgerError
from .events import Event
from .recovery import recover

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .jobs.workshop import Workshop

__all__ = ["Upkeep"]

_EVERY_S = 30.0
_LEARN_EVERY_S = 900.0
_RETIRE_EVERY_S = 86_400.0


class Upkeep:
    """One task; it ends when it is stopped, and books that cannot be read are told and tried again."""

    def __init__(self, shop: Workshop, *, settle_again: Callable[[], Awaitable[None]],
                 learned: Callable[[Acceptance], None], keep_days: int,
                 judge: Callable[[], Awaitable[None]] | None = None) -> None:
        self._shop, self._ledger, self._clock, self._tell = shop, shop.ledger, shop.clock, shop.tell
        self._settle_again, self._learned, self._keep = settle_again, learned, timedelta(days=keep_days)
        self._judge = judge
        self._tasks = {asyncio.ensure_future(self._run()), asyncio.ensure_future(self._recover_for_ever())}

    async def stop(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _run(self) -> None:
        learn_at = retire_at = self._clock.monotonic()
        while True:
            try:
                if self._judge is not None:
                    await self._judge()
                await self._settle_again()
                if self._clock.monotonic() >= learn_at:
                    learn_at += _LEARN_EVERY_S
                    self._learned(Acceptance(await self._ledger.acceptance()))
                    await self._shop.parcels.sweep(self._ledger.jobs.ended)
                if self._clock.monotonic() >= retire_at:
                    retire_at += _RETIRE_EVERY_S
                    await self._ledger.retire(self._clock.now() - self._keep)
                    await self._ledger.jobs.forget(self._clock.now() - self._keep)
            except LedgerError as error:
                self._tell(Event("books_unavailable", self._clock.now(), facts={"problem": str(error)[:200]}))
            await asyncio.sleep(_EVERY_S)

    async def _recover_for_ever(self) -> None:
        """Beside the rest, because a provider may be asked for long."""
        shop = self._shop
        while True:
            try:
                await recover(self._ledger, shop.backends, store=shop.store, clock=self._clock, own=shop.own,
                              tell=self._tell, leave=shop.leave)
            except LedgerError as error:
                self._tell(Event("books_unavailable", self._clock.now(), facts={"problem": str(error)[:200]}))
            await asyncio.sleep(_EVERY_S)
