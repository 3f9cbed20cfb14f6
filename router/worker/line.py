"""Who is next: start-time fair queueing over tenants, by predicted seconds of the card. Pure: no clock, no lock.

Every entry gets a start tag, the later of the line's virtual time and its tenant's last finish tag, and a finish tag,
its start plus its cost. The smallest start tag is next, and virtual time is the start tag of what was last taken
(Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996). A tenant with a hundred entries delays one with a single entry by
about one entry, and nobody collects a claim by being idle.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Line"]

Entry = TypeVar("Entry")


@dataclass(order=True)
class _Place(Generic[Entry]):
    start: float
    arrival: int
    cost: float
    tenant: str
    entry: Entry


class Line(Generic[Entry]):
    """Entries that wait, in fair order."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Place[Entry]]] = []
        self._finish: dict[str, float] = {}
        self._now, self._arrivals = 0.0, count()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def cost(self) -> float:
        """Seconds of work that wait."""
        return sum(place.cost for _, _, place in self._heap)

    @property
    def tenants(self) -> dict[str, int]:
        """Entries that wait, by tenant."""
        waiting: dict[str, int] = {}
        for _, _, place in self._heap:
            waiting[place.tenant] = waiting.get(place.tenant, 0) + 1
        return waiting

    def join(self, entry: Entry, tenant: str, *, cost: float) -> None:
        """Wait for a turn; `cost` in predicted seconds, above 0."""
        start = max(self._now, self._finish.get(tenant, 0.0))
        self._finish[tenant] = start + cost
        place = _Place(start, next(self._arrivals), cost, tenant, entry)
        heappush(self._heap, (place.start, place.arrival, place))

    def take(self) -> Entry:
        """The next entry; IndexError where none waits."""
        start, _, place = heappop(self._heap)
        self._now = max(self._now, start)
        if not self._heap:
            # Nobody waits: tags of the past decide nothing any more, and tenants' names do not pile up.
            self._now = max(self._now, *self._finish.values())
            self._finish.clear()
        return place.entry

    def remove(self, unwanted: Callable[[Entry], bool]) -> int:
        """Take out every entry that is unwanted, wherever it stands; how many were."""
        gone = [place for _, _, place in self._heap if unwanted(place.entry)]
        if gone:
            self._heap = [each for each in self._heap if not unwanted(each[2].entry)]
            heapify(self._heap)
        for place in gone:
            # Work that is not done is not held against its tenant.
            self._finish[place.tenant] = max(self._now, self._finish.get(place.tenant, 0.0) - place.cost)
        return len(gone)
