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

__all__ = ["import_command", "measure"]

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
    energy_s: float
    as_json: bool
    model: str
    rate: str
    requests: int
    seed: int
    key_env: str
    may_cost: bool


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
@click.option("--energy-s", type=click.FloatRange(2, 600), default=6.0, show_default=True,
              help="Seconds of batches that joules are the mean of, where one batch is shorter than 2 s.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--model", default="auto", show_default=True, help="With --endpoint: the model's name there.")
@click.option("--rate", default="0.5", show_default=True,
              help="With --endpoint: requests a second; several, parted by commas, find where it falls behind.")
@click.option("--requests", type=click.IntRange(1, 100_000), default=50, show_default=True,
              help="With --endpoint: requests at each rate.")
@click.option("--seed", type=int, default=1, show_default=True, help="With --endpoint: of the arrivals.")
@click.option("--key-env", default="BREAKEVEN_WORKER_KEY", show_default=True,
              help="With --endpoint: variable that holds the key.")
@click.option("--may-cost", is_flag=True, help="With --endpoint: ask a host that may send a bill.")
@loading_options
@click.pass_context
def measure(context: click.Context, /, **asked: Unpack[_Asked]) -> None:
    """Measure seconds and joules per image: every repetition a row, resumed where it was broken off."""
    if context.invoked_subcommand is not None:
        return
    if (asked["pipeline"] is None) == (asked["endpoint"] is None):
        raise click.UsageError("give --pipeline or --endpoint, one of the two")
    if asked["endpoint"] is not None:
        _measure_endpoint(asked)
    else:
        _measure_pipeline(asked)


@measure.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", default="", help="As in flux-2-klein-4b, where the file does not say it.")
@click.option("--gpu", default="", help="As in h100-sxm, where the file does not say it.")
@click.option("--engine", default="", help="As in vllm-omni or sglang, where the file does not say it.")
@click.option("--precision", default="bf16", show_default=True, help="As in bf16, fp8 or fp8-wo.")
@click.option("--compile/--no-compile", default=False, help="torch.compile, or an engine's own graphs.")
@click.option("--size", help="WIDTHxHEIGHT, where the file does not say it.")
@click.option("--steps", type=click.IntRange(1), help="Denoising steps, where the file does not say it.")
@click.option("--data", type=click.Path(path_type=Path), help="The folder whose throughput/own.csv takes the rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_command(files: tuple[Path, ...], **given: Any) -> None:
    """Read measurements of AIPerf, of vLLM-Omni's or SGLang's diffusion benchmark, or of ML.ENERGY."""
    from planner.measure.importing import Told, imported  # noqa: PLC0415 (as above)
    from planner.measure.row_file import RowFile  # noqa: PLC0415 (as above)
    from router.measurements import Measurement, why_left_out  # noqa: PLC0415 (as above)
    from router.price_checks import asked_size  # noqa: PLC0415 (as above)
    from router.service_time import load_law  # noqa: PLC0415 (as above)

    roots = _roots(given["data"])
    law = load_law([root for root in roots if root.is_dir()])
    told = Told(given["model"], given["gpu"], given["engine"], given["precision"], given["compile"],
                asked_size(given["size"]) if given["size"] else None, given["steps"])
    rows = [row for path in files for row in imported(path, told, law=law)]
    file = RowFile(roots[-1] / "throughput" / "own.csv", Measurement)
    there = {row.id for row in file.open()}
    fresh = [row for row in {row.id: row for row in rows}.values() if row.id not in there]
    for row in fresh:
        file.append(row)
    if given["as_json"]:
        click.echo(json.dumps([{"id": row.id, "model": row.model, "gpu": row.gpu, "part": row.part,
                                "seconds_per_image": row.seconds_per_image, "new": row in fresh,
                                "left_out": why_left_out(row, law.gpus)} for row in rows], indent=2))
        return
    for row in rows:
        why = why_left_out(row, law.gpus)
        click.echo(f"{row.id}  {row.model} {row.gpu} x{row.gpu_count} {row.engine} {row.size or 'size not known'} "
                   f"batch {row.batch}: {row.seconds_per_image:.4g} s/image, {row.part}"
                   + (f"; not fitted: {why}" if why else ""))
    click.echo(f"{file.path}: {len(fresh)} new of {len(rows)} rows")


def _measure_endpoint(asked: _Asked) -> None:
    from planner.measure.endpoint_session import measure_rates  # noqa: PLC0415 (as above)

    loads = measure_rates(
        {**asked, "key": os.environ.get(asked["key_env"], ""), "folder": _roots(asked["data"])[-1]},
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True))
    if asked["as_json"]:
        click.echo(json.dumps([load.__dict__ for load in loads], indent=2))
        return
    for load in loads:
        told = ", ".join(f"{name} {value:.3g} s" for name, value in load.percentiles.items() if name != "trend")
        errors = "".join(f"; {count} x {name}" for name, count in load.errors.items())
        click.echo(f"{load.rate:g} requests/s: {load.answered} of {load.requests} answered, {load.images_per_s:.3g} "
                   f"images/s, {told or 'no latency'}{errors}" + ("" if load.keeps_up else "; it does not keep up"))


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
            "references": asked["references"], "repeat": asked["repeat"], "energy_s": asked["energy_s"]}


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
