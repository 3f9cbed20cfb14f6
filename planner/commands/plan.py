"""`planner plan`: a scenario month by month, with everything finance takes away."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress

from planner.book import open_book
from planner.case import Case
from planner.errors import PlannerError
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files
from router.errors import OutOfReach, PriceError, one_line

if TYPE_CHECKING:
    from planner.plan.monthly import Plan

__all__ = ["plan"]

_MOST_MONTHS = 60


class _Asked(TypedDict):
    months: int
    first: str | None
    out: Path | None
    settings: tuple[str, ...]
    vendors: str
    on: datetime | None
    from_ledger: str | None
    last_months: int
    draws: int
    seed: int
    data: Path | None
    force: bool
    as_json: bool


@click.command()
@click.argument("scenario", default="team")
@click.option("--months", type=click.IntRange(1, _MOST_MONTHS), default=12, show_default=True, help="Months to plan.")
@click.option("--from", "first", metavar="YYYY-MM", help="First month (the next one).")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the plan's files; made where it is missing.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the scenario. Repeatable.")
@click.option("--vendors", default="", help="Hosted accounts, as in openai,bfl,fal; the usual ones and today's.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day the plan is made (today).")
@click.option("--from-ledger", metavar="URL", help="Start from what these books say of the last whole months.")
@click.option("--last-months", type=click.IntRange(1, 24), default=3, show_default=True, help="With --from-ledger.")
@click.option("--draws", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True, help="Worlds drawn.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the worlds and the traffic.")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--force", is_flag=True, help="Overwrite a plan in --out that is still a draft.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as JSON.")
def plan(scenario: str, **asked: Unpack[_Asked]) -> None:
    """What a scenario costs month by month, how sure that is, and what it commits to.

    SCENARIO is a TOML file or the name of a shipped one. Every month is priced on its first day and made as the router
    would make it; --out writes the files that finance takes away.
    """
    from planner.closing.starting import starting_from, write_started  # noqa: PLC0415 (as below)
    from planner.plan.document import plan_json  # noqa: PLC0415 (numpy is loaded by what computes)
    from planner.plan.files import write_plan  # noqa: PLC0415 (as above)
    from planner.plan.folder import refuse_taken  # noqa: PLC0415 (as above)
    from planner.plan.report import plan_lines  # noqa: PLC0415 (as above)

    if asked["out"] is not None:
        refuse_taken(asked["out"], force=asked["force"])
    path, case = _case(scenario, asked)
    started = None if asked["from_ledger"] is None else starting_from(case, asked["from_ledger"],
                                                                      count=asked["last_months"])
    made = _made(case if started is None else case.changed(started.scenario), path, asked)
    written: tuple[Path, ...] = ()
    if asked["out"] is not None and started is not None:
        written = write_started(made, started, folder=asked["out"], force=asked["force"])
    elif asked["out"] is not None:
        written = write_plan(made, path, folder=asked["out"], force=asked["force"])
    if asked["as_json"]:
        told = {} if started is None else {"from_ledger": started.as_json()}
        click.echo(json.dumps(plan_json(made) | told | {"written": [str(one) for one in written]}, indent=2))
        return
    click.echo("\n".join(map(one_line, (*plan_lines(made), *(() if started is None else started.lines())))))
    if written:
        click.echo(f"Written to {asked['out']}: {', '.join(one.name for one in written)}")


def _case(scenario: str, asked: _Asked) -> tuple[Path, Case]:
    book = open_book(asked["data"], os.environ)
    path = find_scenario(scenario, table_files(book.roots, "scenarios/*.toml"))
    day = asked["on"].date() if asked["on"] else datetime.now(tz=UTC).date()
    loaded = load_scenario(path, settings=[_pair(text) for text in asked["settings"]])
    return path, Case(loaded, book, day, Draws(asked["draws"], asked["seed"]))


def _made(case: Case, path: Path, asked: _Asked) -> Plan:
    from planner.plan.monthly import monthly_plan  # noqa: PLC0415 (as above)
    from planner.plan.months import next_month  # noqa: PLC0415 (as above)

    console = Console(stderr=True)
    vendors = [name.strip() for name in asked["vendors"].split(",") if name.strip()]
    with Progress(transient=True, disable=asked["as_json"] or not console.is_terminal, console=console) as bar:
        task = bar.add_task("planning", total=1.0)
        try:
            return monthly_plan(case, first=next_month(asked["first"], case.on), count=asked["months"], vendors=vendors,
                                seed=asked["seed"], told=lambda share: bar.update(task, completed=share))
        except (PriceError, OutOfReach) as error:
            raise PlannerError(f"{path}: {error}") from None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no '='; write KEY=VALUE", param_hint="--set")
    return key.strip(), value.strip()
