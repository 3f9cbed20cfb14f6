"""Days of events among receivers that fail and senders that die: at least once, in order, nothing forgotten."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from router.errors import LedgerError
from router.ledger.job_protocol import Message
from router.webhooks import sender as sender_module
from router.webhooks.sender import WebhookSender
from router.webhooks.tries import Try

from .simulation import START, VirtualClock, simulate

if TYPE_CHECKING:
    from datetime import datetime

    from router.events import Event

JOBS, EVENTS = 60, 3
DAY_S = 86_400


@dataclass
class World:
    """Messages by (job, number) with their state; what the receivers got; who owns what."""

    dice: random.Random
    rows: dict[tuple[str, int], Message] = field(default_factory=dict)
    not_before: dict[tuple[str, int], datetime] = field(default_factory=dict)
    states: dict[tuple[str, int], str] = field(default_factory=dict)
    owners: dict[tuple[str, int], object] = field(default_factory=dict)
    got: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def waiting(self) -> list[tuple[str, int]]:
        return [key for key in self.rows if self.states[key] == "waiting"]


@dataclass
class Books:
    """The part of one process; sometimes they cannot be written."""

    world: World
    alive: bool = True

    def _may_fail(self) -> None:
        assert self.alive, "a process that is gone writes nothing"
        if self.world.dice.random() < 0.05:
            raise LedgerError("the disk is full")

    async def take_messages(self, most: int, *, at: datetime) -> tuple[Message, ...]:
        self._may_fail()
        world, seen = self.world, set[str]()
        found: list[Message] = []
        for job, number in sorted(world.waiting()):
            key, first = (job, number), job not in seen
            seen.add(job)
            owner = world.owners.get(key)
            free = owner is None or (owner is not self and not getattr(owner, "alive", False))
            if first and free and world.not_before[key] <= at and len(found) < most:
                world.owners[key] = self
                found.append(world.rows[key])
        return tuple(found)

    async def delivered(self, message: Message, *, at: datetime, code: str) -> None:
        self._may_fail()
        self._end(message, "delivered")

    async def undelivered(self, message: Message, *, not_before: datetime | None, at: datetime, code: str) -> None:
        self._may_fail()
        key = (message.job_id, message.number)
        self.world.rows[key] = replace(message, tries=message.tries + 1)
        if not_before is None:
            self._end(message, "given up")
        else:
            self.world.not_before[key] = not_before
            self.world.owners.pop(key, None)

    def _end(self, message: Message, state: str) -> None:
        key = (message.job_id, message.number)
        assert self.world.states[key] == "waiting"
        self.world.states[key] = state
        self.world.owners.pop(key, None)


def posts(world: World) -> type:
    """Receivers: a few are always down, the others fail half of the time; some arrive and seem not to."""
    class Post:
        def __init__(self, *_: object, **__: object) -> None: ...

        async def send(self, message: Message, *_: object, **__: object) -> Try:
            await asyncio.sleep(world.dice.uniform(0, 15))
            if message.job_id.startswith("dead"):
                return Try("http_500", 500)
            arrives, known = world.dice.random() < 0.5, world.dice.random() < 0.9
            if arrives:
                world.got[message.job_id].append(message.number)
            return Try("http_204", 204) if arrives and known else Try("timeout")

        async def close(self) -> None: ...
    return Post


def filled(seed: int) -> World:
    world = World(random.Random(seed))
    for number in range(JOBS):
        job = f"{'dead' if number % 10 == 0 else 'live'}-{number}"
        for event in range(1, EVENTS + 1):
            key = (job, event)
            world.rows[key] = Message(job, event, "acme", f"https://{job[:4]}.example.com/", "{}", START)
            world.states[key], world.not_before[key] = "waiting", START
    return world


@pytest.mark.parametrize("seed", range(3))
def test_every_event_arrives_in_the_order_of_its_job_or_is_given_up_at_the_end(
        seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world, events = filled(seed), list[tuple[float, "Event"]]()
    monkeypatch.setattr(sender_module, "Post", posts(world))
    monkeypatch.setattr(sender_module, "_EVERY_S", 120.0)

    async def story(clock: VirtualClock) -> None:
        lives: list[tuple[WebhookSender, Books]] = []

        def begin() -> None:
            books: Any = Books(world)
            sender = WebhookSender(books, {}, clock=clock, hosts=(), tell=lambda event: events.append(
                (clock.monotonic(), event)))
            sender.start()
            lives.append((sender, books))

        begin()
        begin()
        for _ in range(40):
            await asyncio.sleep(world.dice.uniform(0, 60))
            sender, books = lives.pop(world.dice.randrange(2))
            books.alive = False
            kill(sender)
            begin()
        await asyncio.sleep(14 * DAY_S)
        assert world.waiting() == []

    simulate(story)
    for number in range(JOBS):
        job = f"live-{number}"
        if number % 10:
            firsts = sorted({event: world.got[job].index(event) for event in world.got[job]}.items())
            assert [at for _, at in firsts] == sorted(at for _, at in firsts)
            for event in range(1, EVENTS + 1):
                assert event in world.got[job] or world.states[job, event] == "given up"
    dead = [key for key, state in world.states.items() if key[0].startswith("dead")]
    assert {world.states[key] for key in dead} == {"given up"}
    assert all(world.rows[key].tries == 10 for key in dead)
    given_up_at = sorted(at for at, event in events if event.name == "webhook_given_up" and
                         event.facts["number"] == 1 and event.request_id.startswith("dead"))
    assert given_up_at[0] > 75.5 * 3600
    assert given_up_at[-1] < 90 * 3600
    assert {event.name for _, event in events} >= {"webhook_delivered", "webhook_failed", "books_unavailable"}


def kill(sender: WebhookSender) -> None:
    """It does nothing more, as if its process were gone."""
    for task in (sender._task, *sender._tries):
        assert task is not None
        task.cancel()
    sender._stopping = True
