"""The works: a line in front, one thread that owns the pipeline, a second one that writes files meanwhile.

Everything but the two threads runs on one event loop, so nothing here is locked. A ticket is a request; it is made in
batches, each of which has its own place in the line. Whoever leaves is seen between two steps.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Self

from ..errors import OutOfMemory, RouterError
from ..server.problems import Problem
from .encoding import picture_file
from .line import Line
from .tickets import Batch, Left, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from .admission import Limits
    from .order import Order, Ran
    from .pace import Pace
    from .tickets import Meter, Painter, Progress

__all__ = ["Works"]

_FAILURES_THAT_END = 3
_STUCK_S = 300.0
_RETRY_S = 5.0


class Works:
    """Takes orders while its block is entered; see the module. `meter` reads the card, `heard` is told what happens."""

    def __init__(self, painter: Painter, *, limits: Limits, pace: Pace, meter: Meter | None = None) -> None:
        self.facts, self.limits = painter.facts, limits
        self._painter, self._pace, self.meter = painter, pace, meter
        self._line: Line[Batch] = Line()
        self._tickets: set[Ticket] = set()
        self._most_batch: dict[tuple[int, int], int] = {}
        self._painting = ThreadPoolExecutor(1, "pipeline")
        self._writing = ThreadPoolExecutor(1, "writing")
        self._news = asyncio.Event()
        self._running: Batch | None = None
        self._last_step, self._running_since, self._running_s = 0.0, 0.0, 0.0
        self._failures, self._closing = 0, False
        self._writes: set[asyncio.Task[None]] = set()
        self.heard: Callable[[str, float], None] = _nobody
        self._loop_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop_task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *ignored: object) -> None:
        """Stop; requests that are still open are refused."""
        self.close_door()
        for ticket in tuple(self._tickets):
            self._end(ticket, Problem(503, "the worker stops; ask again", code="stopping", retry_after_s=_RETRY_S))
        if self._loop_task is not None:
            self._news.set()
            await self._loop_task
        await asyncio.gather(*self._writes)
        self._painting.shutdown()
        self._writing.shutdown()

    @property
    def state(self) -> str:
        """`ready`, `draining`, `failed` (three batches in a row) or `stuck` (a step that does not end)."""
        if self._failures >= _FAILURES_THAT_END:
            return "failed"
        if self._running is not None and monotonic() - self._last_step > _STUCK_S:
            return "stuck"
        return "draining" if self._closing else "ready"

    @property
    def waiting(self) -> int:
        """Requests of which no batch has begun."""
        return sum(ticket.begun is None for ticket in self._tickets)

    @property
    def under_way(self) -> int:
        """Requests that were begun and are not answered."""
        return len(self._tickets) - self.waiting

    @property
    def waiting_s(self) -> float:
        """Predicted seconds until a new order of an idle tenant's line would all be done."""
        running = max(0.0, self._running_s - (monotonic() - self._running_since)) if self._running else 0.0
        return self._line.cost + running

    def seconds(self, order: Order) -> float:
        """Predicted seconds of the whole order on the card."""
        return sum(self._pace.seconds(batch) for _, batch in self._batches(order))

    def take(self, order: Order, on_progress: Callable[[Progress], None] | None = None) -> Ticket:
        """Put an order into the line.

        Raises:
            Problem: 503 while the worker stops or cannot work, 429 where too much waits.
        """
        if self.state != "ready":
            raise Problem(503, f"the worker is {self.state}; ask another, or later", code=f"worker_{self.state}",
                          retry_after_s=_RETRY_S)
        self._check_room(order)
        ticket = Ticket(order, monotonic(), asyncio.get_running_loop().create_future(), on_progress=on_progress)
        batches = [Batch(ticket, first, batch) for first, batch in self._batches(order)]
        ticket.open_batches = ticket.batches = len(batches)
        self._tickets.add(ticket)
        for batch in batches:
            self._line.join(batch, order.tenant, cost=self._pace.seconds(batch.order))
        self._news.set()
        return ticket

    def _check_room(self, order: Order) -> None:
        """An idle worker takes any order that was admitted, however long."""
        limits, ahead, waiting = self.limits, self.waiting_s, self.waiting
        after = ahead + self.seconds(order) - limits.most_waiting_s
        held = _reference_bytes(order) + sum(_reference_bytes(ticket.order) for ticket in self._tickets)
        full = waiting >= limits.most_waiting or after > 0 or held > limits.most_held_bytes
        if self._tickets and full:
            raise Problem(429, f"{waiting} requests wait, about {ahead:.0f} s of work, with {held:,} bytes of "
                          "references; ask again then", code="queue_full",
                          retry_after_s=max(1.0, after, ahead / max(1, waiting)))

    def leave(self, ticket: Ticket) -> None:
        """Whoever asked is gone: what waits is taken out, what runs stops after its step."""
        if ticket in self._tickets:
            self.heard("left_running" if ticket.begun is not None else "left_waiting", 1)
            self._end(ticket, Left("the caller has gone"))

    def close_door(self) -> None:
        """Take nothing more."""
        self._closing = True
        self._news.set()

    def _batches(self, order: Order) -> list[tuple[int, Order]]:
        most = min(self.limits.most_batch, self._most_batch.get(_shape(order), self.limits.most_batch))
        return [(first, replace(order, n=min(most, order.n - first), seed=order.seed + first))
                for first in range(0, order.n, most)]

    async def _work(self) -> None:
        while True:
            while not self._line:
                if self._closing and not self._tickets:
                    return
                self._news.clear()
                await self._news.wait()
            await self._make(self._line.take())

    async def _make(self, batch: Batch) -> None:
        ticket, loop = batch.ticket, asyncio.get_running_loop()
        self._running, self._running_since = batch, monotonic()
        self._last_step, self._running_s = self._running_since, self._pace.seconds(batch.order)
        if ticket.begun is None:
            ticket.begun = self._running_since
            self.heard("queue_s", ticket.queue_s)
        making = loop.run_in_executor(self._painting, self._paint, batch, loop)
        await asyncio.wait((making,))
        self._running = None
        error = making.exception()
        if error is None:
            ran, joules = making.result()
            self._made(batch, ran, joules)
        else:
            self._did_not(batch, error)

    def _paint(self, batch: Batch, loop: asyncio.AbstractEventLoop) -> tuple[Ran, float | None]:
        """On the pipeline's thread."""
        ticket = batch.ticket

        def on_step(done: int, of: int) -> None:
            del done, of
            self._last_step = monotonic()
            ticket.steps_done += 1
            if ticket.left:
                raise Left("the caller has gone")
            if ticket.on_progress is not None:
                loop.call_soon_threadsafe(_tell, ticket)

        if ticket.left:
            raise Left("the caller has gone")
        before = self.meter.joules() if self.meter else None
        ran = self._painter.run(batch.order, on_step)
        after = self.meter.joules() if self.meter else None
        return ran, None if before is None or after is None else after - before

    def _made(self, batch: Batch, ran: Ran, joules: float | None) -> None:
        ticket, self._failures = batch.ticket, 0
        self._pace.learn(batch.order, ran.seconds.wall)
        ticket.lora_s += ran.seconds.lora
        ticket.make_s += ran.seconds.wall
        ticket.joules = None if joules is None or ticket.joules is None else ticket.joules + joules
        for name, value in (("make_s", ran.seconds.wall), ("lora_s", ran.seconds.lora), ("images", len(ran.images)),
                            ("pixel_steps", batch.order.pixel_steps), ("joules", joules)):
            if value:
                self.heard(name, value)
        if ticket.left:
            self.heard("made_for_nobody", len(ran.images))
            return
        writing = asyncio.create_task(self._write(batch, ran))
        self._writes.add(writing)
        writing.add_done_callback(self._writes.discard)

    async def _write(self, batch: Batch, ran: Ran) -> None:
        """The next batch is made meanwhile."""
        ticket, begun = batch.ticket, monotonic()
        writing = asyncio.get_running_loop().run_in_executor(
            self._writing, lambda: [picture_file(image, batch.order) for image in ran.images])
        await asyncio.wait((writing,))
        error = writing.exception()
        if error is not None:
            self._end(ticket, _fault(error))
            return
        ticket.write_s += monotonic() - begun
        ticket.files.update(enumerate(writing.result(), batch.first))
        ticket.open_batches -= 1
        if not ticket.open_batches and ticket in self._tickets:
            self.heard("write_s", ticket.write_s)
            self._tickets.discard(ticket)
            if not ticket.done.done():
                ticket.done.set_result(tuple(ticket.files[at] for at in sorted(ticket.files)))

    def _did_not(self, batch: Batch, error: BaseException) -> None:
        if isinstance(error, Left):
            self.heard("stopped_between_steps", 1)
        elif isinstance(error, OutOfMemory) and batch.order.n > 1:
            self._split(batch)
        elif isinstance(error, OutOfMemory):
            self.heard("out_of_memory", 1)
            self._end(batch.ticket, Problem(503, str(error), code="out_of_memory", retry_after_s=_RETRY_S))
        elif isinstance(error, RouterError):
            self._end(batch.ticket, error)
        else:
            self._failures += 1
            self.heard("failures", 1)
            self._end(batch.ticket, _fault(error))

    def _split(self, batch: Batch) -> None:
        """Half the batch, now and for this size from now on."""
        order, half = batch.order, batch.order.n // 2
        self.heard("batches_split", 1)
        self._most_batch[_shape(order)] = min(half, self._most_batch.get(_shape(order), half))
        batch.ticket.open_batches += 1
        batch.ticket.batches += 1
        for first, n in ((0, half), (half, order.n - half)):
            part = Batch(batch.ticket, batch.first + first, replace(order, n=n, seed=order.seed + first))
            self._line.join(part, order.tenant, cost=self._pace.seconds(part.order))

    def _end(self, ticket: Ticket, error: BaseException) -> None:
        ticket.left = True
        self._tickets.discard(ticket)
        self._line.remove(lambda batch: batch.ticket is ticket)
        if not ticket.done.done():
            ticket.done.set_exception(error)
            # Nobody may be there to hear it.
            ticket.done.exception()
        self._news.set()


def _shape(order: Order) -> tuple[int, int]:
    """What memory a batch takes, beside its images."""
    return order.size.pixels, len(order.references)


def _reference_bytes(order: Order) -> int:
    return sum(map(len, order.references))


def _tell(ticket: Ticket) -> None:
    if ticket.on_progress is not None:
        ticket.on_progress(ticket.progress)


def _nobody(name: str, value: float) -> None:
    """Nobody listens."""


def _fault(error: BaseException) -> Problem:
    """A fault by its type alone: its text may hold the prompt."""
    return Problem(500, f"the pipeline failed ({type(error).__name__}); the worker lives on", code="pipeline_failed")
