"""A request under way in the works, the batches it is made in, and what the works stand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import RouterError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .order import Facts, Order, Ran

__all__ = ["Batch", "Left", "Meter", "Painter", "Progress", "Ticket"]


class Painter(Protocol):
    """What the works run: a Pipeline."""

    @property
    def facts(self) -> Facts:
        """What is loaded."""

    def run(self, order: Order, on_step: Callable[[int, int], None] | None = None) -> Ran:
        """Make a batch; what `on_step` raises stops it."""


class Meter(Protocol):
    """Reads the card; every reading may be None where the card does not tell."""

    def joules(self) -> float | None:
        """Energy since some instant."""

    def watts(self) -> float | None:
        """Power of the board."""

    def memory(self) -> tuple[int, int] | None:
        """Bytes in use by anybody, and bytes there are."""


@dataclass(frozen=True)
class Progress:
    """Steps done of a request, over all of its batches."""

    steps_done: int
    steps: int


class Left(RouterError):
    """Whoever asked is gone."""


@dataclass(eq=False)
class Ticket:
    """One request under way. Seconds add up over its batches; `joules` is None where one was not known."""

    order: Order
    arrived: float
    done: asyncio.Future[tuple[bytes, ...]]
    files: dict[int, bytes] = field(default_factory=dict)
    open_batches: int = 0
    begun: float | None = None
    steps_done: int = 0
    left: bool = False
    lora_s: float = 0.0
    make_s: float = 0.0
    write_s: float = 0.0
    joules: float | None = 0.0
    batches: int = 1
    on_progress: Callable[[Progress], None] | None = None

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self.steps_done, self.order.steps * self.batches)

    @property
    def queue_s(self) -> float:
        """Seconds from its arrival to its first batch."""
        return 0.0 if self.begun is None else self.begun - self.arrived


@dataclass(eq=False)
class Batch:
    """Images of a ticket that are made together; `first` is the place of the first one in the answer."""

    ticket: Ticket
    first: int
    order: Order
