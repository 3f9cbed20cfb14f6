"""`planner mix`: own cards, hosted overflow, or both."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003 (click reads the hints)
from pathlib import Path
from typing import TypedDict, Unpack

import click

from planner.commands.asking import asked_case, key_value, names_in, working
from planner.uncertainty import Draws
from router.errors import one_line

__all__ = ["mix"]


class _Asked(TypedDict):
    settings: tuple[str, ...]
    vendors: str
    ahead: float
    on: datetime | None
    seed: int
    data: Path | None
    policy_out: Path | None
    settings_out: Path | None
    trace_out: Path | None
    force: bool
    check: bool
    as_json: bool


@click.command()
@click.argument("scenario", default="team")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the scenario. Repeatable.")
@click.option("--vendors", default="", help="Hosted accounts, as in openai,bfl,fal; the usual ones and today's.")
@click.option("--ahead", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Months of growth.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Price on this day (today).")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the drawn months.")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--write-policy", "policy_out", type=click.Path(path_type=Path), help="Write the best way's policy.toml.")
@click.option("--write-settings", "settings_out", type=click.Path(path_type=Path), help="Write its router.toml.")
@click.option("--write-trace", "trace_out", type=click.Path(path_type=Path), help="Write the first drawn month as CSV.")
@click.option("--force", is_flag=True, help="Overwrite these files.")
@click.option("--check", is_flag=True, help="Replay the first drawn month through the router under the plan's policy.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
def mix(scenario: str, **asked: Unpack[_Asked]) -> None:
    """What to run: how many cards in which hours, how much overflow to hosted accounts, and what decides it.

    SCENARIO is a TOML file or the name of a shipped one. Months of its demand are drawn and sent through own cards and
    overflow as the router would send them.
    """
    path, case = asked_case(scenario, Draws(10_000, 1), on=asked["on"], data=asked["data"],
                            settings=[key_value(text) for text in asked["settings"]])
    from planner.mix.answer import best_mix  # noqa: PLC0415 (numpy is loaded by what computes)

    with working("drawing and serving", path, quiet=asked["as_json"]) as told:
        made = best_mix(case, vendors=names_in(asked["vendors"]), ahead_months=asked["ahead"], seed=asked["seed"],
                        told=told)
    from planner.mix.files import policy_text, replayed_month, settings_text, trace_text, write_new  # noqa: PLC0415
    from planner.mix.report import check_json, check_lines, mix_json, mix_lines  # noqa: PLC0415 (--help stays fast)

    for out, text in ((asked["policy_out"], policy_text), (asked["settings_out"], settings_text)):
        if out is not None:
            write_new(out, text(made, made.best), force=asked["force"])
    if asked["trace_out"] is not None:
        write_new(asked["trace_out"], trace_text(made), force=asked["force"])
    replayed = replayed_month(made, made.best) if asked["check"] else None
    if asked["as_json"]:
        click.echo(json.dumps(mix_json(made) | ({"check": check_json(made, replayed)} if replayed else {}), indent=2))
        return
    click.echo("\n".join(map(one_line, mix_lines(made))))
    if replayed is not None:
        click.echo("\n".join(check_lines(made, replayed)))

