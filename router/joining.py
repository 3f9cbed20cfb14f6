"""One intent, one payment: a repetition of a key, or a client's own retry, joins the running or the late answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import KeyInUse, NotDelivered
from .images import Images, answer_text, kept_names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .dispatch import Clock
    from .ledger.protocol import Ledger
    from .store import PictureStore

__all__ = ["Joining"]

_UNKEYED_S = 900.0


class Joining:
    """Keys live in the books and survive a restart; requests without a key are joined inside of this process only."""

    def __init__(self, ledger: Ledger, store: PictureStore, clock: Clock, *, ttl_s: float) -> None:
        self._ledger, self._store, self._clock, self._ttl_s = ledger, store, clock, ttl_s
        self._running: dict[tuple[str, str], asyncio.Task[Images]] = {}
        self._late: dict[tuple[str, str], tuple[float, str]] = {}

    async def answer(self, tenant: str, *, key: str, fingerprint: str, request_id: str, is_retry: bool,
                     make: Callable[[Callable[[Images | None], Awaitable[None]]], Awaitable[Images]]) -> Images:
        """The images of a request, made once.

        Args:
            tenant: whose key it is.
            key: the caller's idempotency key, or empty.
            fingerprint: of everything asked.
            request_id: of this request, if it is the one that runs.
            is_retry: the client says it asked before.
            make: makes the images; it is handed what to call with a late answer, or with None when none will come.

        Raises:
            KeyInUse: the key runs in another process, or stands for another request.
        """
        joined = await self._join(tenant, key=key, fingerprint=fingerprint, request_id=request_id, is_retry=is_retry)
        if joined is not None:
            return joined

        async def late(images: Images | None) -> None:
            await self._keep_late(tenant, key or fingerprint, images, keyed=bool(key))

        slot = (tenant, key or fingerprint)
        task = asyncio.ensure_future(self._run(tenant, key, make(late)))
        self._running[slot] = task
        task.add_done_callback(lambda done: self._forget(slot, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for what still runs."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=5.0)

    async def _join(self, tenant: str, *, key: str, fingerprint: str, request_id: str, is_retry: bool) -> Images | None:
        running = self._running.get((tenant, key or fingerprint))
        if not key:
            if not is_retry:
                return None
            if running is not None:
                return replace(await asyncio.shield(running), replayed=True, held_bytes=0)
            return await self._late_answer(tenant, fingerprint)
        claim = await self._ledger.claim(tenant, key, fingerprint=fingerprint, request_id=request_id,
                                         at=self._clock.now(), ttl_s=self._ttl_s)
        if claim.state == "mismatch":
            raise KeyInUse(running=False)
        if claim.state == "done":
            return await self._kept(claim.answer) or _gone()
        if claim.state == "running":
            if running is None:
                raise KeyInUse(running=True)
            return replace(await asyncio.shield(running), replayed=True, held_bytes=0)
        return None

    async def _run(self, tenant: str, key: str, making: Awaitable[Images]) -> Images:
        """A key is freed where nothing is on its way any more; a late answer keeps it."""
        if not key:
            return await making
        answered = pending = False
        try:
            images = await making
            await self._ledger.keep_answer(tenant, key, answer=await self._text(images))
            answered = True
        except NotDelivered as error:
            pending = error.pending
            raise
        finally:
            if not answered and not pending:
                await self._ledger.keep_answer(tenant, key, answer="")
        return images

    async def _keep_late(self, tenant: str, name: str, images: Images | None, *, keyed: bool) -> None:
        answer = "" if images is None else await self._text(images)
        if keyed:
            await self._ledger.keep_answer(tenant, name, answer=answer)
        elif answer:
            self._late[tenant, name] = (self._clock.monotonic() + _UNKEYED_S, answer)

    async def _late_answer(self, tenant: str, fingerprint: str) -> Images | None:
        now = self._clock.monotonic()
        for slot in [slot for slot, (until, _) in self._late.items() if until < now]:
            del self._late[slot]
        _, answer = self._late.pop((tenant, fingerprint), (0.0, ""))
        return await self._kept(answer) if answer else None

    async def _text(self, images: Images) -> str:
        names = [await self._store.keep(picture) for picture in images.pictures]
        return answer_text(images, tuple(names))

    async def _kept(self, answer: str) -> Images | None:
        names, fields = kept_names(answer)
        pictures = [await self._store.find(name) for name in names]
        found = tuple(picture for picture in pictures if picture is not None)
        if len(found) < len(names):
            return None
        known: dict[str, Any] = dict(fields)
        return Images(pictures=found, replayed=True, **known)

    def _forget(self, slot: tuple[str, str], done: asyncio.Task[Images]) -> None:
        if self._running.get(slot) is done:
            del self._running[slot]
        if not done.cancelled():
            done.exception()


def _gone() -> NoReturn:
    raise NotDelivered("the answer of this idempotency key has expired; use a new key", state="failed", request_id="",
                       code="answer_expired")
