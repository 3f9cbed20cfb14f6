"""`router ledger`: what finance and the keeper of the books need of them, without the server."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .errors import LedgerError
from .ledger.audit import check as problems_of
from .ledger.export import export_rows, write_export
from .ledger.open import open_books
from .ledger.pruning import prune as prune_books
from .ledger.rollups import month_totals, roll_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .ledger.books import Books
    from .ledger.values import MonthTotal

__all__ = ["check", "export", "ledger", "prune", "rollup", "totals"]

_MICRO = 1_000_000
_where = click.option("--ledger", "url", envvar="BREAKEVEN_LEDGER", show_envvar=True, show_default=True,
                      default="sqlite:///breakeven.sqlite",
                      help="As in sqlite:////var/lib/breakeven/ledger.db or postgresql://user@host/name.")
_month = click.option("--month", required=True, help="As in 2026-11.")


@click.group()
def ledger() -> None:
    """The books: every attempt and what it cost."""


@contextmanager
def _opened(url: str) -> Iterator[Books]:
    books = open_books(url, create=False)
    try:
        yield books
    finally:
        books.dispose()


@ledger.command()
@_where
@_month
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True,
              help="jsonl keeps every text as it is; csv is safe to open in a spreadsheet.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; left out, the terminal.")
def export(url: str, *, month: str, kind: Literal["csv", "jsonl"], output: Path | None) -> None:
    """Every attempt of a month with its request, oldest first, every column."""
    with _opened(url) as books:
        rows = export_rows(books, month)
        if output is None:
            write_export(rows, sys.stdout, kind=kind)
            return
        try:
            with output.open("w", encoding="utf-8", newline="") as file:
                count = write_export(rows, file, kind=kind)
        except OSError as error:
            raise LedgerError(f"{output}: {error.strerror}; name a file that can be written") from error
    click.echo(f"{count:,} attempts in {output}", err=True)


@ledger.command()
@_where
@_month
@click.option("--json", "as_json", is_flag=True, help="Print JSON; money in whole micro-dollars.")
def totals(url: str, *, month: str, as_json: bool) -> None:
    """The sums of a month by tenant, segment, model, quality and backend."""
    with _opened(url) as books:
        found = month_totals(books, month)
    if as_json:
        click.echo(json.dumps([asdict(total) for total in found], indent=2, ensure_ascii=False))
        return
    for total in found:
        click.echo(_line(total))
    click.echo(f"{month}: {sum(total.images for total in found):,} images, "
               f"${Decimal(sum(total.settled_micro_usd for total in found)) / _MICRO:,.2f}")


def _line(total: MonthTotal) -> str:
    where = " / ".join(filter(None, (total.tenant or "no tenant", total.segment, total.model, total.quality,
                                     total.backend or "sent nowhere")))
    return (f"{where}: {total.requests:,} requests, {total.images:,} images, {total.failures:,} failures, "
            f"${Decimal(total.settled_micro_usd) / _MICRO:,.6f}")


@ledger.command()
@_where
def check(url: str) -> None:
    """Do the books agree with themselves? Exit 1 where they do not."""
    with _opened(url) as books:
        problems = problems_of(books)
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    click.echo("the books agree: every budget equals the sum of its attempts")


@ledger.command()
@_where
@click.option("--keep-days", type=click.IntRange(min=1), required=True,
              help="Months that ended longer ago lose their rows, if they are rolled up.")
def prune(url: str, *, keep_days: int) -> None:
    """Delete the rows of old months; their sums stay."""
    with _opened(url) as books:
        told = prune_books(books, datetime.now(tz=UTC) - timedelta(days=keep_days))
    for month, what in told.items():
        click.echo(f"{month}: {what}")
    if not told:
        click.echo("nothing is that old")


@ledger.command()
@_where
@_month
def rollup(url: str, *, month: str) -> None:
    """Keep the sums of a month, so that they are read at once and its rows may be pruned."""
    with _opened(url) as books:
        count = roll_up(books, month)
    click.echo(f"{month}: {count:,} sums kept")
