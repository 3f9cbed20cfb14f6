"""`planner accuracy`: how right the plans of the past were."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from planner.actuals.opening import opened_month
from planner.closing.accuracy import accuracy_json, accuracy_lines
from planner.closing.forecasts import forecasts_in
from planner.closing.outcomes import kept_outcomes, month_outcomes
from planner.commands.month_options import data_option, ledger_option, settings_option
from planner.errors import PlannerError
from router.errors import one_line

if TYPE_CHECKING:
    from planner.closing.accuracy import Outcome

__all__ = ["accuracy"]


class _Asked(TypedDict):
    ledger: str | None
    settings: Path | None
    data: Path | None
    as_json: bool


@click.command()
@click.argument("plans", type=click.Path(path_type=Path))
@ledger_option
@settings_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def accuracy(plans: Path, **asked: Unpack[_Asked]) -> None:
    """What approved plans said of every month that is over, beside what it came to, by how far ahead they said it.

    PLANS is a folder of plans. What planner close has kept there is told as it was kept; other months are added up from
    the books.
    """
    forecasts, kept = forecasts_in(plans), kept_outcomes(plans)
    this_month = datetime.now(tz=UTC).strftime("%Y-%m")
    months = sorted({label for one in forecasts if not one.is_draft for label in one.months if label < this_month})
    found: list[Outcome] = []
    for month in months:
        with opened_month(asked["ledger"], month, settings=asked["settings"], data=asked["data"],
                          environ=os.environ) as books:
            found += month_outcomes(books, forecasts, kept=kept)
    if not found:
        raise PlannerError(f"{plans}: no approved plan foresaw a month that is over and in the books; approve plans "
                           "before their first month begins")
    if asked["as_json"]:
        click.echo(json.dumps(accuracy_json(found), indent=2))
        return
    click.echo("\n".join(map(one_line, accuracy_lines(found))))
