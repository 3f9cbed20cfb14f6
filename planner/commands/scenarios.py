"""`planner scenarios`: the shipped scenarios side by side, each answered in one line."""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from planner.answer import answer
from planner.book import open_book
from planner.case import Case
from planner.scenario_file import load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files

if TYPE_CHECKING:
    from planner.answer import Answer

__all__ = ["scenarios"]

_FILE_COLUMNS = 160


@click.command()
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Price on this day (today).")
@click.option("--draws", type=click.IntRange(10_000, 2_000_000), default=10_000, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def scenarios(*, on: datetime | None, draws: int, data: Path | None, as_json: bool) -> None:
    """The shipped scenarios side by side: what own GPUs replace, from which volume they pay, and what wins."""
    book, day = open_book(data, os.environ), (on or datetime.now(tz=UTC)).date()
    paths = table_files(book.roots, "scenarios/*.toml")
    errors = Console(stderr=True)
    rows = [_row(path, answer(Case(load_scenario(path), book, day, Draws(draws, 1))))
            for path in track(paths, "answering", console=errors, transient=True, disable=not errors.is_terminal)]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table("scenario", "own GPUs replace", "USD each", "pay from", "durably from", "asked at", "cheapest there",
                  box=None)
    for row in rows:
        table.add_row(row["scenario"], row["replaces"], f"{row['usd_per_image_replaced']:.4f}",
                      _volume(row["first_crossing"], row["binding"]), _volume(row["durable_crossing"], None),
                      f"{row['images_per_month']:,.0f}", row["cheapest"])
    Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False).print(table)


def _row(path: Path, said: Answer) -> dict[str, Any]:
    own = said.own
    taken = [rung for rung in said.rungs if rung.taken]
    cheapest = min(taken, key=lambda rung: rung.usd_per_year)
    return {
        "scenario": path.stem, "name": said.case.scenario.name,
        "replaces": own.main.against.says.partition(": ")[2] if own else "nothing may move",
        "usd_per_image_replaced": own.main.against.usd_per_image if own else 0.0,
        "first_crossing": _finite(own.main.first) if own else None,
        "durable_crossing": _finite(own.main.durable) if own else None,
        "binding": said.binding or None,
        "images_per_month": said.displaceable_images, "cheapest": cheapest.name,
        "usd_per_year": cheapest.usd_per_year, "verdict": said.verdict}


def _finite(images: float) -> float | None:
    return images if math.isfinite(images) else None


def _volume(images: float | None, binding: str | None) -> str:
    return f"{images:,.0f}" if images is not None else f"never ({binding})" if binding else "never"
