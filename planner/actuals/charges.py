"""A month's charges: what the books settled, and what cards of ours cost beside it, one line for each cell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from planner.errors import PlannerError

from .cells import Cell, attempt_cells, day_cells, is_pruned, kept_cells
from .own_cards import CardsMonth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from .month import Month
    from .own_cards import Share
    from .places import Place, Places

__all__ = ["Charge", "month_charges"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a cell came to.

    Attributes:
        cards_micro_usd: its share of the cost of our cards; 0 for hosted work.
        gpu_us: microseconds of our cards.
        is_idle: cards that were on and that nothing used; the cell holds the backend alone.
    """

    cell: Cell
    place: Place
    begin: datetime
    end: datetime
    cards_micro_usd: int = 0
    gpu_us: int = 0
    is_idle: bool = False

    @property
    def billed_micro_usd(self) -> int:
        """What a vendor invoices: nothing for cards of ours."""
        return 0 if self.place.own else self.cell.settled_micro_usd

    @property
    def micro_usd(self) -> int:
        """What it cost: as settled, which is the power of own cards, and the cards themselves."""
        return self.cell.settled_micro_usd + self.cards_micro_usd


def month_charges(connection: Connection, month: Month, *, places: Places, detail: bool = False,
                  unpriced: list[str] | None = None) -> Iterator[Charge]:
    """Every charge of a month, day by day; own cards that nothing used have a line of their own.

    The sum of what cells are settled at is the ledger's, to the micro-dollar; that of the cards is their hours' cost.

    Args:
        connection: one transaction over the books.
        month: the month.
        places: who stands behind each backend.
        detail: one line for each attempt, streamed.
        unpriced: takes the backends whose cards have no known cost, which is left out then; without it, refused.

    Raises:
        PlannerError: own cards without a cost, or detail of a month whose rows are gone.
        LedgerError: the books cannot be read.
    """
    cards = _Cards(month, places, unpriced=unpriced)
    if is_pruned(connection, month):
        if detail:
            raise PlannerError(f"{month.text}: its rows were pruned and only the sums are left; leave out --detail")
        yield from cards.whole(kept_cells(connection, month))
        return
    for day, found in day_cells(connection, month):
        if day > month.now:
            return
        shares = cards.begin(day, found)
        yield from cards.charges(attempt_cells(connection, day) if detail else found, shares, begin=day,
                                 end=day + _DAY)
        yield from cards.idle(shares, begin=day, end=day + _DAY)


class _Cards:
    """The cards of every own backend."""

    def __init__(self, month: Month, places: Places, *, unpriced: list[str] | None) -> None:
        self._month, self._places, self._unpriced = month, places, unpriced
        self._months: dict[str, CardsMonth | None] = {}
        for place in places.own():
            self._of(place)

    def begin(self, day: datetime, cells: Iterable[Cell]) -> dict[str, tuple[Share, int]]:
        """What the day's cards cost, by backend, to be handed out, and how long they were idle."""
        busy = self._busy(cells)
        return {name: cards.day(day, busy[name]) for name, cards in self._months.items() if cards is not None}

    def whole(self, cells: tuple[Cell, ...]) -> Iterator[Charge]:
        """The charges of a month of which only sums are left."""
        busy = self._busy(cells)
        for cell in cells:
            if self._months.get(cell.backend) is not None and cell.images and not busy[cell.backend]:
                raise PlannerError(f"{self._month.text}: its rows were pruned, and with them the sizes that the time "
                                   f"on backend {cell.backend!r} follows from; state gpus.seconds_per_image")
        shares = {name: cards.whole(busy[name]) for name, cards in self._months.items() if cards is not None}
        yield from self.charges(cells, shares, begin=self._month.begin, end=self._month.end)
        yield from self.idle(shares, begin=self._month.begin, end=self._month.end)

    def charges(self, cells: Iterable[Cell], shares: dict[str, tuple[Share, int]], *, begin: datetime,
                end: datetime) -> Iterator[Charge]:
        """Each cell with its share of the cards."""
        for cell in cells:
            place = self._places.of(cell)
            gpu_us = self._places.busy_us(cell) if place.own else 0
            share = shares[cell.backend][0].take(gpu_us) if cell.backend in shares else 0
            yield Charge(cell, place, begin, end, share, gpu_us)

    def idle(self, shares: dict[str, tuple[Share, int]], *, begin: datetime, end: datetime) -> Iterator[Charge]:
        """A charge for each backend whose cards were on and not used."""
        for name, (share, idle_us) in shares.items():
            cards = self._months[name]
            if cards is not None and idle_us:
                yield Charge(Cell(backend=name), cards.place, begin, end, share.take(idle_us), idle_us, is_idle=True)

    def _busy(self, cells: Iterable[Cell]) -> defaultdict[str, int]:
        busy: defaultdict[str, int] = defaultdict(int)
        for cell in cells:
            place = self._places.of(cell)
            if place.own:
                busy[cell.backend] += self._places.busy_us(cell)
                if cell.backend not in self._months:
                    self._of(place)
        return busy

    def _of(self, place: Place) -> None:
        priced = place.gpus is not None and place.gpus.usd_per_gpu_h is not None
        if priced or self._unpriced is None:
            self._months[place.backend] = CardsMonth(place, self._month)
            return
        self._months[place.backend] = None
        self._unpriced.append(place.backend)
