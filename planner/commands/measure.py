"""`planner measure`: seconds and joules per image of a pipeline here, of a running server, or of others' files."""

from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click
from rich.console import Console

from planner.errors import PlannerError
from router.catalog import data_roots
from router.worker.flags import loading_of, loading_options

if TYPE_CHECKING:
    from planner.measure.session import Session

__all__ = ["measure"]

_OWN_FOLDER = Path("breakeven-data")
_LIBRARIES = ("torch", "diffusers", "transformers")


class _Asked(TypedDict):
    pipeline: str | None
    endpoint: str | None
    sizes: str
    steps: str | None
    batch: str
    references: int
    repeat: int
    out: Path | None
    data: Path | None
    card: int | None
    force: bool
    as_json: bool


@click.group(invoke_without_command=True)
@click.option("--pipeline", help="An id of the hub or a folder; with --random-weights the id of a card.")
@click.option("--endpoint", metavar="URL", help="A running server of OpenAI's Images API, as in http://gpu:8091/v1.")
@click.option("--sizes", default="1024x1024", show_default=True, help="WIDTHxHEIGHT, parted by commas.")
@click.option("--steps", help="Denoising steps, parted by commas; the model's own where left out.")
@click.option("--batch", default="1", show_default=True, help="Images made together, parted by commas.")
@click.option("--references", type=click.IntRange(0, 10), default=0, show_default=True, help="Of an edit.")
@click.option("--repeat", type=click.IntRange(1, 999), default=10, show_default=True, help="Timed batches of each.")
@click.option("--out", type=click.Path(path_type=Path),
              help="A file (.csv) or folder for the rows; throughput/runs/ of the data folder where left out.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--card", type=click.IntRange(0), help="Read this card (nvidia-smi's number), whatever computes.")
@click.option("--force", is_flag=True, help="Measure a busy or slowed card too; its rows say so and enter no plan.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@loading_options
@click.pass_context
def measure(context: click.Context, /, **asked: Unpack[_Asked]) -> None:
    """Measure seconds and joules per image: every repetition a row, resumed where it was broken off."""
    if context.invoked_subcommand is not None:
        return
    if (asked["pipeline"] is None) == (asked["endpoint"] is None):
        raise click.UsageError("give --pipeline or --endpoint, one of the two")
    _measure_pipeline(asked)


def _measure_pipeline(asked: _Asked) -> None:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise PlannerError(f"--pipeline needs {', '.join(missing)}; pip install 'breakeven[worker]'")
    from planner.measure.session import Session  # noqa: PLC0415 (torch is loaded by what measures)

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    session = Session.open(loading_of(asked["pipeline"] or "", asked), _grid(asked), roots=_roots(asked["data"]),
                           card=asked["card"], force=asked["force"], say=console.print)
    path = _path(asked, session)
    rows = session.run(path, console)
    if _OWN_FOLDER in path.parents:
        console.print(f"plans use it with --data {_OWN_FOLDER}, or BREAKEVEN_DATA={_OWN_FOLDER}")
    _print(session, rows, as_json=asked["as_json"])


def _grid(asked: _Asked) -> dict[str, Any]:
    from planner.measure.cells import numbers_of, sizes_of  # noqa: PLC0415 (as above)

    return {"sizes": sizes_of(asked["sizes"]), "batches": numbers_of(asked["batch"], "--batch"),
            "steps": numbers_of(asked["steps"], "--steps") if asked["steps"] else (),
            "references": asked["references"], "repeat": asked["repeat"]}


def _roots(data: Path | None) -> tuple[Path, ...]:
    """The data folders; the last one is where rows go, and is made where nobody named one."""
    roots = data_roots(data, os.environ)
    if len(roots) > 1:
        return roots
    return (*roots, _OWN_FOLDER)


def _path(asked: _Asked, session: Session) -> Path:
    name = re.sub(r"[^a-z0-9.]+", "-", session.label.lower()).strip("-.") + ".csv"
    out = asked["out"]
    if out is not None and out.suffix == ".csv":
        return out
    return (out or session.roots[-1] / "throughput" / "runs") / name


def _print(session: Session, rows: Any, *, as_json: bool) -> None:
    from planner.measure.report import summary_json, summary_table  # noqa: PLC0415 (as above)

    if as_json:
        click.echo(json.dumps(summary_json(session, rows), indent=2))
    else:
        console = Console(width=None if Console().is_terminal else 150, highlight=False, markup=False)
        console.print(summary_table(session, rows))
