"""The statement of some exports: demand, cost, what is assumed and what a reader must know. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from decimal import Decimal

    from .pricing import Line
    from .tally import Covered, Tally

__all__ = ["Statement", "day_of", "state"]

_LEAST_DAYS, _LEAST_GAP_DAYS, _SHOWN = 1.0, 1 / 24, 3
_SILENT = "no word in the pictures and no tokens of prompts in the table's price"


@dataclass(frozen=True)
class Statement:
    """Everything that is told of some exports.

    Attributes:
        told: what was counted.
        lines: it, priced on the day `on`.
        assumed: what no export says and what stands in for it.
        doubts: what makes a figure uncertain.
        notes: what else was met.
    """

    told: Tally
    lines: tuple[Line, ...]
    on: date
    assumed: tuple[str, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def images(self) -> int:
        """All images."""
        return sum(line.images for line in self.lines)

    @property
    def images_per_month(self) -> float:
        """All images, in a month of 730 hours."""
        return sum(line.images_per_month for line in self.lines)

    @property
    def compared(self) -> tuple[Line, ...]:
        """The lines of which both the bill and the table name a price."""
        return tuple(line for line in self.lines if line.stated_usd is not None and line.table_usd is not None)


def state(told: Tally, lines: tuple[Line, ...], *, on: date, unclaimed: Mapping[str, Decimal]) -> Statement:
    """The statement of what was counted and priced; `unclaimed` is money for models without an image."""
    doubts = (*_time_doubts(told), *_bill_doubts(told, unclaimed), *_price_doubts(lines))
    return Statement(told, lines, on, tuple(_assumptions(told, lines)), doubts, tuple(_notes(told)))


def day_of(covered: Covered) -> tuple[date, date]:
    """The first and the last day of the time covered, in UTC."""
    end = max(covered.begin, covered.end - 1)
    return datetime.fromtimestamp(covered.begin, UTC).date(), datetime.fromtimestamp(end, UTC).date()


def _assumptions(told: Tally, lines: tuple[Line, ...]) -> Iterator[str]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        for words in line.assumed:
            found.setdefault((line.kind.source, words), []).append(line)
    for (source, words), of in found.items():
        others = [line for line in lines if line.kind.source == source]
        labels = list(dict.fromkeys(f"{line.model} {line.size}" for line in of))
        which = f" ({', '.join(labels[:_SHOWN])}{' ...' if len(labels) > _SHOWN else ''})" * (len(of) < len(others))
        yield f"{words}{which}" if "; " in words else f"{words}{which}; {_export(source)} does not say"
    for source in dict.fromkeys(line.kind.source for line in lines):
        yield f"{_SILENT}; {_export(source)} does not say"
        if told.covered[source].on_days:
            silent = any(line.requests is None for line in lines if line.kind.source == source)
            how = "one image a request" if silent else "images dealt evenly over the requests of a bucket"
            yield f"{how}, where a trace is written; {_export(source)} does not say"


def _export(source: str) -> str:
    return "the ledger" if source == "ledger" else f"the {source} export"


def _notes(told: Tally) -> Iterator[str]:
    if told.twice:
        yield f"{told.twice:,} rows stood twice (a page or a file given again) and are counted once"
    for (source, why), times in sorted(told.passed.items()):
        yield f"passed over in {source}: {times:,} {why}"
    others = {item: usd for item, usd in told.other_usd.items() if item and usd}
    if others:
        more = "s" if len(others) > 1 else ""
        yield f"not images: {sum(others.values()):,.2f} USD of the bill, {len(others):,} other item{more}"


def _time_doubts(told: Tally) -> Iterator[str]:
    for source in told.cut:
        yield f"{source}: a page says that more follow, and they are in no file; fetch them, or days are missing"
    for source, covered in told.covered.items():
        if covered.gap_days > _LEAST_GAP_DAYS:
            yield f"{source}: {covered.gap_days:.1f} days between the first bucket and the last are in no file"
        if round(covered.days, 1) < _LEAST_DAYS and source != "openai-costs":
            yield f"{source}: {covered.days * 24:.1f} hours are taken for a whole day; a month from them is a guess"


def _bill_doubts(told: Tally, unclaimed: Mapping[str, Decimal]) -> Iterator[str]:
    usage, costs = told.covered.get("openai-usage"), told.covered.get("openai-costs")
    if usage and costs and not usage.on_days <= costs.on_days:
        both = len(usage.on_days & costs.on_days)
        yield (f"the costs cover {both} of {len(usage.on_days)} days of usage; the price an image is of these"
               if both else "usage and costs have no day in common; give exports of the same days")
    for model, usd in unclaimed.items():
        if usd:
            yield f"{usd:,.2f} USD of the bill are for {model}, of which no usage tells an image; give its usage too"
    if told.other_usd.get(""):
        yield (f"{told.other_usd['']:,.2f} USD of the bill name no line_item, so no model can be given their cost; "
               "export the costs grouped by line_item")


def _price_doubts(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        if line.no_price:
            yield f"no price for {line.model} {line.size} (images: {line.images:,}): {line.no_price}"
    sources: dict[str, set[str]] = {}
    for line in lines:
        sources.setdefault(line.model, set()).add(line.kind.source)
    for model, of in sources.items():
        if len(of) > 1:
            yield (f"{model} is told of by {' and '.join(sorted(of))}: where one passes the other's requests on, they "
                   "are counted twice; give one of the two")
