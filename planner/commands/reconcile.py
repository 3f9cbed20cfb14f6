"""`planner reconcile`: vendors' statements of a month against the router's books."""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console

from planner.actuals.charges import month_charges
from planner.actuals.invoices import read_invoices
from planner.actuals.lines import OWN, ledger_side
from planner.actuals.opening import opened_month
from planner.actuals.reconcile import Tolerance, reconciled
from planner.actuals.reconcile_report import lines_table, reconciled_json, told_lines, vendors_table
from planner.commands.month_options import data_option, ledger_option, month_option, settings_option
from planner.errors import PlannerError
from router.errors import one_line

__all__ = ["OUTSIDE", "reconcile"]

OUTSIDE = 1
"""Exit status where a vendor's statement and the books are further apart than the tolerance."""
_FILE_COLUMNS = 140


class _Asked(TypedDict):
    ledger: str | None
    month: str
    invoices: tuple[Path, ...]
    tolerance: float
    tolerance_usd: float
    settings: Path | None
    data: Path | None
    as_json: bool


@click.command()
@month_option
@ledger_option
@click.option("--invoice", "invoices", type=click.Path(path_type=Path), multiple=True, required=True,
              help="A vendor's statement as it was downloaded. Repeatable.")
@click.option("--tolerance", type=click.FloatRange(0, 100), default=1.0, show_default=True,
              help="Percent of a vendor's books that its statement may be away.")
@click.option("--tolerance-usd", type=click.FloatRange(0), default=1.0, show_default=True,
              help="USD that it may be away in any case.")
@settings_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reconcile(**asked: Unpack[_Asked]) -> None:
    """Vendors' statements of a month against the books, by vendor, day and model, and what explains the difference.

    Reads what planner demand import reads, FOCUS files, and AWS cost and usage reports for rent of GPUs. Exit 0 within
    the tolerance, 1 outside of it, 2 where a question cannot be answered.
    """
    with opened_month(asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
                      environ=os.environ) as books:
        invoices = read_invoices(asked["invoices"], books.month, prices=books.prices, vendors=books.places.vendors)
        if OWN in invoices.side.vendors and not books.places.own():
            raise PlannerError("a statement holds rent of GPUs, and what our cards cost is not known; give --settings "
                               "with cards of ours and their usd_per_gpu_h")
        unpriced: list[str] | None = None if OWN in invoices.side.vendors else []
        booked = ledger_side(month_charges(books.connection, books.month, places=books.places, unpriced=unpriced),
                             books.prices)
    tolerance = Tolerance(Decimal(str(asked["tolerance"])), Decimal(str(asked["tolerance_usd"])))
    made = reconciled(invoices.side, booked)
    if asked["as_json"]:
        found = reconciled_json(made, invoices, month=books.month, tolerance=tolerance)
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)
        console.print(vendors_table(made, tolerance))
        if (apart := lines_table(made)) is not None:
            console.print()
            console.print(apart)
            console.print()
        click.echo("\n".join(map(one_line, told_lines(made, invoices, booked=booked, month=books.month,
                                                      tolerance=tolerance))))
    if not all(one.within(tolerance) for one in made):
        sys.exit(OUTSIDE)
