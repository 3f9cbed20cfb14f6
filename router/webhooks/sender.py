"""Sends events of jobs until they arrive or the schedule ends: at least once, in the order of each job."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..errors import LedgerError
from ..events import Event
from .addresses import plain_hosts
from .post import Post
from .tries import Try, next_try_s, throttle_s
from .turns import Turns, host_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from ..errand import Clock
    from ..ledger.job_protocol import JobBooks, Message
    from ..settings import Tenant

__all__ = ["WebhookSender"]

_EVERY_S = 2.0
_AT_ONCE, _PER_HOST, _PER_LINE = 64, 8, 16
_MOST_HELD = 1_024
_MOST_TAKEN = 256
_PATIENCE_S = 3.0
_FAULT = Try("fault")


class _Ended(NamedTuple):
    """A try that is not on the books yet; `again_s` is None where there will be no other."""

    message: Message
    tried: Try
    at: datetime
    again_s: float | None


class WebhookSender:
    """One task that takes due events from the books, and one for each try.

        sender = WebhookSender(ledger.jobs, tenants, clock, hosts=settings.jobs.webhook_hosts, tell=tell)
        sender.start()

    A process that dies between a try and its booking leaves an event that another sends again, with the same id.
    """

    def __init__(self, books: JobBooks, tenants: Mapping[str, Tenant], *, clock: Clock, hosts: Iterable[str],
                 tell: Callable[[Event], None], timeout_s: float | None = None) -> None:
        """`hosts` are `JobSettings.webhook_hosts`; `timeout_s` is for one try, 15 where it is None."""
        self._books, self._tenants, self._clock, self._tell = books, tenants, clock, tell
        self._hosts, self._timeout_s = plain_hosts(hosts), timeout_s
        self._turns = Turns(at_once=_AT_ONCE, per_host=_PER_HOST, per_line=_PER_LINE)
        self._ended: list[_Ended] = []
        self._away: list[tuple[Message, float]] = []
        self._tries: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; once, where an event loop runs."""
        self._post = Post(self._hosts) if self._timeout_s is None else Post(self._hosts, timeout_s=self._timeout_s)
        self._task = asyncio.ensure_future(self._run())

    def wake(self) -> None:
        """There may be an event: look now, and not in two seconds."""
        self._woken.set()

    async def stop(self) -> None:
        """Take nothing more, give tries on their way three seconds, and book what they came to."""
        self._stopping = True
        self.wake()
        if self._task is None:
            return
        await asyncio.wait({self._task, *self._tries}, timeout=_PATIENCE_S)
        for task in (self._task, *self._tries):
            task.cancel()
        await asyncio.wait({self._task, *self._tries})
        await self._look(self._book)
        await self._post.close()

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            if not await self._look(self._go_on):
                await asyncio.sleep(_EVERY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._woken.wait()

    async def _look(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Whether the books could be read and written."""
        try:
            await step()
        except LedgerError as error:
            self._tell(Event("books_unavailable", self._clock.now(), facts={"problem": str(error)[:200]}))
            return False
        return True

    async def _go_on(self) -> None:
        """Book what has ended, then take what is due until there is no more of it, or no room."""
        more = True
        while more:
            await self._book()
            most = min(_MOST_TAKEN, _MOST_HELD - len(self._turns) - len(self._tries))
            more = most > 0 and not self._stopping
            if more:
                taken = await self._books.take_messages(most, at=self._clock.now())
                now_s, more = self._clock.monotonic(), len(taken) == most
                offered = [(message, self._turns.offer(message, now_s=now_s)) for message in taken]
                self._away += [(message, wait_s) for message, wait_s in offered if wait_s]
                self._begin()
        await self._book()

    def _begin(self) -> None:
        while not self._stopping and (message := self._turns.begin()) is not None:
            task = asyncio.ensure_future(self._try(message))
            self._tries.add(task)
            task.add_done_callback(self._tries.discard)

    async def _try(self, message: Message) -> None:
        begun_s, tried = self._clock.monotonic(), _FAULT
        tenant = self._tenants.get(message.tenant)
        try:
            tried = await self._post.send(message, tenant.webhook_secrets if tenant else (), at=self._clock.now())
        finally:
            self._tried(message, tried, took_s=self._clock.monotonic() - begun_s)

    def _tried(self, message: Message, tried: Try, *, took_s: float) -> None:
        now_s, at = self._clock.monotonic(), self._clock.now()
        self._away += self._turns.ended(message, took_s=took_s, closed_until=now_s + throttle_s(tried), now_s=now_s)
        if tried is not _FAULT or not self._stopping:  # a try that was cut off is nobody's fault and not booked
            again_s = None if tried.arrived else next_try_s(tried, message.tries, chance=random.random())
            self._ended.append(_Ended(message, tried, at, again_s))
        self._begin()
        self.wake()

    async def _book(self) -> None:
        """Write what has ended and what was sent away; what cannot be written is written the next time."""
        ended, away = tuple(self._ended), tuple(self._away)
        written = await asyncio.gather(*(self._write(one) for one in ended), *(self._put_back(*one) for one in away),
                                       return_exceptions=True)
        self._ended[:len(ended)] = [one for one, said in zip(ended, written, strict=False) if said is not None]
        self._away[:len(away)] = [one for one, said in zip(away, written[len(ended):], strict=True) if said is not None]
        for said in written:
            if said is not None:
                raise said

    async def _write(self, ended: _Ended) -> None:
        message, tried, at, again_s = ended
        facts = {"number": message.number, "tries": message.tries + 1, "code": tried.code, "host": host_of(message)}
        if tried.arrived:
            name = "webhook_delivered"
            await self._books.delivered(message, at=at, code=tried.code)
        else:
            name = "webhook_given_up" if again_s is None else "webhook_failed"
            not_before = None if again_s is None else at + timedelta(seconds=again_s)
            await self._books.undelivered(message, not_before=not_before, at=at, code=tried.code)
            facts |= {} if again_s is None else {"again_in_s": round(again_s)}
        self._tell(Event(name, at, request_id=message.job_id, tenant=message.tenant, facts=facts))

    async def _put_back(self, message: Message, wait_s: float) -> None:
        """A message waits without having been tried: the books add a try to what they are told, so one less is told."""
        now = self._clock.now()
        await self._books.undelivered(replace(message, tries=message.tries - 1), at=now, code="waits",
                                      not_before=now + timedelta(seconds=wait_s))
