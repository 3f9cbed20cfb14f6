"""`planner plan`: a scenario month by month, with everything finance takes away."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 (click reads the hints)
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from planner.commands.asking import asked_case, key_value, names_in, working
from planner.uncertainty import Draws
from router.errors import one_line

if TYPE_CHECKING:
    from planner.case import Case
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
    path, case = asked_case(scenario, Draws(asked["draws"], asked["seed"]), on=asked["on"], data=asked["data"],
                            settings=[key_value(text) for text in asked["settings"]])
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


def _made(case: Case, path: Path, asked: _Asked) -> Plan:
    from planner.plan.monthly import monthly_plan  # noqa: PLC0415 (as above)
    from planner.plan.months import next_month  # noqa: PLC0415 (as above)

    with working("planning", path, quiet=asked["as_json"]) as told:
        return monthly_plan(case, first=next_month(asked["first"], case.on), count=asked["months"],
                            vendors=names_in(asked["vendors"]), seed=asked["seed"], told=told)
