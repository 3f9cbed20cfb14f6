"""Vendors' statements of a month, read as one side of a reconciliation. An edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

from planner.bills.counting import count_events
from planner.bills.exports import AUTO, events_of_file, unlike_files
from planner.bills.files import read_rows
from planner.bills.uses import DAY_S, MorePages, Passed
from planner.errors import PlannerError

from .lines import OWN, Key, Side, vendor_and_model
from .rent import cloud_charge, cloud_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from planner.bills.tally import Tally
    from planner.bills.uses import Event, Row
    from router.price_table import PriceTable
    from router.vendors import Vendor

    from .month import Month

__all__ = ["Invoices", "read_invoices"]

_OPENAI = "openai"


@dataclass
class Invoices:
    """What the files say of the month.

    Attributes:
        outside_usd: money of other months in them, left out.
        notes: what else was met.
    """

    side: Side = field(default_factory=Side)
    outside_usd: Decimal = Decimal(0)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Span:
    first: float = float("inf")
    last: float = float("-inf")
    inside: bool = False

    def see(self, begin: float, end: float, *, month: Month) -> None:
        """One more stretch of time."""
        self.first, self.last = min(self.first, begin), max(self.last, end)
        self.inside = self.inside or month.holds(begin)


def read_invoices(paths: Iterable[Path], month: Month, *, prices: PriceTable,
                  vendors: Mapping[str, Vendor]) -> Invoices:
    """The statements in some files; each must hold something of the month.

    Raises:
        PlannerError: half a file, another month's, another currency, or a value that cannot be read.
    """
    made, spans = Invoices(), {}
    kept, again = unlike_files(paths)
    exports: list[tuple[str, Iterable[Event]]] = []
    for path in kept:
        spans[path] = span = _Span()
        rows = read_rows(path)
        first = next(rows, None)
        cloud = "" if first is None else cloud_format(first)
        if first is not None and cloud:
            _add_cloud(made, chain([first], rows), cloud, span=span, month=month, vendors=vendors, prices=prices)
        else:
            exports.append((str(path), _watched(events_of_file(path, AUTO), span, month)))
    told = count_events(exports)
    for path, span in spans.items():
        _check(path, span, month)
    if told.cut:
        raise PlannerError(f"{', '.join(told.cut)}: a page says that more follow, and they are in no file; fetch the "
                           "rest of the month's pages")
    _add_bills(made, told, month, prices)
    made.notes += [f"{path} is another file again; read once" for path in again]
    if made.outside_usd:
        made.notes.append(f"{made.outside_usd:,.2f} USD of the files are of other months and left out")
    return made


def _watched(events: Iterator[Event], span: _Span, month: Month) -> Iterator[Event]:
    for event in events:
        if not isinstance(event, MorePages | Passed):
            span.see(event.begin, event.end, month=month)
        yield event


def _check(path: Path, span: _Span, month: Month) -> None:
    if span.inside:
        return
    if span.last < span.first:
        raise PlannerError(f"{path}: nothing in it that was made or charged; give the statement of {month.text}")
    raise PlannerError(f"{path}: covers {_day(span.first)} to {_day(max(span.first, span.last - 1))}, nothing of "
                       f"{month.text}; give that month's statement")


def _add_bills(made: Invoices, told: Tally, month: Month, prices: PriceTable) -> None:
    """What exports that `planner demand import` reads say: images and their cost, and OpenAI's cost by model."""
    unpriced = 0
    for (source, names, day), images in told.days.items():
        usd = told.spent.get((source, names, day))
        if not month.holds(day * DAY_S):
            made.outside_usd += usd or 0
            continue
        vendor, model = vendor_and_model(names, prices)
        made.side.amounts[Key(vendor or source.partition("-")[0], model, _day(day * DAY_S))].add(images, usd)
        unpriced += images if usd is None and source in ("litellm", "bfl", "fal") else 0
    for (model, day), usd in told.charges.items():
        if not month.holds(day * DAY_S):
            made.outside_usd += usd
            continue
        key = Key(*vendor_and_model((f"{_OPENAI}/{model}",), prices), _day(day * DAY_S))
        made.side.amounts[key].add(None, usd)
    if unpriced:
        made.notes.append(f"{unpriced:,} images stand without a cost")
    other = sum(told.other_usd.values(), Decimal(0))
    if other:
        made.notes.append(f"not images: {other:,.2f} USD of the bill")
    made.notes += [f"passed over in {source}: {times:,} {why}" for (source, why), times in sorted(told.passed.items())]


def _add_cloud(made: Invoices, rows: Iterable[Row], told: str, *, span: _Span, month: Month,
               vendors: Mapping[str, Vendor], prices: PriceTable) -> None:
    by_name = {vendor.name.lower(): vendor.id for vendor in vendors.values() if not vendor.own}
    passed: dict[str, Decimal] = {}
    for row in rows:
        charge = cloud_charge(row, told)
        span.see(charge.begin, charge.begin, month=month)
        vendor = by_name.get(charge.provider.lower(), charge.provider.lower()) if charge.provider else OWN
        if charge.why_passed or (vendor not in vendors and vendor != OWN):
            why = charge.why_passed or "charges of nobody who makes images"
            passed[why] = passed.get(why, Decimal(0)) + charge.usd
        elif not month.holds(charge.begin):
            made.outside_usd += charge.usd
        else:
            model = vendor_and_model((f"{vendor}/{charge.model}",), prices)[1] if charge.model else ""
            made.side.amounts[Key(vendor, model, _day(charge.begin))].add(charge.images, charge.usd)
    made.notes += [f"passed over in {told}: {usd:,.2f} USD, {why}" for why, usd in sorted(passed.items())]


def _day(at_s: float) -> date:
    return datetime.fromtimestamp(at_s, UTC).date()
