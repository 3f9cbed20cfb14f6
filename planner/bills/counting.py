"""Counting the events of exports: each row once, no bucket under another. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from planner.errors import PlannerError

from .tally import Covered, Tally
from .uses import DAY_S, Charge, MorePages, Passed, Span, Use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .uses import Event

__all__ = ["count_events"]

_HOUR_S = 3600.0
_PAGED = ("openai-usage", "openai-costs")  # their pages name every bucket, the empty ones too


def count_events(exports: Iterable[tuple[str, Iterable[Event]]], *, keep_uses: bool = False) -> Tally:
    """The events of some exports, each with its name, counted.

    Raises:
        PlannerError: buckets that overlap, a row that stands twice with other numbers, a bucket parted in two ways, and
            whatever a reader refuses.
    """
    counting = _Counting(keep_uses=keep_uses)
    for name, events in exports:
        for event in events:
            counting.add(name, event)
    return counting.ended()


class _Counting:
    def __init__(self, *, keep_uses: bool) -> None:
        self._told, self._keep_uses = Tally(), keep_uses
        self._seen: dict[int, int] = {}
        self._spans: dict[str, dict[tuple[float, float], str]] = defaultdict(dict)
        self._grouped: dict[tuple[str, float, float], dict[str, frozenset[str]]] = defaultdict(dict)
        self._instants: dict[str, tuple[float, float]] = {}
        self._more: list[MorePages] = []

    def add(self, name: str, event: Event) -> None:
        """One more event of the export of that name."""
        if isinstance(event, Use):
            self._use(name, event)
        elif isinstance(event, Charge):
            self._charge(name, event)
        elif isinstance(event, Span):
            self._spans[event.source].setdefault((event.begin, event.end), event.place)
        elif isinstance(event, Passed):
            self._told.passed[event.source, event.why] += 1
        else:
            self._more.append(event)

    def ended(self) -> Tally:
        """The tally, once no bucket lies over another."""
        for (_, *span), names in self._grouped.items():
            if len(set(names.values())) > 1:
                raise PlannerError(_parted((span[0], span[1]), names))
        for source in sorted({*self._spans, *self._instants}, key=_order):
            self._told.covered[source] = self._covered(source)
        self._told.cut = sorted({more.source for more in self._more if self._cuts(more)})
        return self._told

    def _use(self, name: str, use: Use) -> None:
        source, told = use.kind.source, self._told
        if self._known(use.place, source, use.identity, (use.images, use.requests, use.usd)):
            return
        if source in _PAGED:
            self._group(name, source, use)
        first, last = self._instants.get(source, (use.begin, use.end))
        self._instants[source] = (min(first, use.begin), max(last, use.end))
        for count in (told.kinds[use.kind], told.projects[use.project], told.keys[use.key]):
            count.add(use)
        day = source, use.kind.names, int(use.begin // DAY_S)
        told.days[day] += use.images
        if use.usd is not None:
            told.spent[day] += use.usd
        if use.end - use.begin > _HOUR_S:
            told.hours = None
        elif told.hours is not None:
            told.hours[int(use.begin % DAY_S // _HOUR_S)] += use.images
        if self._keep_uses:
            told.uses.append(use)

    def _charge(self, name: str, charge: Charge) -> None:
        if self._known(charge.place, charge.source, charge.identity, (charge.usd,)):
            return
        self._group(name, charge.source, charge)
        if charge.model:
            self._told.charges[charge.model, int(charge.begin // DAY_S)] += charge.usd
        else:
            self._told.other_usd[charge.item] += charge.usd

    def _group(self, name: str, source: str, row: Use | Charge) -> None:
        """Note by what a page, or a file without pages, parts a bucket."""
        grouped = self._grouped[source, row.begin, row.end]
        page = row.place.rpartition(": data[")[0] or name
        grouped[page] = grouped.get(page, frozenset()) | row.grouped_by

    def _cuts(self, more: MorePages) -> bool:
        covered = self._told.covered.get(more.source)
        return covered is None or (more.at <= covered.begin if more.older else more.at >= covered.end)

    def _known(self, place: str, source: str, identity: str, numbers: tuple[object, ...]) -> bool:
        """Whether the row was counted before. Digests are kept, not rows: a long log takes little memory."""
        if not identity:
            return False
        row, told = hash((source, identity)), hash(numbers)
        before = self._seen.get(row)
        if before is None:
            self._seen[row] = told
            return False
        if before != told:
            raise PlannerError(f"{place}: this row stands twice with different numbers; keep the newer of the exports")
        self._told.twice += 1
        return True

    def _covered(self, source: str) -> Covered:
        spans = sorted(self._spans.get(source, {}))
        for before, after in pairwise(spans):
            if after[0] < before[1]:
                places = self._spans[source]
                raise PlannerError(f"{places[after]}: the bucket {_told(after)} overlaps {_told(before)} of "
                                   f"{places[before]}; give exports of one bucket width, each day once")
        seen = [*spans, *([self._instants[source]] if source in self._instants else [])]
        begin, end = min(span[0] for span in seen), max(span[1] for span in seen)
        days = sum(span[1] - span[0] for span in spans) if source in _PAGED else end - begin
        return Covered(begin, end, days / DAY_S, frozenset(int(span[0] // DAY_S) for span in spans))


def _order(source: str) -> tuple[bool, str]:
    """Usage before costs."""
    return source == "openai-costs", source


def _parted(span: tuple[float, float], names: dict[str, frozenset[str]]) -> str:
    ways = {grouped: name for name, grouped in names.items()}
    told = "; ".join(f"{name} by {', '.join(sorted(grouped)) or 'nothing'}" for grouped, name in ways.items())
    return (f"the bucket {_told(span)} is parted in two ways ({told}), which would count it twice; give exports of one "
            "grouping")


def _told(span: tuple[float, float]) -> str:
    begin, end = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in span)
    return f"{begin} to {end}"
