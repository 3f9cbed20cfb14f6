"""How a command ends: an answer, one line for what cannot be answered, or quietly when nobody reads on."""

from __future__ import annotations

import io
import os
import sys

import click

from .errors import one_line

__all__ = ["run_command"]


def run_command(command: click.Command, name: str, *, refusals: tuple[type[Exception], ...]) -> None:
    """Run a command line: exit 0 on an answer, 2 with one line on stderr on a question that cannot be answered.

    Args:
        command: the group to run.
        name: what it is called, as in `planner`.
        refusals: the errors that are answers to a person.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        command.main(prog_name=name, standalone_mode=False)
    except refusals as error:
        click.echo(one_line(f"{name}: {error}"), err=True)
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        asked = context.command_path if context is not None else name
        click.echo(one_line(f"{asked}: {error.format_message()}"), err=True)
        sys.exit(2)
    except click.Abort:
        click.echo(f"{name}: stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
