"""The `planner` command."""

from __future__ import annotations

import io
import os
import sys

import click

from router.errors import RouterError, one_line

from .errors import PlannerError
from .lazy import LazyGroup

__all__ = ["main", "planner"]

planner = LazyGroup(
    "planner",
    commands_at={
        "breakeven": ("planner.commands.breakeven:breakeven",
                      "Where the money goes, what would save it, from which volume own GPUs pay."),
        "scenarios": ("planner.commands.scenarios:scenarios", "The shipped scenarios side by side."),
        "price": ("planner.commands.price:price", "The exact price of a hosted image on a day."),
        "prices": ("planner.commands.prices:prices", "Age, confirmation and second opinions of the price tables."),
        "throughput": ("planner.commands.throughput:throughput", "Seconds per image on a GPU, with an interval."),
        "models": ("planner.commands.lists:models", "Models: licence, sizes, text, architecture."),
        "gpus": ("planner.commands.lists:gpus", "GPUs: memory, rates, rents."),
        "engines": ("planner.commands.lists:engines", "Engines and precisions the measurements know."),
        "claims": ("planner.commands.claims:claims", "The article's claims with our verdicts and evidence."),
    },
    help="Which images should GPT Image 2 make, which a hosted Flux 2, which our own GPUs, and what does that cost?",
)


def main() -> None:
    """Run `planner`: exit 0 on an answer, 2 on a question that cannot be answered, with one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        planner.main(prog_name="planner", standalone_mode=False)
    except (RouterError, PlannerError) as error:
        click.echo(one_line(f"planner: {error}"), err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(one_line(f"{_path(error)}: {error.format_message()}"), err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("planner: stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _path(error: click.ClickException) -> str:
    """The command that was asked, as in `planner price`, so that its help can be found."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "planner"
