"""A month compared with the plan that was in force, where one was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from router.errors import one_line

from .forecasts import in_force, why_none
from .made import judged_work
from .variance import variance
from .variance_report import parts_table, plan_line, sides_table, variance_json, variance_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from planner.actuals.month import Month
    from planner.actuals.opening import MonthsBooks

    from .forecasts import Forecast
    from .made import MadeMonth
    from .variance import Variance

__all__ = ["Compared", "NoPlan", "compared", "compared_json", "show"]


@dataclass(frozen=True)
class Compared:
    """A month against a plan."""

    forecast: Forecast
    found: Variance


@dataclass(frozen=True)
class NoPlan:
    """No plan was in force, and why."""

    why: str


def compared(forecasts: Sequence[Forecast], books: MonthsBooks, *, made: MadeMonth,
             stated: Mapping[str, int]) -> Compared | NoPlan:
    """The month against the newest approved plan that was made before it began.

    Args:
        forecasts: all that were made.
        books: of the month.
        made: what it made.
        stated: bills that the books do not hold, by kind.
    """
    month = books.month
    forecast = in_force(forecasts, month)
    if forecast is None:
        return NoPlan(why_none(forecasts, month))
    looked = made.looked(judged_work(books.connection, month.begin, end=month.end))
    return Compared(forecast, variance(forecast.months[month.text], made, looked=looked, stated=stated))


def compared_json(against: Compared | NoPlan, month: Month) -> dict[str, Any]:
    """The variance, or that there is none and why."""
    if isinstance(against, NoPlan):
        return {"variance": None, "no_plan_in_force": against.why}
    return {"variance": variance_json(against.found, against.forecast, month=month)}


def show(against: Compared | NoPlan, console: Console, *, month: Month) -> None:
    """For a terminal."""
    click.echo()
    if isinstance(against, NoPlan):
        click.echo(f"no plan was in force: {against.why}; a plan counts once it is approved")
        return
    click.echo(one_line(plan_line(against.forecast, month)))
    console.print(sides_table(against.found))
    console.print()
    console.print(parts_table(against.found))
    click.echo("\n".join(map(one_line, variance_notes(against.found))))
