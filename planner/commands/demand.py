"""`planner demand`: what a trace of requests is like."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from planner.lazy import LazyGroup
from router.errors import one_line

if TYPE_CHECKING:
    from planner.demand import Demand
    from planner.past import Past

__all__ = ["demand", "fit"]

_COMMANDS = {
    "fit": ("planner.commands.demand:fit", "What a trace of requests is like: volume, hours, bursts, growth."),
    "import": ("planner.commands.demand_import:import_bill",
               "Demand and today's cost from usage and spend exports."),
}
demand = LazyGroup("demand", commands_at=_COMMANDS, help="What traffic is like, from a trace or a bill of it.")


class _Asked(TypedDict):
    write_scenario: Path | None
    force: bool
    on: datetime | None
    data: Path | None
    as_json: bool


@click.command()
@click.argument("source", metavar="TRACE_OR_LEDGER")
@click.option("--write-scenario", type=click.Path(path_type=Path),
              help="Write a scenario of this shape and volume, a segment each, for planner mix.")
@click.option("--force", is_flag=True, help="Overwrite it.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="With --write-scenario: day of the prices (today).")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fit(source: str, **asked: Unpack[_Asked]) -> None:
    """What TRACE_OR_LEDGER is like: volume, segments, hours, bursts, growth.

    It is a CSV or Parquet file with arrived_at (ISO 8601, UTC) and whatever else is known of a request (n, width,
    height, size, segment, quality, operation, model, service_s: GPU-seconds of the whole request), or the address of
    the router's books, as in sqlite:///breakeven.sqlite.
    """
    from planner.demand import fit_demand  # noqa: PLC0415 (numpy is loaded by what computes)
    from planner.demand_report import demand_lines, parts_json  # noqa: PLC0415 (as above)
    from planner.past import read_past  # noqa: PLC0415 (as above)

    past = read_past(source)
    found = fit_demand(past.trace, source=past.source)
    if asked["write_scenario"] is not None:
        _write(asked["write_scenario"], past, found, asked)
    if asked["as_json"]:
        click.echo(json.dumps({"source": past.source, "content_sha256": past.digest} | asdict(found) | parts_json(past),
                              indent=2, allow_nan=False))
        return
    click.echo("\n".join(map(one_line, demand_lines(past, found))))
    if asked["write_scenario"] is not None:
        click.echo(one_line(f"written: {asked['write_scenario']}; next: planner mix {asked['write_scenario']}"))


def _write(path: Path, past: Past, found: Demand, asked: _Asked) -> None:
    from planner.book import open_book  # noqa: PLC0415 (as above)
    from planner.demand_scenario import demand_scenario  # noqa: PLC0415 (as above)
    from planner.mix.files import write_new  # noqa: PLC0415 (as above)

    on = asked["on"].date() if asked["on"] else datetime.now(tz=UTC).date()
    text = demand_scenario(past, found, prices=open_book(asked["data"], os.environ).prices, on=on)
    write_new(path, text, force=asked["force"])
