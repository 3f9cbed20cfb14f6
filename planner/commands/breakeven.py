"""`planner breakeven`: the main answer."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 (click reads the hints)
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console

from planner.answer import answer
from planner.answer_json import answer_json
from planner.commands.asking import asked_case, key_value, working
from planner.errors import ScenarioError
from planner.report import print_answer
from planner.solve import SOLVABLE
from planner.uncertainty import Draws

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
    path, case = asked_case(scenario, Draws(asked["draws"], asked["seed"]), on=asked["on"], data=asked["data"],
                            settings=[key_value(text) for text in asked["settings"]])
    with working("drawing", path, quiet=asked["as_json"], also=(ScenarioError,)) as told:
        said = answer(case, solving=asked["solving"], progress=told)
    if asked["as_json"]:
        click.echo(json.dumps(answer_json(said), indent=2))
    else:
        console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)
        print_answer(said, console, all_options=asked["all_options"])

