"""A batch at the vendor: one who asks how far it is and reads what came of it, however many wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..attempts import Kind
from .holds import Hold, TooLarge, picture_bytes
from .openai_batch_api import patiently
from .openai_batch_lines import LineReader, custom_id_in, reply_to_line
from .openai_body import VendorError
from .protocol import Reply, Trouble
from .replies import after_submission, bad_answer, error_code, from_status, lost, word
from .transport import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .openai_batch_api import BatchApi
    from .openai_batch_terms import BatchTerms
    from .protocol import Job
    from .wiring import Wiring

__all__ = ["Run", "Waiter"]

_OVER = frozenset({"failed", "completed", "expired", "cancelled"})
_QUEUE_FULL = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
_BESIDE_PICTURES = 64 * 1024
_FILES = ("output_file_id", "error_file_id")


def _unanswered() -> asyncio.Future[Reply]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Waiter:
    """Somebody who waits for a job's line.

    Attributes:
        answer: cancelled where nobody waits any more.
        came_in: the reading of the files that was under way, and may have passed the line already.
    """

    job: Job
    answer: asyncio.Future[Reply] = field(default_factory=_unanswered)
    came_in: int = 0

    async def reply(self, wiring: Wiring) -> Reply:
        """The answer; what it holds at the gate is left for where nobody takes it."""
        try:
            return await self.answer
        except asyncio.CancelledError:
            if self.answer.done() and not self.answer.cancelled():
                wiring.gate.leave(self.answer.result().held_bytes)
            raise


class Run:
    """One batch; its loop begins with the first who waits and ends with the last."""

    def __init__(self, batch_id: str, *, api: BatchApi, wiring: Wiring, terms: BatchTerms,
                 ended: Callable[[str], object]) -> None:
        self.batch_id, self._api, self._wiring, self._terms = batch_id, api, wiring, terms
        self._vendor, self._ended = wiring.settings.vendor, ended
        self._waiting: dict[str, Waiter] = {}
        self._task: asyncio.Task[None] | None = None
        self._round = 0

    def answer_of(self, attempt_id: str) -> asyncio.Future[Reply] | None:
        """What somebody waits for already."""
        waiter = self._waiting.get(attempt_id)
        return None if waiter is None or waiter.answer.done() else waiter.answer

    def add(self, waiter: Waiter) -> None:
        """Answer a waiter in time."""
        waiter.came_in = self._round
        self._waiting[waiter.job.attempt_id] = waiter
        if self._task is None:
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(self._broken)

    async def close(self) -> None:
        """Stop asking; the batch goes on without us."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        try:
            while self._in_line():
                self._round += 1
                rest = await self._collected()
                for name in [name for name, waiter in self._waiting.items() if waiter.came_in < self._round]:
                    self._answer(name, rest)
        finally:
            self._ended(self.batch_id)

    def _broken(self, task: asyncio.Task[None]) -> None:
        """Nobody waits for a loop that is gone; whoever is left goes the way it went."""
        failure = None if task.cancelled() else task.exception()
        for waiter in self._waiting.values():
            if failure is None or waiter.answer.done():
                waiter.answer.cancel()
            else:
                waiter.answer.set_exception(failure)

    def _in_line(self) -> bool:
        """Whether anybody still waits."""
        for name in [name for name, waiter in self._waiting.items() if waiter.answer.done()]:
            del self._waiting[name]
        return bool(self._waiting)

    async def _collected(self) -> Reply:
        """Answer everybody whose line is there; what to tell the rest."""
        try:
            batch = await self._over()
            rest = self._without_line(batch)
            for file_id in map(batch.get, _FILES):
                if isinstance(file_id, str) and file_id:
                    try:
                        await self._read(file_id)
                    except (NoAnswer, VendorError) as error:
                        rest = self._lost(error)
        except (NoAnswer, VendorError) as error:
            return self._lost(error)
        return rest

    async def _over(self) -> Mapping[str, Any]:
        """The batch, once the vendor is done with it and names its files; a state nobody knows is one of work."""
        wait, waited_s, looks = self._terms.first_poll_s, 0.0, self._terms.looks
        while self._in_line():
            batch = await patiently(lambda: self._api.retrieve(self.batch_id), terms=self._terms,
                                    sleep=self._wiring.sleep)
            status = word(batch.get("status"))
            if status in _OVER:
                looks -= 1
                if not looks or status == "failed" or _names_what_it_made(batch):
                    return batch
            if waited_s >= self._terms.longest_s:
                raise NoAnswer("too_long", sent=True)
            await self._wiring.sleep(wait)
            waited_s, wait = waited_s + wait, min(wait * self._terms.poll_growth, self._terms.longest_poll_s)
        return {}

    async def _read(self, file_id: str) -> None:
        """Answer from a file; where a download breaks, the next begins at the line it broke in, if the vendor lets it.

        Whoever has been answered waits no more, so that a line read again answers nobody twice.
        """
        at = 0

        async def once() -> None:
            nonlocal at
            async with self._api.content(file_id, start=at) as (start, chunks):
                lines = LineReader(chunks, at=start)
                try:
                    while self._in_line() and (head := await lines.head()) is not None:
                        await self._line(lines, head)
                finally:
                    at = lines.at

        try:
            await patiently(once, terms=self._terms, sleep=self._wiring.sleep)
        except VendorError:
            if not at:
                raise
            at = 0  # it may be the place in the file that the vendor will not have
            await patiently(once, terms=self._terms, sleep=self._wiring.sleep)

    async def _line(self, lines: LineReader, head: bytes) -> None:
        name, is_whole = custom_id_in(head), head.endswith(b"\n")
        if name is not None and name not in self._waiting:
            await lines.skip()
            return
        jobs = [self._waiting[name].job] if name else [waiter.job for waiter in self._waiting.values()]
        most = max(picture_bytes(job) for job in jobs) + _BESIDE_PICTURES
        with Hold(self._wiring.gate) as hold:
            await hold.enter(len(head) if is_whole else most)
            try:
                line = await lines.take(most)
            except TooLarge:
                await lines.skip()
                self._answer(name, bad_answer("too_large", vendor=self._vendor))
                return
            told, reply = reply_to_line(line, jobs[0], vendor=self._vendor)
            if name is None and told in self._waiting:
                name, reply = reply_to_line(line, self._waiting[told].job, vendor=self._vendor)
            hold.keep(len(line))
            self._answer(name, reply, hold if reply.pictures else None)

    def _answer(self, name: str | None, reply: Reply, hold: Hold | None = None) -> None:
        waiter = self._waiting.pop(name, None) if name else None
        if waiter is not None and not waiter.answer.done():
            held = hold.hand_over() if hold else 0
            waiter.answer.set_result(replace(reply, provider_job=f"{self.batch_id} {name}", held_bytes=held))

    def _without_line(self, batch: Mapping[str, Any]) -> Reply:
        """What became of a request that neither file tells of."""
        status = batch.get("status")
        if status in ("expired", "cancelled") and (batch.get("output_file_id") or _made(batch) == 0):
            return Reply(Kind.FAILED, code=f"batch_{status}")
        if status != "failed":
            return lost("no_line", sent=True, vendor=self._vendor)
        errors = batch.get("errors")
        code = error_code({"error": errors.get("data")}) if isinstance(errors, dict) else ""
        if code in _QUEUE_FULL:
            return Reply(Kind.NOT_STARTED, code=code, trouble=Trouble.BUSY)
        reply = from_status(400, code=word(code) or "batch_failed", headers={}, vendor=self._vendor)
        kind = Kind.FAILED if reply.trouble is Trouble.OUR_REQUEST else Kind.NOT_STARTED
        return replace(reply, kind=kind, refusal=None, possibly_billed=False)

    def _lost(self, error: NoAnswer | VendorError) -> Reply:
        reply = error.reply if isinstance(error, VendorError) else lost(error.code, sent=True, vendor=self._vendor)
        return after_submission(reply, "", vendor=self._vendor)


def _made(batch: Mapping[str, Any]) -> object:
    """How many requests were completed, and so are paid for; None where it is not said."""
    counts = batch.get("request_counts")
    return counts.get("completed") if isinstance(counts, dict) else None


def _names_what_it_made(batch: Mapping[str, Any]) -> bool:
    """Whether the output is there to be read, or nothing is in it; a batch may be over before it names its files."""
    return bool(batch.get("output_file_id")) or (bool(batch.get("error_file_id")) and not _made(batch))
