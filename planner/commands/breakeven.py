"""`planner breakeven`: the main answer."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress

from planner.answer import Answer, answer
from planner.answer_json import answer_json
from planner.book import open_book
from planner.case import Case
from planner.errors import PlannerError, ScenarioError
from planner.report import print_answer
from planner.scenario_file import find_scenario, load_scenario
from planner.solve import SOLVABLE
from planner.uncertainty import Draws
from router.catalog import table_files
from router.errors import OutOfReach, PriceError

__all__ = ["breakeven"]

_FEWEST_DRAWS, _MOST_DRAWS = 10_000, 2_000_000
_FILE_COLUMNS = 140


class _Asked(TypedDict):
    """The options of the command line."""

    solving: str | None
    settings: tuple[str, ...]
    on: datetime | None
    draws: int
    seed: int
    data: Path | None
    all_options: bool
    as_json: bool


@click.command()
@click.argument("scenario", default="article")
@click.option("--solve", "solving", type=click.Choice(SOLVABLE), help="The value at which both sides cost the same.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="Change a key of the scenario, as in own.cost.usd_per_gpu_h=1.19; printed as stated. Repeatable.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Price on this day (today).")
@click.option("--draws", type=click.IntRange(_FEWEST_DRAWS, _MOST_DRAWS), default=10_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--all-options", is_flag=True, help="List every option, the refused ones with their reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
def breakeven(scenario: str, **asked: Unpack[_Asked]) -> None:
    """Where the image money goes, what would save it, and from which volume own GPUs pay.

    SCENARIO is a TOML file or the name of a shipped one (article, team, like_for_like, h100_always_on, owned_8xh100,
    serverless, business_hours, existing_gpu); planner scenarios shows them side by side.
    """
    book = open_book(asked["data"], os.environ)
    path = find_scenario(scenario, table_files(book.roots, "scenarios/*.toml"))
    day = asked["on"].date() if asked["on"] else datetime.now(tz=UTC).date()
    case = Case(load_scenario(path, settings=[_pair(text) for text in asked["settings"]]), book, day,
                Draws(asked["draws"], asked["seed"]))
    said = _answered(case, path, solving=asked["solving"], quiet=asked["as_json"])
    if asked["as_json"]:
        click.echo(json.dumps(answer_json(said), indent=2))
    else:
        console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)
        print_answer(said, console, all_options=asked["all_options"])


def _answered(case: Case, path: Path, *, solving: str | None, quiet: bool) -> Answer:
    with Progress(transient=True, disable=quiet or not Console(stderr=True).is_terminal,
                  console=Console(stderr=True)) as bar:
        task = bar.add_task("drawing", total=1.0)
        try:
            return answer(case, solving=solving, progress=lambda share: bar.update(task, completed=share))
        except (PriceError, OutOfReach, ScenarioError) as error:
            raise PlannerError(f"{path}: {error}") from None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no '='; write KEY=VALUE", param_hint="--set")
    return key.strip(), value.strip()
