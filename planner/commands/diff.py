"""`planner diff`: what changes between two scenarios, and what each change does to the sum of the months."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from planner.book import open_book
from planner.case import Case
from planner.errors import PlannerError
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files
from router.errors import OutOfReach, PriceError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan.waterfall import Waterfall

__all__ = ["diff"]

_WORLDS = 100  # the sum of the months is the plan's own; worlds are not told here


class _Asked(TypedDict):
    months: int
    first: str | None
    on: datetime | None
    data: Path | None
    as_json: bool


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--months", type=click.IntRange(1, 60), default=12, show_default=True, help="Months of both plans.")
@click.option("--from", "first", metavar="YYYY-MM", help="First month (the next one).")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day both are made (today).")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(before: str, after: str, **asked: Unpack[_Asked]) -> None:
    """From the plan of BEFORE to the plan of AFTER, step by step; the steps add up to the micro-dollar.

    Each part of the scenario that differs is laid over in a fixed order and everything is planned anew.
    """
    from planner.plan.months import next_month  # noqa: PLC0415 (numpy is loaded by what computes)
    from planner.plan.waterfall import waterfall  # noqa: PLC0415 (as above)

    book = open_book(asked["data"], os.environ)
    day = asked["on"].date() if asked["on"] else datetime.now(tz=UTC).date()
    cases = [Case(load_scenario(find_scenario(name, table_files(book.roots, "scenarios/*.toml"))), book, day,
                  Draws(_WORLDS, 1)) for name in (before, after)]
    try:
        found = waterfall(cases[0], cases[1], first=next_month(asked["first"], day), count=asked["months"])
    except (PriceError, OutOfReach) as error:
        raise PlannerError(f"{before} to {after}: {error}") from None
    if asked["as_json"]:
        click.echo(json.dumps({"before_usd": f"{found.before_usd:f}", "after_usd": f"{found.after_usd:f}", "steps": [
            {"part": step.part, "keys": list(step.keys), "usd": f"{step.usd:f}"} for step in found.steps]}, indent=2))
        return
    click.echo("\n".join(map(one_line, _lines(found, before, after))))


def _lines(found: Waterfall, before: str, after: str) -> Iterator[str]:
    yield f"{before:30}{found.before_usd:>20,.6f}"
    for step in found.steps:
        yield f"  {step.part:28}{step.usd:>+20,.6f}"
        yield from (f"      {key}" for key in step.keys)
    yield f"{after:30}{found.after_usd:>20,.6f}"
