"""`planner actuals`: what a month of the router's books came to."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console

from planner.actuals.charges import month_charges
from planner.actuals.groups import BY, By, Groups, charged_back
from planner.actuals.judged import judged_images
from planner.actuals.opening import opened_month
from planner.actuals.report import (
    actuals_json,
    chargeback_table,
    groups_table,
    head_lines,
    tail_lines,
    write_csv,
)
from planner.actuals.writing import new_file
from planner.closing.bills import stated_bills
from planner.closing.comparing import Compared, compared, compared_json, show
from planner.closing.forecasts import forecasts_in
from planner.closing.made import MadeMonth, watched
from planner.closing.variance_report import write_variance
from planner.commands.month_options import data_option, force_option, ledger_option, month_option, settings_option
from planner.errors import PlannerError
from router.errors import one_line

__all__ = ["actuals"]

_FILE_COLUMNS = 140
_MOST_RATE = 1_000


class _Asked(TypedDict):
    ledger: str | None
    month: str
    by: By
    plan: Path | None
    bills: tuple[str, ...]
    rate: float | None
    settings: Path | None
    data: Path | None
    csv: Path | None
    force: bool
    as_json: bool


@click.command()
@month_option
@ledger_option
@click.option("--by", type=click.Choice(BY), default="backend", show_default=True, help="What to add up by.")
@click.option("--plan", type=click.Path(path_type=Path), help="Folder of plans: the month against the one in force.")
@click.option("--bill", "bills", multiple=True, metavar="KIND=USD",
              help="With --plan: a bill the books do not hold, as in staff=1600. Repeatable.")
@click.option("--rate-per-image", "rate", type=click.FloatRange(0, _MOST_RATE),
              help="USD that cost centres are charged for an image (the month's average).")
@settings_option
@click.option("--csv", type=click.Path(path_type=Path), help="Write the lines to a file.")
@force_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON; money in whole micro-dollars.")
def actuals(**asked: Unpack[_Asked]) -> None:
    """What a month came to: images, cost, failures, retries and fallbacks, own GPUs, and who is charged how much.

    Cards of ours cost their hours by the schedule of --settings, parted by GPU-time; hours that nothing used are a line
    of their own. docs/actuals.md says how each figure is made. With --plan also what explains the difference from the
    plan that was in force, and --csv holds that.
    """
    forecasts = None if asked["plan"] is None else forecasts_in(asked["plan"])
    stated = stated_bills(asked["bills"])
    with opened_month(asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
                      environ=os.environ) as books:
        made = MadeMonth()
        groups = Groups(watched(month_charges(books.connection, books.month, places=books.places,
                                              unpriced=made.unpriced), made.add), by=asked["by"])
        if not groups.total.attempts:
            raise PlannerError(f"{books.shown}: no attempt in {books.month.text}; name a month with traffic")
        groups.look(judged_images(books.connection, books.month, by=asked["by"]))
        against = None if forecasts is None else compared(forecasts, books, made=made, stated=stated)
    back = charged_back(groups, None if asked["rate"] is None else Decimal(str(asked["rate"])))
    if asked["csv"] is not None:
        with new_file(asked["csv"], force=asked["force"], option="--csv") as file:
            if not isinstance(against, Compared):
                write_csv(groups, file, month=books.month)
            else:
                write_variance(against.found, file, month=books.month, forecast=against.forecast)
    if asked["as_json"]:
        told = actuals_json(groups, back, month=books.month, by=asked["by"]) | {"cards_without_a_cost": made.unpriced}
        click.echo(json.dumps(told | ({} if against is None else compared_json(against, books.month)), indent=2,
                              ensure_ascii=False))
        return
    console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)
    click.echo("\n".join(map(one_line, head_lines(groups, books.month))))
    console.print(groups_table(groups, asked["by"]))
    console.print()
    console.print(chargeback_table(back))
    click.echo("\n".join(map(one_line, tail_lines(groups, back, unknown=made.unpriced))))
    if against is not None:
        show(against, console, month=books.month)
