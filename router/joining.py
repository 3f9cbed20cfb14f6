"""One intent, one payment: a repetition of a key, or a client's own retry, joins the running or the late answer."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import KeyInUse, LedgerError, NotDelivered, RouterError
from .images import Images, answer_text, kept_names
from .unheard import Slot, Unheard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from .errand import Clock
    from .identity import Hasher
    from .ledger.protocol import Ledger
    from .request import ImageRequest
    from .store import PictureStore
    from .waiting import Heir, Wait

    Late = Callable[[Images | None], Awaitable[None]]

__all__ = ["Asker", "Joining"]

_PATIENCE_S = 180.0
_SHUTDOWN_S = 5.0


@dataclass(frozen=True)
class Asker:
    """Who asks for what, so that a repetition is known.

    Attributes:
        key: the caller's idempotency key, or empty.
        fingerprint: of everything asked.
        request_id: of this request, if it is the one that runs.
        patience_s: how long a repetition waits for an answer that is late.
    """

    tenant: str
    key: str
    fingerprint: str
    request_id: str
    wait: Wait
    patience_s: float = _PATIENCE_S

    @property
    def slot(self) -> Slot:
        """What a repetition has in common with it."""
        return self.tenant, bool(self.key), self.key or self.fingerprint


@dataclass(eq=False)
class _Run:
    """A request on its way: who waits for it, whether it was answered, and what came after its deadline."""

    asker: Asker
    late: asyncio.Future[Images | None]
    task: asyncio.Task[Images] = field(init=False)
    waiting: int = 0
    answered: bool = False
    taken: bool = False
    heir: Heir | None = None
    answer: str = ""

    @property
    def is_over(self) -> bool:
        """Nothing comes of it any more."""
        return self.task.done() and (self.late.done() or not _is_pending(self.task))


class Joining:
    """Keys live in the books and survive a restart; requests without a key are joined inside of this process only."""

    def __init__(self, ledger: Ledger, store: PictureStore, *, clock: Clock, hasher: Hasher,
                 release: Callable[[Images], Images]) -> None:
        self._ledger, self._store, self._clock = ledger, store, clock
        self._hasher, self._release = hasher, release
        self._runs: dict[Slot, _Run] = {}
        self._unheard = Unheard(clock)
        self._errands: set[asyncio.Task[None]] = set()

    def asker(self, request: ImageRequest, wait: Wait, *, key: str, request_id: str) -> Asker:
        """The one behind a request."""
        return Asker(request.tenant, key, self._hasher.fingerprint(request), request_id, wait,
                     request.deadline_s or _PATIENCE_S)

    async def answer(self, asker: Asker, make: Callable[[Late], Coroutine[Any, Any, Images]]) -> Images:
        """The images of a request, made once.

        Args:
            asker: who asks.
            make: makes the images; it is handed what to call with a late answer, or with None when none will come.

        Raises:
            KeyInUse: the key runs in another process, or stands for another request.
        """
        while True:
            known = await (self._by_key(asker) if asker.key else self._by_fingerprint(asker))
            if known is None:
                return await self._shared(self._start(asker, make), is_first=True)
            images = known if isinstance(known, Images) else await self._joined(known, asker)
            if images is not None:
                return images

    async def keep_unread(self, asker: Asker, images: Images) -> str:
        """Keep images whose caller is gone, for its retry; what is kept, as `answer_text` writes it.

        Raises:
            LedgerError: the store cannot be written.
        """
        answer = await self._text(images)
        if not asker.key:
            self._unheard.note(asker.slot, answer)
        return answer

    async def close(self) -> None:
        """Wait for what still runs."""
        running: set[asyncio.Task[Any]] = {run.task for run in self._runs.values() if not run.task.done()}
        if running := running | self._errands:
            await asyncio.wait(running, timeout=_SHUTDOWN_S)

    async def _by_key(self, asker: Asker) -> _Run | Images | None:
        claim = await self._ledger.claim(
            asker.tenant, asker.key, fingerprint=asker.fingerprint, request_id=asker.request_id, at=self._clock.now(),
            ttl_s=self._store.settings.ttl_s)
        if claim.state == "mismatch":
            raise KeyInUse(running=False)
        if claim.state == "done":
            return await self._read(claim.answer) or _gone()
        if claim.state == "new":
            return None
        run = self._runs.get(asker.slot)
        if run is None:
            raise KeyInUse(running=True)
        return run

    async def _by_fingerprint(self, asker: Asker) -> _Run | Images | None:
        """Without a key, only a client that says so is known to ask again."""
        if not asker.wait.is_retry:
            return None
        kept = self._unheard.take(asker.slot)
        return (await self._read(kept) if kept else None) or self._runs.get(asker.slot)

    def _start(self, asker: Asker, make: Callable[[Late], Coroutine[Any, Any, Images]]) -> _Run:
        run = _Run(asker, asyncio.get_running_loop().create_future())
        run.task = asyncio.ensure_future(self._run(run, make(lambda images: self._came_late(run, images))))
        self._runs[asker.slot] = run
        run.task.add_done_callback(lambda _: self._forget(run))
        run.late.add_done_callback(lambda _: self._forget(run))
        return run

    async def _joined(self, run: _Run, asker: Asker) -> Images | None:
        """What a running request answers, or what comes of it late; None where nothing will."""
        try:
            return await self._shared(run, is_first=False)
        except NotDelivered as error:
            if not error.pending:
                raise
            with contextlib.suppress(TimeoutError):
                images = await asyncio.wait_for(asyncio.shield(run.late), asker.patience_s)
                self._unheard.take(asker.slot)
                return None if images is None else replace(images, replayed=True)
            raise

    async def _shared(self, run: _Run, *, is_first: bool) -> Images:
        """One of perhaps several who wait; the first to hear takes over the bytes in flight."""
        run.waiting += 1
        run.asker.wait.abandoned.clear()
        try:
            images = await asyncio.shield(run.task)
        except asyncio.CancelledError:
            self._leave(run, left=run.waiting - 1)
            raise
        finally:
            run.waiting -= 1
        held, run.taken = 0 if run.taken else images.held_bytes, True
        return replace(images, replayed=not is_first, held_bytes=held)

    def _leave(self, run: _Run, *, left: int) -> None:
        """A caller hung up; with the last one, nothing further is paid for, and what is there is kept."""
        if left:
            return
        run.asker.wait.abandoned.set()
        self._bequeath(run)
        if run.task.done() and not run.task.cancelled() and run.task.exception() is None and not run.taken:
            self._spawn(self._unread(run, run.task.result()))

    def _bequeath(self, run: _Run) -> None:
        if run.asker.wait.heir is not None and run.heir is None:
            run.heir = run.asker.wait.heir
            self._spawn(run.heir.begins())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        errand = asyncio.ensure_future(work)
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _run(self, run: _Run, making: Awaitable[Images]) -> Images:
        """A key is freed where nothing is on its way any more; a late answer keeps it."""
        key = run.asker.key
        try:
            images = await making
        except RouterError as error:
            if key and not (isinstance(error, NotDelivered) and error.pending):
                with contextlib.suppress(LedgerError):
                    await self._ledger.keep_answer(run.asker.tenant, key, answer="")
            if isinstance(error, NotDelivered) and error.pending:
                self._bequeath(run)
            elif run.heir is not None:
                await run.heir.misses(error)
            raise
        run.answered = True
        if key:
            # Books that cannot be written must not cost the caller what it paid for.
            with contextlib.suppress(LedgerError):
                run.answer = await self._text(images)
                await self._ledger.keep_answer(run.asker.tenant, key, answer=run.answer)
        if not run.waiting:
            await self._unread(run, images)
        return images

    async def _unread(self, run: _Run, images: Images) -> None:
        run.taken = True
        try:
            with contextlib.suppress(LedgerError):
                answer = run.answer or await self.keep_unread(run.asker, images)
                if run.heir is not None:
                    await run.heir.gets(answer)
        finally:
            self._release(images)

    async def _came_late(self, run: _Run, images: Images | None) -> None:
        """An answer after the request's own end; one that was answered already keeps the answer it gave."""
        asker = run.asker
        if images is not None and not images.created_at:
            images = replace(images, created_at=int(self._clock.now().timestamp()))
        try:
            with contextlib.suppress(LedgerError):
                answer = "" if images is None or (asker.key and run.answered) else await self._text(images)
                if asker.key and not run.answered:
                    await self._ledger.keep_answer(asker.tenant, asker.key, answer=answer)
                elif answer:
                    self._unheard.note(asker.slot, answer)
                if run.heir is not None:
                    await (run.heir.gets(answer) if answer else run.heir.misses(_never()))
        finally:
            if not run.late.done():
                run.late.set_result(images)

    async def _text(self, images: Images) -> str:
        names = [await self._store.keep(picture) for picture in images.pictures]
        return answer_text(images, tuple(names))

    async def _read(self, answer: str) -> Images | None:
        names, fields = kept_names(answer)
        pictures = [await self._store.find(name) for name in names]
        found = tuple(picture for picture in pictures if picture is not None)
        if len(found) < len(names):
            return None
        known: dict[str, Any] = dict(fields)
        return Images(pictures=found, replayed=True, **known)

    def _forget(self, run: _Run) -> None:
        if run.task.done() and not run.task.cancelled():
            run.task.exception()
        if run.is_over:
            run.late.cancel()  # whose callback holds the run, and with it the pictures
            if self._runs.get(run.asker.slot) is run:
                del self._runs[run.asker.slot]


def _is_pending(task: asyncio.Task[Images]) -> bool:
    """Whether a request ended without an image while an attempt of it still runs."""
    if not task.done() or task.cancelled():
        return False
    error = task.exception()
    return isinstance(error, NotDelivered) and error.pending


def _never() -> NotDelivered:
    return NotDelivered("no image: what was still running at the deadline brought none", state="failed", request_id="",
                        code="late_answer_lost")


def _gone() -> NoReturn:
    raise NotDelivered("the answer of this idempotency key has expired; use a new key", state="expired", request_id="",
                       code="answer_expired")
