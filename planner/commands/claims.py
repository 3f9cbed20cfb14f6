"""`planner claims`: the article's claims with our verdicts and evidence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.claims import Claims, load_claims, verdict_counts
from router.catalog import data_roots

__all__ = ["claims"]

_COLOURS = {"true": "green", "true-under-conditions": "cyan", "partly-true": "yellow", "not-supported": "magenta",
            "false": "red"}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def claims(*, data: Path | None, as_json: bool) -> None:
    """The article's claims, our verdict on each, the evidence, and what the product does about it."""
    loaded = load_claims(data_roots(data, os.environ))
    if as_json:
        click.echo(json.dumps(loaded.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _print(loaded)


def _print(loaded: Claims) -> None:
    title = escape(f"{loaded.article}, reviewed {loaded.reviewed_on}")
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("The article says, our verdict", ratio=2)
    table.add_column("What we found, what the product does", ratio=3)
    for claim in loaded.claim:
        colour = _COLOURS[claim.verdict]
        table.add_row(f"{escape(claim.says)}\n[bold {colour}]{_words(claim.verdict)}[/]",
                      f"{escape(claim.evidence)}\n[dim]→[/] {escape(claim.product)}")
    console = Console()
    console.print(table)
    counted = ", ".join(f"{count} {_words(verdict)}" for verdict, count in verdict_counts(loaded).items())
    console.print(f"{len(loaded.claim)} claims: {counted}. Sources and their days: --json.")


def _words(verdict: str) -> str:
    return verdict.replace("-", " ")
