"""The one thread that writes: it takes every operation that waits, has them run together, then tells the callers."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from ..errors import LedgerError
from .batches import Batches
from .money import Abandon
from .operation import Ticket
from .values import Reservation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from .books import Books
    from .leases import Owner
    from .operation import Operation

__all__ = ["Writer"]

Answer = TypeVar("Answer")
_MOST_AT_ONCE = 512


class Writer:
    """A queue and the thread behind it.

    Raises:
        LedgerError: the database cannot be written.
    """

    def __init__(self, books: Books, owner: Owner) -> None:
        self._batches = Batches(books, owner)
        self.standing = self._batches.standing
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._gate, self._ended = threading.Lock(), False
        self._unheard: list[str] = []
        self._shown = books.shown
        self._thread = threading.Thread(target=self._work, name="ledger writer", daemon=True)
        self._thread.start()

    async def ask(self, operation: Operation[Answer]) -> Answer:
        """Have an operation run in the next batch; what it answers, once that is on disk.

        Raises:
            LedgerError: it was not written, or the ledger is closed.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._put(Ticket(operation, future))
        return await future

    async def end(self) -> None:
        """Run what waits, then end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, ticket: Ticket) -> None:
        with self._gate:
            if self._ended:
                raise self._closed()
            self._queue.put(ticket)

    def _work(self) -> None:
        going_on = True
        self._batches.run([])
        while going_on:
            tickets, going_on = self._gather()
            with _Delivery(self, tickets):
                self._batches.run(tickets)
            self._unheard += [attempt for ticket in tickets if ticket.in_doubt for attempt in ticket.operation.takes]
            self._batches.tidy()
        with self._gate:
            self._ended = True
        late = self._gather()[0]
        for ticket in late:
            ticket.error = self._closed()
        with _Delivery(self, late):
            self._batches.end()

    def _closed(self) -> LedgerError:
        return LedgerError(f"ledger {self._shown}: it is closed; open it again")

    def _gather(self) -> tuple[list[Ticket], bool]:
        """Everything that waits, and whether there may be more; empty when the lease is to be renewed."""
        tickets: list[Ticket] = []
        try:
            first = self._queue.get(timeout=0 if self._ended else self._batches.renewal_in_s())
            if self._unheard:
                tickets.append(Ticket(Abandon(self._unheard)))
                self._unheard = []
            while first is not None:
                tickets.append(first)
                if len(tickets) >= _MOST_AT_ONCE:
                    return tickets, True
                first = self._queue.get_nowait()
        except Empty:
            return tickets, True
        return tickets, False

    def deliver(self, tickets: Sequence[Ticket]) -> None:
        """Tell every caller on the loop it waits on, with one call for each loop."""
        waiting: defaultdict[asyncio.AbstractEventLoop, list[Ticket]] = defaultdict(list)
        for ticket in tickets:
            if ticket.future is not None:
                waiting[ticket.future.get_loop()].append(ticket)
        for loop, some in waiting.items():
            try:
                loop.call_soon_threadsafe(self._tell, some)
            except RuntimeError:
                # The loop is closed: nobody will hear of these.
                self._unheard += [attempt for ticket in some for attempt in _granted(ticket)]

    def _tell(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            future = ticket.future
            if future is None or future.done():
                self._take_back(ticket)
            elif ticket.error is not None:
                future.set_exception(ticket.error)
            else:
                future.set_result(ticket.answer)

    def _take_back(self, ticket: Ticket) -> None:
        """A caller that was cancelled sends nothing, so its reserve goes back."""
        if attempts := _granted(ticket):
            with self._gate:
                if not self._ended:
                    self._queue.put(Ticket(Abandon(attempts)))


def _granted(ticket: Ticket) -> tuple[str, ...]:
    granted = isinstance(ticket.answer, Reservation) and ticket.answer.granted
    return ticket.operation.takes if granted else ()


class _Delivery:
    """Whatever happens to a batch, every caller hears of it; an unforeseen fault ends the batch, not the thread."""

    def __init__(self, writer: Writer, tickets: Sequence[Ticket]) -> None:
        self._writer, self._tickets = writer, tickets

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None,
                 trace: TracebackType | None) -> bool:
        """Tell every caller."""
        if fault is not None:
            for ticket in self._tickets:
                ticket.answer, ticket.error = None, LedgerError(f"ledger: unforeseen {type(fault).__name__}: {fault}")
                ticket.error.__cause__ = fault
        self._writer.deliver(self._tickets)
        return True
