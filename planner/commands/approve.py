"""`planner approve` and `planner freeze`: who stands behind a plan, and that nothing of it has changed since."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.plan.folder import advance
from router.errors import one_line

if TYPE_CHECKING:
    from planner.plan.folder import State

__all__ = ["approve", "freeze"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Who approves it.")
def approve(folder: Path, by: str) -> None:
    """Approve the draft in FOLDER, if every file is what the plan wrote."""
    _advance(folder, "approved", by=by)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Who freezes it.")
def freeze(folder: Path, by: str) -> None:
    """Freeze the approved plan in FOLDER: what a year is held against."""
    _advance(folder, "frozen", by=by)


def _advance(folder: Path, to: State, *, by: str) -> None:
    last = advance(folder, to, by=by, at=datetime.now(tz=UTC))["history"][-1]
    click.echo(one_line(f"{folder}: {to} by {last['by']} at {last['at']}"))
