"""A plan's tables as text, the same for the page and the PDF; every amount is a line of the plan or a sum of lines."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .document import content_hash, reported
from .events import events_of
from .lines import OWN, PARTS, ImageLine, part_of, parts_usd, usd_of
from .worlds import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.uncertainty import Spread

    from .lines import FixedLine, Month
    from .monthly import Plan

__all__ = ["Table", "tables_of"]


class Table(NamedTuple):
    """A table: `numbers` are the columns that are set to the right; the last row is a sum where `total` says so."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    total: bool = False
    note: str = ""


def tables_of(plan: Plan) -> Iterator[Table]:
    """Months, lines, assumptions, events and receipts."""
    yield _months(plan)
    yield _accepted(plan)
    yield _lines(plan)
    yield _assumptions(plan)
    events = tuple((event.month, event.kind, event.text) for event in events_of(plan))
    yield Table("Events", ("Month", "What", "Said"), events or (("", "", "nothing changes inside the plan"),),
                frozenset())
    yield _receipts(plan)


def _months(plan: Plan) -> Table:
    rows = [(month.month.label, month.month.fiscal_label, *(f"{usd:,.2f}" for usd in parts_usd(month).values()),
             f"{month.usd:,.6f}", f"{sure.p10:,.0f}", f"{sure.p50:,.0f}", f"{sure.p90:,.0f}")
            for month, sure in zip(plan.months, plan.worlds.months, strict=True)]
    parts = [sum((parts_usd(month)[part] for month in plan.months), Decimal(0)) for part in PARTS]
    total = plan.worlds.total
    rows.append(("together", "", *(f"{usd:,.2f}" for usd in parts), f"{plan.usd:,.6f}", f"{total.p10:,.0f}",
                 f"{total.p50:,.0f}", f"{total.p90:,.0f}"))
    columns = ("Month", "Fiscal", *(part.capitalize() for part in PARTS), "Bill", "P10", "P50", "P90")
    return Table("Months (USD)", columns, tuple(rows), frozenset(range(2, 10)), total=True,
                 note="Percentiles of the last row are those of all months together, not sums of the months'.")


def _accepted(plan: Plan) -> Table:
    scenario = plan.case.scenario
    other = scenario.plan.currency
    rows = []
    for month in plan.months:
        told = reported(plan, month.usd, day=month.month.first)
        cells = (f"{month.images:,.0f}", f"{month.accepted:,.0f}", _each(month), f"{month.gpu_hours:,.0f}",
                 f"{month.most_cards}", "-" if month.kg_co2e is None else f"{month.kg_co2e:,.1f}")
        converted = ("no rate is in force" if told is None else f"{told:,.2f}",) if other != "USD" else ()
        rows.append((month.month.label, *cells, *converted))
    columns = ("Month", "Images", "Accepted", "USD an accepted image", "GPU-hours", "Most cards", "kg CO2e, own images",
               *((f"Bill, {other}",) if other != "USD" else ()))
    return Table("Images and cards", columns, tuple(rows), frozenset(range(1, len(columns))))


def _each(month: Month) -> str:
    return f"{month.usd / month.accepted:.6f}" if month.accepted else "-"


def _lines(plan: Plan) -> Table:
    """Every line of every month, those of one name together."""
    found: list[ImageLine | FixedLine] = []
    for month in plan.months:
        found += [*month.images_of, *month.fixed]
    found.sort(key=_name)
    rows = []
    for (part, kind, name, unit), same in groupby(found, key=_name):
        kept = list(same)
        quantity = sum((line.images if isinstance(line, ImageLine) else Decimal(repr(line.quantity)) for line in kept),
                       Decimal(0))
        rows.append((PARTS[part], kind, name, f"{quantity:,.3f}", unit, f"{usd_of(kept):,.6f}"))
    rows.append(("together", "", "", "", "", f"{plan.usd:,.6f}"))
    return Table("What is paid for, all months together", ("Part", "Kind", "Name", "Quantity", "Unit", "USD"),
                 tuple(rows), frozenset({3, 5}), total=True, note="plan.csv holds each line of each month.")


def _name(line: ImageLine | FixedLine) -> tuple[int, str, str, str]:
    part = PARTS.index(part_of(line))
    if isinstance(line, ImageLine):
        name = f"{line.segment}{', can wait' if line.can_wait else ''}"
        return part, "images", name if line.option == OWN else f"{name}: {line.option}", "images"
    return part, line.kind, line.name, line.unit


def _assumptions(plan: Plan) -> Table:
    scenario, terms = plan.case.scenario, plan.case.scenario.plan
    rows = [("volume a year ahead", "1", f"one sigma: {terms.volume_doubt_share:.0%}", "plan.volume_doubt_share")]
    rows += [(f"{one.name} ({one.unit})", f"{one.mid:,.4g}", _interval(one), one.source)
             for one in plan.spreads.values() if one.name in DRIVERS and one.mid]
    prices = {(line.option, line.usd_per_image): line for month in plan.months for line in month.images_of
              if line.option != OWN}
    rows += [(f"{option} for {line.segment} (USD an image)", f"{usd:f}", _interval(line.doubt), line.source)
             for (option, usd), line in sorted(prices.items(), key=lambda pair: pair[0])]
    rows += [(f"accepted images of {one.model}", f"{one.accepted_share:.0%}", "", one.source)
             for one in scenario.acceptance]
    rows += [(f"{terms.currency} for a US dollar", f"{one.per_usd:f}", "", f"{one.source}, from {one.valid_from}")
             for one in terms.fx]
    if terms.tax_share:
        rows.append(("tax that nobody gives back", f"{terms.tax_share:.1%}", "", "plan.tax_share"))
    return Table("Assumptions", ("What", "Value", "90 % interval", "Source and date"), tuple(rows), frozenset({1, 2}),
                 note="A hosted price that nobody has looked at for 60 days drifts on; its interval is that of the "
                      "last month it is paid in.")


def _interval(spread: Spread | None) -> str:
    return "" if spread is None or spread.is_certain else f"{spread.low:,.4g} to {spread.high:,.4g}"


def _receipts(plan: Plan) -> Table:
    case = plan.case
    rows = (("scenario", case.scenario.name), ("its content, SHA-256", content_hash(case.scenario)),
            ("planned on", f"{case.on}"), ("worlds drawn, seed", f"{case.draws.count:,}, {plan.seed}"),
            ("hosted accounts", ", ".join(plan.vendors)), ("planner", version("breakeven")),
            *((f"stated, not checked: {one.key}", f"{json.dumps(one.value, default=str)} ({one.says})")
              for one in case.scenario.override),
            *(("not confirmed", said) for said in case.scenario.not_confirmed))
    return Table("Receipts", ("What", "Value"), tuple(rows), frozenset(),
                 note="receipt.json has the hash of every file and of every table it was made from.")
