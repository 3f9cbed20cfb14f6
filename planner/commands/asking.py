"""What commands that answer for a scenario share: the case they ask about, and the bar they show while they work."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from planner.book import open_book
from planner.case import Case
from planner.errors import PlannerError
from planner.scenario_file import find_scenario, load_scenario
from router.catalog import table_files
from router.errors import OutOfReach, PriceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from planner.uncertainty import Draws

__all__ = ["asked_case", "key_value", "names_in", "working"]


def asked_case(scenario: str, draws: Draws, *, settings: Sequence[tuple[str, str]], on: datetime | None,
               data: Path | None) -> tuple[Path, Case]:
    """The file a scenario is meant by, and the question about it.

    Args:
        scenario: a TOML file or the name of a shipped one.
        draws: how many worlds, and from which seed.
        settings: keys that are changed, with their values as TOML.
        on: the day of the prices; today where left out.
        data: overlay folder of tables.
    """
    book = open_book(data, os.environ)
    path = find_scenario(scenario, table_files(book.roots, "scenarios/*.toml"))
    day = on.date() if on else datetime.now(tz=UTC).date()
    return path, Case(load_scenario(path, settings=settings), book, day, draws)


@contextmanager
def working(word: str, path: Path, *, quiet: bool, also: tuple[type[Exception], ...] = ()) -> (
        Iterator[Callable[[float], None]]):
    """A bar on stderr that hears the share that is done; prices and timings that are out of reach name the scenario.

    Args:
        word: what is being done.
        path: the scenario's file.
        quiet: show no bar.
        also: other errors that are to name it.

    Raises:
        PlannerError: what could not be priced or timed.
    """
    console = Console(stderr=True)
    named: tuple[type[Exception], ...] = (PriceError, OutOfReach, *also)
    with Progress(transient=True, disable=quiet or not console.is_terminal, console=console) as bar:
        task = bar.add_task(word, total=1.0)
        try:
            yield lambda share: bar.update(task, completed=share)
        except named as error:
            raise PlannerError(f"{path}: {error}") from None


def key_value(text: str) -> tuple[str, str]:
    """A `--set KEY=VALUE` in its two halves."""
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no '='; write KEY=VALUE", param_hint="--set")
    return key.strip(), value.strip()


def names_in(text: str) -> list[str]:
    """Names between commas, as in `openai,bfl,fal`."""
    return [name.strip() for name in text.split(",") if name.strip()]
