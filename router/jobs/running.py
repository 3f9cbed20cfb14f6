"""Runs jobs: takes them from the books, lives them through the same flow as every request, and ends each once."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import BadRequest, LedgerError, NotDelivered, RouterError
from ..events import Event
from ..images import Images, answer_text
from ..ledger.values import Closing
from ..making import Terms
from ..quantities import micro_usd
from ..request import ImageRequest
from ..unsent import AGAIN, status_of
from ..waiting import Wait
from .resuming import Resumed, assembled, resume

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..decide import Compiled
    from ..ledger.job_protocol import JobEnd, JobRow, JobState, TakenJob
    from ..making import Maker
    from ..options import Option
    from ..pictures import Picture
    from .workshop import Workshop

__all__ = ["Runner"]

_POLL_S, _CANCEL_POLL_S = 1.0, 2.0
_SHUTDOWN_S, _BOOKS_AGAIN_S = 20.0, 5.0
_LATEST_S = 86_400.0
_MENDING = timedelta(seconds=60)
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


@dataclass
class _Running:
    row: JobRow
    wait: Wait = field(default_factory=Wait)
    is_batched: bool = False
    task: asyncio.Task[None] = field(init=False)


class Runner:
    """One task that takes jobs, and one for each that runs; what waits in a batch lane holds no place."""

    def __init__(self, shop: Workshop, maker: Maker, *, compiled: Callable[[ImageRequest], Compiled],
                 release: Callable[[Images], Images]) -> None:
        self._shop, self._maker, self._compiled, self._release = shop, maker, compiled, release
        self._running: dict[str, _Running] = {}
        self._mending: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop = asyncio.ensure_future(self._take_for_ever())
        self._cancels = asyncio.ensure_future(self._cancel_for_ever())

    @property
    def count(self) -> int:
        """Jobs that are run now."""
        return len(self._running)

    def wake(self) -> None:
        """There is something to take."""
        self._wake.set()

    def cancel(self, job_id: str) -> None:
        """Nothing further is paid for; what is on its way is awaited."""
        if running := self._running.get(job_id):
            running.wait.abandoned.set()

    async def stop(self) -> None:
        """End what ends soon; what still runs is taken up again by whoever opens these books next."""
        for task in (self._loop, self._cancels):
            task.cancel()
        await asyncio.wait({self._loop, self._cancels})
        for running in self._running.values():
            if running.is_batched:
                running.task.cancel()
        if tasks := {running.task for running in self._running.values()}:
            _, left = await asyncio.wait(tasks, timeout=_SHUTDOWN_S)
            for task in left:
                task.cancel()
            await asyncio.wait(tasks)

    async def _take_for_ever(self) -> None:
        while True:
            self._wake.clear()
            try:
                took = await self._take()
            except LedgerError as error:
                took = False
                self._tell_broken(error)
            if not took:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_S)

    async def _take(self) -> bool:
        """Whether there may be more to take at once."""
        batched = sum(running.is_batched for running in self._running.values())
        free = self._shop.terms.most_running - (len(self._running) - batched)
        at, books = self._shop.clock.now(), self._shop.ledger.jobs
        if free <= 0 or batched >= self._shop.terms.most_batched or not await books.is_waiting(at=at):
            return False
        taken = await books.take(free, at=at, telling=self._shop.telling)
        for job in taken:
            self._start(job)
        return bool(taken)

    async def _cancel_for_ever(self) -> None:
        """What another process was asked to cancel is in the books."""
        while True:
            await asyncio.sleep(_CANCEL_POLL_S)
            with contextlib.suppress(LedgerError):
                for job_id in await self._shop.ledger.jobs.asked_to_cancel() if self._running else ():
                    self.cancel(job_id)

    def _start(self, taken: TakenJob) -> None:
        running = self._running[taken.row.id] = _Running(taken.row)
        running.is_batched = any(attempt.tier == "batch" and attempt.state == "sent" for attempt in taken.attempts)
        if taken.row.cancel_asked:
            running.wait.abandoned.set()
        running.task = asyncio.ensure_future(self._work(taken, running))
        running.task.add_done_callback(lambda task: self._over(taken.row, task))

    def _over(self, row: JobRow, task: asyncio.Task[None]) -> None:
        """A fault of ours must not leave a job running for ever: it is begun again, and fails at its deadline."""
        del self._running[row.id]
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._shop.tell(Event("job_broken", self._shop.clock.now(), row.id, tenant=row.tenant, facts={
                "fault": type(fault).__name__}))
            mending = asyncio.ensure_future(self._mend(row, type(fault).__name__))
            self._mending.add(mending)
            mending.add_done_callback(self._mending.discard)
        self.wake()

    async def _mend(self, row: JobRow, fault: str) -> None:
        now, shop = self._shop.clock.now(), self._shop
        with contextlib.suppress(LedgerError):
            if now < row.due_at:
                await shop.ledger.jobs.put_back(row.id, not_before=now + _MENDING, code="internal_error")
            else:
                await shop.end(row, shop.ended(row.id, "failed", code="internal_error", http_status=500,
                                               message=f"a fault of this server ({fault}); it was counted"))

    async def _work(self, taken: TakenJob, running: _Running) -> None:
        """Until it has ended or waits again; books that cannot be written now are asked again."""
        is_first = True
        while True:
            try:
                if not is_first:
                    taken = replace(taken, attempts=await self._shop.earlier(taken.row.id))
                await self._once(taken, running)
            except LedgerError as error:
                self._tell_broken(error)
                is_first = False
                await asyncio.sleep(_BOOKS_AGAIN_S)
            else:
                return

    async def _once(self, taken: TakenJob, running: _Running) -> None:
        row, shop = taken.row, self._shop
        request = await shop.parcels.find(row.parcel)
        compiled = self._compiled(request or ImageRequest("", tenant=row.tenant))
        resumed = await resume(taken, shop, compiled=compiled)
        try:
            if request is None or resumed.is_made:
                images = await self._found(row, resumed)
            else:
                images = await self._made(row, request, resumed, running=running, compiled=compiled)
        except NotDelivered as error:
            if not await self._waits_again(row, error, running):
                await shop.end(row, self._missed(row, error, running))
        except BadRequest as error:
            await shop.end(row, shop.ended(row.id, "failed", code=error.code, message=str(error), http_status=400))
        else:
            await shop.end(row, await self._done(row, images))

    async def _found(self, row: JobRow, resumed: Resumed) -> Images:
        """What was made before; nothing is begun."""
        now = self._shop.clock.now()
        images = assembled(row, resumed, at=int(now.timestamp()))
        if images is None:
            raise NotDelivered("no image: the process that made it ended, and its provider has nothing of it",
                               state="failed", request_id=row.id, code="lost_with_its_process")
        await self._shop.ledger.close_request(Closing(
            row.id, images.state, "", 200, images.backend, images.model, images.quality, str(images.size),
            len(images.pictures), micro_usd(images.usd), (now - row.created_at).total_seconds(), now))
        return images

    async def _made(self, row: JobRow, request: ImageRequest, resumed: Resumed, *, running: _Running,
                    compiled: Compiled) -> Images:
        late: asyncio.Future[Images | None] = asyncio.get_running_loop().create_future()

        async def came(images: Images | None) -> None:
            if not late.done():
                late.set_result(images)

        async def split(sizes: tuple[int, ...]) -> None:
            await self._shop.ledger.jobs.split(row.id, parts=" ".join(map(str, sizes)))

        def sent(option: Option) -> None:
            running.is_batched = option.is_batched
            self.wake()

        left_s = (row.due_at - self._shop.clock.now()).total_seconds()
        terms = Terms(self._keep, split, sent, resumed.plans, resumed.committed)
        try:
            return await self._maker.make(replace(request, deadline_s=max(left_s, 1e-3)), running.wait, name=row.id,
                                          compiled=compiled, late=came, terms=terms)
        except NotDelivered as error:
            if not error.pending:
                raise
            with contextlib.suppress(TimeoutError):
                if (images := await asyncio.wait_for(late, _LATEST_S)) is not None:
                    return images
            raise

    async def _keep(self, picture: Picture) -> str:
        return await self._shop.store.keep(picture)

    async def _done(self, row: JobRow, images: Images) -> JobEnd:
        names = images.kept or tuple([await self._keep(picture) for picture in images.pictures])
        self._release(images)
        now = self._shop.clock.now()
        images = replace(images, created_at=images.created_at or int(now.timestamp()))
        return self._shop.ended(row.id, "done", answer=answer_text(images, names))

    async def _waits_again(self, row: JobRow, error: NotDelivered, running: _Running) -> bool:
        """Put a job back that waiting may help."""
        now = self._shop.clock.now()
        if error.state not in AGAIN or error.pending or now >= row.due_at or running.wait.abandoned.is_set():
            return False
        pause = max(error.retry_after_s or _LEAST_PAUSE_S, min(0.5 * 2.0**min(row.starts, 16), _LONGEST_PAUSE_S))
        not_before = min(now + timedelta(seconds=pause), row.due_at)
        await self._shop.ledger.jobs.put_back(row.id, not_before=not_before, code=error.code or error.state)
        self._shop.tell(Event("job_waits", now, row.id, tenant=row.tenant, facts={"code": error.code, "s": pause}))
        return True

    def _missed(self, row: JobRow, error: NotDelivered, running: _Running) -> JobEnd:
        if running.wait.abandoned.is_set() and error.state != "refused":
            return self._shop.ended(row.id, "cancelled", code="cancelled", http_status=409,
                               message="cancelled while it ran; what it had cost by then is told in usd")
        state: JobState = "refused" if error.state == "refused" else "failed"
        return self._shop.ended(row.id, state, code=error.code or error.state, message=str(error),
                           http_status=status_of(error))

    def _tell_broken(self, error: RouterError) -> None:
        self._shop.tell(Event("books_unavailable", self._shop.clock.now(), facts={"problem": str(error)[:200]}))
