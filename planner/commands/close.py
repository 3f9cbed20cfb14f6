"""`planner close`: a month closed, in one folder."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from planner.actuals.month import month_begun
from planner.actuals.opening import opened_month
from planner.actuals.reconcile import Tolerance
from planner.book import open_book
from planner.case import Case
from planner.closing.bills import stated_bills
from planner.closing.comparing import Compared
from planner.closing.forecasts import forecasts_in
from planner.closing.variance_report import plan_line
from planner.commands.month_options import data_option, ledger_option, month_option, settings_option
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import data_roots, table_files
from router.errors import one_line
from router.quantities import usd_from_micro

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.actuals.month import Month
    from planner.closing.month_close import Closed

__all__ = ["close"]

_WORLDS, _SEED = 10_000, 1


class _Asked(TypedDict):
    ledger: str | None
    month: str
    plans: Path
    out: Path
    invoices: tuple[Path, ...]
    bills: tuple[str, ...]
    scenario: str | None
    months: int
    last_months: int
    look_back: int
    tolerance: float
    tolerance_usd: float
    company: str
    settings: Path | None
    data: Path | None


@click.command()
@month_option
@ledger_option
@click.option("--plans", type=click.Path(path_type=Path), required=True,
              help="Folder of plans; what is kept of closed months lies there, too.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder that gets a folder for the month.")
@click.option("--invoice", "invoices", type=click.Path(path_type=Path), multiple=True,
              help="A vendor's statement as it was downloaded. Repeatable.")
@click.option("--bill", "bills", multiple=True, metavar="KIND=USD",
              help="A bill the books do not hold, as in staff=1600. Repeatable.")
@click.option("--scenario", help="Of the next plan and of the licences held; a file or a shipped name.")
@click.option("--plan-months", "months", type=click.IntRange(1, 60), default=12, show_default=True,
              help="Months of the next plan.")
@click.option("--last-months", type=click.IntRange(1, 24), default=3, show_default=True,
              help="Months of the books that the next plan starts from.")
@click.option("--look-back", type=click.IntRange(0, 120), default=3, show_default=True,
              help="Earlier months that the licence report looks through for what was settled late.")
@click.option("--tolerance", type=click.FloatRange(0, 100), default=1.0, show_default=True,
              help="Percent of a vendor's books that its statement may be away.")
@click.option("--tolerance-usd", type=click.FloatRange(0), default=1.0, show_default=True,
              help="USD that it may be away in any case.")
@click.option("--company", default="Own company", show_default=True, help="Who provides the cards of ours.")
@settings_option
@data_option
def close(**asked: Unpack[_Asked]) -> None:
    """Everything of a month in one folder: actuals, variance, FOCUS, accruals, chargeback, licences, the next plan.

    A second close of unchanged books changes nothing; of changed books it makes a revision beside the first, as in
    2026-11.r2. docs/closing.md says what each file holds.
    """
    from planner.closing.month_close import Closing, close_month  # noqa: PLC0415 (numpy is loaded by what computes)

    stated, forecasts = stated_bills(asked["bills"]), forecasts_in(asked["plans"])
    request = Closing(
        plans=asked["plans"], out=asked["out"], forecasts=forecasts, invoices=asked["invoices"], stated=stated,
        case=_case(asked), months=asked["months"], last_months=asked["last_months"], settings=asked["settings"],
        roots=data_roots(asked["data"], os.environ), company=asked["company"], look_back=asked["look_back"],
        tolerance=Tolerance(Decimal(str(asked["tolerance"])), Decimal(str(asked["tolerance_usd"]))))
    with opened_month(asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
                      environ=os.environ) as books:
        closed = close_month(books, request)
    click.echo("\n".join(map(one_line, _lines(closed, month=books.month, tolerance=request.tolerance))))


def _case(asked: _Asked) -> Case | None:
    """The scenario on the last day of the month."""
    if asked["scenario"] is None:
        return None
    book = open_book(asked["data"], os.environ)
    path = find_scenario(asked["scenario"], table_files(book.roots, "scenarios/*.toml"))
    last_day = month_begun(asked["month"]).end.date() - timedelta(days=1)
    return Case(load_scenario(path), book, last_day, Draws(_WORLDS, _SEED))


def _lines(closed: Closed, *, month: Month, tolerance: Tolerance) -> Iterator[str]:
    if not closed.is_new:
        yield f"{month.text}: nothing has changed since {closed.folder} was closed; no byte was written"
        yield from (f"note: {closed.folder / name} is not what was written then" for name in closed.altered)
        return
    made = closed.read.made
    status = "provisional" if made.unsettled else "final"
    yield (f"{month.text} closed: {closed.folder} ({status}, revision {closed.revision}); "
           f"{usd_from_micro(made.micro_usd):,.6f} USD in {made.attempts:,} attempts")
    if isinstance(closed.against, Compared):
        total = closed.against.found.total
        percent = "" if total.percent is None else f" ({total.percent:+.1f}%)"
        yield plan_line(closed.against.forecast, month)
        yield (f"with its bills {usd_from_micro(total.micro_usd):,.6f} USD, {usd_from_micro(total.difference):+,.6f} "
               f"against the plan{percent}")
    for one in closed.reconciled:
        yield (f"{one.vendor}: statement {one.residual_usd:+,.2f} USD from the books, "
               f"{'within' if one.within(tolerance) else 'outside'} tolerance")
    for name, images in closed.licensed.items():
        yield f"licence {name}: {images:,} images to report"
    yield from (f"left out: {words}" for words in closed.left_out)
