"""`planner demand import`: usage and spend exports as demand, and as today's cost."""

from __future__ import annotations

import json
import os
from datetime import datetime  # noqa: TC003 (click reads the hints)
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click
from rich.console import Console

from planner.bills.arrivals import arrivals_label, trace_lines
from planner.bills.counting import count_events
from planner.bills.exports import AUTO, FORMATS, events_of_file, events_of_ledger, unlike_files
from planner.bills.pricing import Guess, priced_lines, unclaimed_usd
from planner.bills.report import head_lines, lines_table, statement_json, tail_lines
from planner.bills.scenario_text import scenario_text
from planner.bills.statement import day_of, state
from planner.errors import PlannerError
from router.catalog import data_roots
from router.errors import one_line
from router.price_checks import asked_size
from router.prices import load_prices

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from planner.bills.statement import Statement
    from planner.bills.tally import Tally

__all__ = ["import_bill"]

_FILE_COLUMNS = 140


class _Asked(TypedDict):
    """The options of the command line."""

    told: str
    ledger: str | None
    size: str
    quality: str | None
    on: datetime | None
    data: Path | None
    seed: int
    write_trace: Path | None
    write_scenario: Path | None
    force: bool
    as_json: bool


@click.command(name="import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "told", type=click.Choice(FORMATS), default=AUTO, show_default=True,
              help="What the files are; found from what they hold.")
@click.option("--ledger", metavar="URL", help="The router's own books too, as in sqlite:///ledger.db; only read.")
@click.option("--size", default="1024x1024", show_default=True, help="Where an export does not say.")
@click.option("--quality", help="Where an export does not say (the nearest to the cost, or medium).")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of our price table (the last day covered).")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the trace's arrivals.")
@click.option("--write-trace", type=click.Path(path_type=Path), help="Write the requests as a trace in CSV.")
@click.option("--write-scenario", type=click.Path(path_type=Path), help="Write a scenario for planner breakeven.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_bill(files: tuple[Path, ...], **asked: Unpack[_Asked]) -> None:
    """Demand and today's cost from FILES: usage and spend exports as they were downloaded, any number of them.

    OpenAI's usage and costs (JSON pages or the dashboard's CSV), LiteLLM's spend logs, BFL, fal, Replicate, and the
    router's own books. Nothing is sent anywhere. docs/bills.md lists what is read of each.
    """
    if not files and not asked["ledger"]:
        raise click.UsageError("nothing to read; give export files, or --ledger URL")
    _check_outputs(files, asked)
    guess = Guess(asked_size(asked["size"]), asked["quality"])
    table = load_prices(data_roots(asked["data"], os.environ))
    told, again = _counted(files, asked)
    on = asked["on"].date() if asked["on"] else _last_day(told)
    lines = priced_lines(told, table, on=on, guess=guess)
    said = state(told, lines, on=on, unclaimed=unclaimed_usd(told, lines, table=table))
    written = _write(said, asked)
    if asked["as_json"]:
        found = statement_json(said) | {"same_files": [*map(str, again)], "written": written}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)
    click.echo("\n".join(map(one_line, head_lines(said))))
    if said.lines:
        console.print(lines_table(said))
    click.echo("\n".join(map(one_line, [*tail_lines(said), *(f"note: {path} is another file again; read once"
                                                             for path in again), *written])))


def _counted(files: tuple[Path, ...], asked: _Asked) -> tuple[Tally, list[Path]]:
    paths, again = unlike_files(files)
    exports = [(str(path), events_of_file(path, asked["told"])) for path in paths]
    if asked["ledger"]:
        exports.append(("ledger", events_of_ledger(asked["ledger"])))
    told = count_events(exports, keep_uses=asked["write_trace"] is not None)
    if not told.kinds and not told.charges:
        passed = "; ".join(f"{times:,} {why}" for (_, why), times in sorted(told.passed.items()))
        raise PlannerError(f"{', '.join(map(str, files)) or 'ledger'}: no image and no cost of one in it"
                           f"{f' ({passed})' if passed else ''}; give an export of days with images")
    return told, again


def _last_day(told: Tally) -> date:
    return max(day_of(covered)[1] for covered in told.covered.values())


def _check_outputs(files: tuple[Path, ...], asked: _Asked) -> None:
    """Refuse to write over a file before anything is read."""
    outputs = {name: path for name, path in (("--write-trace", asked["write_trace"]),
                                             ("--write-scenario", asked["write_scenario"])) if path is not None}
    inputs = {path.resolve() for path in files}
    if len({path.resolve() for path in outputs.values()}) < len(outputs):
        raise PlannerError("--write-trace and --write-scenario name the same file; give two")
    for name, path in outputs.items():
        if path.resolve() in inputs:
            raise PlannerError(f"{name} = {str(path)!r}: an export that is read; write somewhere else")
        if path.exists() and not asked["force"]:
            raise PlannerError(f"{name} = {str(path)!r}: it is there already; write somewhere else, or give --force")
        if not path.parent.is_dir():
            raise PlannerError(f"{name} = {str(path)!r}: the folder {path.parent} is not there; make it first")


def _write(said: Statement, asked: _Asked) -> list[str]:
    """Write what is asked for, all of it made before the first byte is written; what is to be told of it."""
    made: list[tuple[Path, Iterable[str], str]] = []
    if asked["write_scenario"] is not None:
        path = asked["write_scenario"]
        made.append((path, [scenario_text(said)], f"written: {path}; next: planner breakeven {path}"))
    if asked["write_trace"] is not None:
        path = asked["write_trace"]
        label = arrivals_label(said.told.uses, seed=asked["seed"])
        made.append((path, trace_lines(said.told.uses, said.lines, seed=asked["seed"]),
                     f"written: {path}; {label}; service times are in no export"))
    for path, text, _ in made:
        try:
            with path.open("w" if asked["force"] else "x", encoding="utf-8", newline="") as file:
                file.writelines(text)
        except OSError as error:
            raise PlannerError(f"{path}: cannot be written ({error.strerror}); write somewhere else") from None
    return [told for _, _, told in made]
