"""A world without waiting: an event loop whose clock jumps, books in memory, scripted backends."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from router.attempts import Kind
from router.backends.protocol import Diagnosis, Job, Reply, Watcher
from router.ledger.values import Budget, Claim, Closing, Intent, RequestRow, Reservation, Settlement, Spent

from .memory_jobs import MemoryJobs
from .worlds import picture

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        self.loop.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """At once: no time passes while a thread works."""
        done = self.create_future()
        done.set_result(func(*args))
        return done


@dataclass(frozen=True)
class VirtualClock:
    loop: VirtualLoop

    def monotonic(self) -> float:
        return self.loop.now

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.now)


def simulate(story: Callable[[VirtualClock], Coroutine[Any, Any, Any]]) -> Any:
    """Run a story in virtual time; tasks that outlive it are run to their end."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(story(VirtualClock(loop)))
    finally:
        while left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()


@dataclass
class MemoryLedger:
    """Books that refuse to be wrong: after every operation settled + reserved is under every limit."""

    requests: dict[str, RequestRow] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    settlements: dict[str, Settlement] = field(default_factory=dict)
    closings: dict[str, Closing] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    provider_jobs: dict[str, str] = field(default_factory=dict)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    retired: list[datetime] = field(default_factory=list)

    def used(self, scope: str) -> int:
        return sum(self.settlements[name].settled_micro_usd if name in self.settlements else intent.reserve_micro_usd
                   for name, intent in self.intents.items() if any(one.scope == scope for one in intent.budgets))

    async def reserve(self, intent: Intent) -> Reservation:
        await asyncio.sleep(0)
        for budget in intent.budgets:
            left = budget.limit_micro_usd - self.used(budget.scope)
            if intent.reserve_micro_usd > left:
                return Reservation(granted=False, short=budget, left_micro_usd=left)
        assert intent.attempt_id not in self.intents
        self.intents[intent.attempt_id] = intent
        self.requests[intent.request.id] = intent.request
        return Reservation(granted=True)

    async def submitted(self, attempt_id: str, *, provider_job: str) -> None:
        self.provider_jobs[attempt_id] = provider_job

    async def settle(self, settlement: Settlement) -> None:
        await asyncio.sleep(0)
        assert settlement.settled_micro_usd <= self.intents[settlement.attempt_id].reserve_micro_usd
        self.settlements[settlement.attempt_id] = settlement

    async def close_request(self, closing: Closing) -> None:
        assert closing.request_id in self.requests
        assert closing.request_id not in self.closings or closing.request_id in self.jobs.rows
        self.closings[closing.request_id] = closing

    async def record(self, request: RequestRow, closing: Closing) -> None:
        self.requests[request.id] = request
        await self.close_request(closing)

    async def claim(self, tenant: str, key: str, *, fingerprint: str, request_id: str, at: datetime,
                    ttl_s: float) -> Claim:
        known = self.keys.get((tenant, key))
        if known is None:
            self.keys[tenant, key] = (fingerprint, request_id, "")
            return Claim("new", request_id)
        if known[0] != fingerprint:
            return Claim("mismatch", known[1])
        return Claim("done" if known[2] else "running", known[1], known[2])

    async def keep_answer(self, tenant: str, key: str, *, answer: str) -> None:
        if answer:
            self.keys[tenant, key] = (*self.keys[tenant, key][:2], answer)
        else:
            self.keys.pop((tenant, key), None)

    async def spent(self, budgets: Any) -> dict[tuple[str, str], Spent]:
        return {(budget.scope, budget.period): Spent(self.used(budget.scope)) for budget in budgets}

    async def acceptance(self) -> dict[tuple[str, str, str], Any]:
        return {}

    async def retire(self, before: datetime) -> None:
        self.retired.append(before)

    async def open_attempts(self) -> tuple[Any, ...]:
        return ()

    async def close(self) -> None:
        return None


@dataclass(frozen=True)
class Act:
    """What a backend does with one call."""

    reply: Reply
    after_s: float = 1.0


def made(job: Job) -> Reply:
    return Reply(Kind.OK, (picture(job.size.width, job.size.height),) * job.n)


@dataclass
class Scripted:
    """A backend that plays its acts, then works; it remembers what reached it."""

    name: str
    acts: list[Act] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    seconds: float = 1.0

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        self.jobs.append(job)
        act = self.acts.pop(0) if self.acts else Act(made(job), self.seconds)
        await asyncio.sleep(act.after_s)
        return made(job) if act.reply.kind is Kind.OK and not act.reply.pictures else act.reply

    async def collect(self, provider_job: str, job: Job) -> Reply:
        return Reply(Kind.FAILED, code="not_collectable")

    async def diagnose(self) -> Diagnosis:
        return Diagnosis(works=True)

    async def close(self) -> None:
        return None


def late(seconds: float) -> Act:
    return Act(Reply(Kind.OK), seconds)


def reserve_for(scope: str, usd_micro: int) -> Budget:
    return Budget(scope, "2026-11", usd_micro)


Story = Callable[[VirtualClock], Awaitable[Any]]
