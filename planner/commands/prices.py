"""`planner prices`: the age of the price rows, confirmations, and second opinions."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from planner.price_age import RowAge, confirm, row_ages
from planner.price_lists import read_price_list
from planner.second_opinion import Difference, compare
from router.catalog import data_roots
from router.days import asked_day
from router.price_report import plain_usd, rate_json
from router.prices import STALE_AFTER_DAYS, load_prices

__all__ = ["check", "confirm_row", "import_list", "prices"]

_DATA = click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ON = click.option("--on", help="Day to ask about, as in 2026-11-22; today where left out.")
_FILE_COLUMNS = 150


@click.group()
def prices() -> None:
    """Age, confirmation and second opinions of the price tables."""


@prices.command()
@_ON
@_DATA
@_JSON
@click.option("--strict", is_flag=True, help="Exit 1 where a row is stale.")
def check(*, on: str | None, data: Path | None, as_json: bool, strict: bool) -> None:
    """Every row in force by age, the longest unseen first; more than 60 days is stale."""
    ages = row_ages(load_prices(data_roots(data, os.environ)), asked_day(on))
    stale = [age for age in ages if age.stale]
    if as_json:
        click.echo(json.dumps({"stale": len(stale), "rows": [_age_json(age) for age in ages]}, indent=2,
                              ensure_ascii=False))
    else:
        _print_ages(ages)
        click.echo(f"{len(stale)} of {len(ages)} rows not checked for more than {STALE_AFTER_DAYS} days. "
                   "Looked one up? planner prices confirm ROW --on DATE")
    if strict and stale:
        sys.exit(1)


@prices.command(name="confirm")
@click.argument("row")
@click.option("--on", required=True, help="The day you looked, as in 2026-11-22.")
@_DATA
@_JSON
def confirm_row(*, row: str, on: str, data: Path | None, as_json: bool) -> None:
    """Note that ROW was looked up again on a day and is unchanged; a changed price is a new dated row instead."""
    roots = data_roots(data, os.environ)
    path = confirm(roots, row, table=load_prices(roots), on=asked_day(on), today=asked_day(None))
    click.echo(json.dumps({"row": row, "on": on, "file": str(path)}) if as_json else f"{row} confirmed {on} in {path}")


@prices.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@_ON
@_DATA
@_JSON
def import_list(*, file: Path, on: str | None, data: Path | None, as_json: bool) -> None:
    """Second opinions from FILE, row by row: LiteLLM's price JSON, GenAI-prices' data, or a wheel of either."""
    found = compare(load_prices(data_roots(data, os.environ)), read_price_list(file), on=asked_day(on))
    differing = [difference for difference in found if not difference.equal]
    if as_json:
        click.echo(json.dumps({"compared": len(found), "equal": len(found) - len(differing),
                               "differences": [_difference_json(one) for one in differing]}, indent=2,
                              ensure_ascii=False))
        return
    if differing:
        _print_differences(differing)
    click.echo(f"{len(found)} figures compared: {len(found) - len(differing)} equal, {len(differing)} differ. "
               "Nothing was changed.")


def _print_ages(ages: tuple[RowAge, ...]) -> None:
    table = Table("row", "USD", "unit", "seen", "days", "", "source", box=None)
    for age in ages:
        table.add_row(age.row.id, plain_usd(age.row.usd), age.row.unit.replace("_", " "), str(age.checked_on),
                      str(age.age_days), "stale" if age.stale else "", age.row.source)
    _console().print(table, soft_wrap=False)


def _print_differences(differing: list[Difference]) -> None:
    table = Table("their key", "our row", "ours", "theirs", "by", "", box=None)
    for one in differing:
        table.add_row(one.name, one.row or f"{one.model} {one.what}",
                      "" if one.ours_usd is None else plain_usd(one.ours_usd), plain_usd(one.theirs_usd),
                      "" if one.relative is None else f"{one.relative:+.1%}", one.why)
    _console().print(table)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)


def _age_json(age: RowAge) -> dict[str, Any]:
    return {**rate_json(age.row), "checked_on": str(age.checked_on), "age_days": age.age_days, "stale": age.stale}


def _difference_json(one: Difference) -> dict[str, Any]:
    return {"name": one.name, "model": one.model, "what": one.what, "row": one.row or None,
            "ours_usd": None if one.ours_usd is None else plain_usd(one.ours_usd),
            "theirs_usd": plain_usd(one.theirs_usd),
            "relative": None if one.relative is None else round(one.relative, 6), "why": one.why or None}
