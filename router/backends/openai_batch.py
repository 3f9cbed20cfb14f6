"""OpenAI's Batch API: the same pictures at half the price within a day. Requests gather, go together, come back alone.

A job has a name on the books from the moment it joins others: `pool_…` until the vendor has named the batch, the
batch's own from then on. A batch bears the name of its pool, so that whoever takes over from a process that died finds
it, or learns that there is none and nothing was paid.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..attempts import Kind
from .openai_batch_api import BatchApi
from .openai_batch_pool import Line, Member, Pool, UnsentError, looked_for
from .openai_batch_run import Run, Waiter
from .openai_batch_spool import Spool, url_of
from .openai_body import VendorError
from .protocol import Reply
from .replies import after_submission, lost
from .transport import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    import openai

    from .openai_batch_terms import BatchTerms
    from .protocol import Job, Watcher
    from .wiring import Wiring

__all__ = ["BatchLane"]

_POOL, _BATCH = "pool_", "batch_"


class BatchLane:
    """The batches of one account: pools that fill, and runs that wait for the vendor."""

    def __init__(self, wiring: Wiring, client: Callable[[], openai.AsyncOpenAI], *, terms: BatchTerms) -> None:
        self._wiring, self._terms, self._vendor = wiring, terms, wiring.settings.vendor
        self._api = BatchApi(client, vendor=self._vendor)
        self._pools: dict[tuple[str, str], Pool] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._runs: dict[str, Run] = {}
        self._searches: dict[str, asyncio.Task[str | None]] = {}

    def knows(self, provider_job: str) -> bool:
        """Whether it is a name of work in a batch."""
        return provider_job.startswith((_POOL, _BATCH)) and " " in provider_job

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Join others, and wait for the answer."""
        waiter = Waiter(job)
        try:
            pool = await self._joined(Member(waiter, watcher))
        except UnsentError as error:
            return error.reply
        try:
            return await waiter.reply(self._wiring)
        finally:
            pool.left(job.attempt_id)

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """The answer of a job in a batch, which this process or another sent."""
        batch_id, _, attempt_id = provider_job.partition(" ")
        if batch_id.startswith(_POOL):
            try:
                found = await self._found(batch_id.removeprefix(_POOL))
            except (NoAnswer, VendorError) as error:
                return replace(self._lost(error), provider_job=provider_job)
            if found is None:
                return Reply(Kind.NOT_STARTED, code="never_sent", provider_job=provider_job)
            batch_id = found
        waiter = Waiter(replace(job, attempt_id=attempt_id))
        while (other := self._run(batch_id).answer_of(attempt_id)) is not None:
            await asyncio.wait([other])
        self._run(batch_id).add(waiter)
        return await waiter.reply(self._wiring)

    async def close(self) -> None:
        """Answer whoever waits in a pool; batches that were sent go on, and those who wait for them are cancelled."""
        tasks = {*self._senders, *self._searches.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for run in list(self._runs.values()):
            await run.close()

    async def _joined(self, member: Member) -> Pool:
        """The pool a job is in; what is written of it is let go of here."""
        line = Line(member.waiter, terms=self._terms)
        pool = self._pool(member.waiter.job, line.bytes)
        await pool.join(member, line)
        return pool

    def _pool(self, job: Job, size: int) -> Pool:
        """The pool with room for a job, which has its place in it now."""
        key = (url_of(job), job.wire_model)
        pool = self._pools.get(key)
        if pool is None or pool.full.is_set() or pool.bytes + size > self._terms.most_bytes:
            if pool is not None:
                pool.full.set()
            pool = self._pools[key] = Pool(key[0], Spool(self._wiring.spool))
            sender = asyncio.create_task(self._send(pool))
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        pool.bytes, pool.requests = pool.bytes + size, pool.requests + 1
        if pool.requests >= self._terms.most_requests:
            pool.full.set()
        return pool

    async def _send(self, pool: Pool) -> None:
        """From a pool to a batch; whoever is not answered here waits for the batch, or is cancelled."""
        try:
            await pool.filled(self._terms.wait_s, sleep=self._wiring.sleep)
            if not pool.members:
                return
            batch_id = await pool.created(self._api, terms=self._terms, sleep=self._wiring.sleep)
            await pool.told(batch_id)
            for member in pool.members.values():
                self._run(batch_id).add(member.waiter)
            pool.members.clear()
        except UnsentError as error:
            pool.answer(error.reply)
        except (NoAnswer, VendorError) as error:
            pool.answer(self._lost(error))
        except asyncio.CancelledError:
            if not pool.is_asked:
                pool.answer(Reply(Kind.NOT_STARTED, code="closed"))
            raise
        finally:
            pool.full.set()
            pool.spool.close()
            for member in pool.members.values():
                member.waiter.answer.cancel()

    def _run(self, batch_id: str) -> Run:
        run = self._runs.get(batch_id)
        if run is None:
            run = self._runs[batch_id] = Run(batch_id, api=self._api, wiring=self._wiring, terms=self._terms,
                                             ended=self._runs.pop)
        return run

    async def _found(self, name: str) -> str | None:
        """The batch of a pool; who asks for the same pool meanwhile shares the search."""
        search = self._searches.get(name)
        if search is None:
            search = self._searches[name] = asyncio.create_task(looked_for(
                name, self._api, terms=self._terms, sleep=self._wiring.sleep))
            search.add_done_callback(partial(self._searched, name))
        return await asyncio.shield(search)

    def _searched(self, name: str, search: asyncio.Task[str | None]) -> None:
        del self._searches[name]
        if not search.cancelled():
            search.exception()  # whoever asked has it, or has gone

    def _lost(self, error: NoAnswer | VendorError) -> Reply:
        reply = error.reply if isinstance(error, VendorError) else lost(error.code, sent=True, vendor=self._vendor)
        return after_submission(reply, "", vendor=self._vendor)
