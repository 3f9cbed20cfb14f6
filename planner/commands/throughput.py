"""`planner throughput`: seconds per image on a card, the law's own errors, and its fit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from planner.errors import PlannerError
from router.catalog import data_roots, is_installed
from router.law import LAW_FILE
from router.price_checks import asked_size
from router.service_time import Estimate, Law, ServiceAsk, estimate, load_law

if TYPE_CHECKING:
    from router.measurements import Measurement

__all__ = ["throughput"]

_FILE_COLUMNS = 150


class _Asked(TypedDict):
    model: str | None
    gpu: str | None
    engine: str
    precision: str
    compile: bool
    size: str
    steps: int | None
    batch: int
    references: int
    part: str
    calibrate: Path | None
    save: Path | None
    check: bool
    fit: bool
    data: Path | None
    as_json: bool


@click.command()
@click.option("--model", help="As in flux-2-klein-4b; see planner models.")
@click.option("--gpu", help="As in rtx-5090; see planner gpus.")
@click.option("--engine", default="diffusers", show_default=True, help="See planner engines.")
@click.option("--precision", default="bf16", show_default=True,
              help="bf16, fp8, nvfp4, int8 or int4; with -wo where the weights alone are.")
@click.option("--compile/--no-compile", default=False, help="torch.compile, or an engine's own graphs.")
@click.option("--size", default="1024x1024", show_default=True, help="WIDTHxHEIGHT.")
@click.option("--steps", type=int, help="Denoising steps; the model's default where left out.")
@click.option("--batch", type=int, default=1, show_default=True, help="Images made together.")
@click.option("--references", type=int, default=0, show_default=True, help="Reference images of an edit.")
@click.option("--part", type=click.Choice(["denoise", "end-to-end"]), default="end-to-end", show_default=True)
@click.option("--calibrate", type=click.Path(path_type=Path), metavar="RUNS.csv",
              help="Refit with your own runs: model,gpu,engine,precision,compile,size,steps,batch,references,part,"
                   "seconds_per_image.")
@click.option("--save", type=click.Path(path_type=Path), metavar="DIR",
              help="With --calibrate: write the law into this folder; with --data DIR every answer then holds on "
                   "your machine.")
@click.option("--check", is_flag=True, help="Print the law's errors on sources it has not seen.")
@click.option("--fit", is_flag=True, help="Fit the law to the tables and write it into the last data folder.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def throughput(**asked: Unpack[_Asked]) -> None:
    """Seconds per image on a GPU, with a 90 % interval, the physical floor and the measurements behind it."""
    roots = data_roots(asked["data"], os.environ)
    if asked["save"] is not None and asked["calibrate"] is None:
        raise click.UsageError("--save writes what --calibrate fitted; give both")
    if asked["fit"]:
        _fit(roots)
        return
    law = load_law(roots)
    if asked["check"]:
        _check(law, as_json=asked["as_json"])
        return
    if asked["calibrate"] is not None:
        law = _calibrated(law, asked["calibrate"], asked["save"])
        if asked["model"] is None and asked["gpu"] is None:
            return
    for name in ("model", "gpu"):
        if asked[name] is None:
            raise click.UsageError(f"Missing option '--{name}'; planner {name}s lists them.")
    found = estimate(law, ServiceAsk(
        asked["model"] or "", asked["gpu"] or "", asked["engine"], asked["precision"], compile=asked["compile"],
        size=asked_size(asked["size"]), steps=asked["steps"], batch=asked["batch"], references=asked["references"],
        part=asked["part"]))  # type: ignore[arg-type]
    _print(found, as_json=asked["as_json"])


def _fit(roots: tuple[Path, ...]) -> None:
    from planner.law_file import write_law  # noqa: PLC0415 (numpy is not wanted for an answer)
    from planner.throughput import Design, fit_timings, to_coefficients, usable_timings  # noqa: PLC0415
    from router.gpus import load_gpus  # noqa: PLC0415
    from router.measurements import load_measurements  # noqa: PLC0415
    from router.models import load_models  # noqa: PLC0415

    timings = usable_timings(load_measurements(roots), load_models(roots), gpus=load_gpus(roots))
    if is_installed(roots[-1]):
        raise PlannerError("--fit: the installed tables are not written to; name a folder of your own with --data")
    path = roots[-1] / LAW_FILE
    write_law(path, to_coefficients(fit_timings(Design(timings))))
    click.echo(f"{path}: fitted to {len(timings)} measurements of "
               f"{len({timing.row.source_key for timing in timings})} sources")


def _calibrated(law: Law, runs_file: Path, save: Path | None) -> Law:
    from planner.calibration import calibrated, read_runs  # noqa: PLC0415 (numpy, as above)
    from planner.law_file import write_law  # noqa: PLC0415

    runs = read_runs(runs_file)
    own = calibrated(law, runs)
    console = Console(stderr=True, width=_FILE_COLUMNS, highlight=False, markup=False)
    table = Table("run", "measured s", "before", "after", box=None)
    for run in runs:
        before, after = estimate(law, run.ask), estimate(own, run.ask)
        table.add_row(f"{run.model} {run.gpu} {run.size} {run.steps} steps", f"{run.seconds_per_image:.4g}",
                      _interval(before), _interval(after))
    console.print(table)
    if save is not None:
        write_law(save / LAW_FILE, own.coefficients)
        console.print(f"{save / LAW_FILE}: written; use it with --data {save}")
    return own


def _interval(found: Estimate) -> str:
    return f"{found.seconds_per_image:.4g} ({found.low:.4g} to {found.high:.4g})"


def _check(law: Law, *, as_json: bool) -> None:
    from planner.law_check import groups, leave_sources_out  # noqa: PLC0415 (numpy, as above)
    from planner.law_report import check_json, print_check  # noqa: PLC0415
    from planner.throughput import usable_timings  # noqa: PLC0415

    timings = usable_timings(law.measurements, law.models, gpus=law.gpus)
    bar_console = Console(stderr=True)
    with Progress(transient=True, disable=as_json or not bar_console.is_terminal, console=bar_console) as bar:
        task = bar.add_task("leaving sources out", total=1.0)
        left_out = leave_sources_out(timings, law.engines, progress=lambda share: bar.update(task, completed=share))
    if as_json:
        click.echo(json.dumps(check_json(groups(left_out), left_out, rows=len(law.measurements)), indent=2))
    else:
        console = Console(width=None if Console().is_terminal else _FILE_COLUMNS, highlight=False, markup=False)
        print_check(console, groups(left_out), left_out=left_out, law=law)


def _print(found: Estimate, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_json(found), indent=2, ensure_ascii=False))
        return
    setup = found.setup
    click.echo(f"{found.seconds_per_image:.4g} s an image ({found.low:.4g} to {found.high:.4g}, 90 %), "
               f"{found.images_per_hour:,.0f} an hour  [{found.label}]")
    click.echo(f"  {setup.card.id} on {setup.gpu.id}, {setup.engine} {setup.precision_key} {setup.mode}, {setup.size}, "
               f"{setup.steps} steps, batch {setup.batch}, {setup.references} references, {setup.part}")
    click.echo(f"  floor {found.limit_seconds:.4g} s, {found.mfu:.0%} of the card's peak; {found.residency} "
               f"({found.memory.needed_gib:.1f} GiB for the transformer, {found.memory.with_encoder_gib:.1f} with the "
               f"text encoder, {found.memory.available_gib:g} there)")
    click.echo("  nearest measurements:")
    for row in found.evidence:
        click.echo(f"    {_told(row)}")
    for note in found.notes:
        click.echo(f"  note: {note}")


def _told(row: Measurement) -> str:
    extras = "".join((", compiled" if row.compile else "", f", batch {row.batch}" if row.batch > 1 else "",
                      f", {row.references} references" if row.references else ""))
    return (f"{row.id}: {row.seconds_per_image:.4g} s, {row.model} on {row.gpu}, {row.engine} {row.precision}{extras}, "
            f"{row.size}, {row.steps} steps, {row.part}, trust {row.trust} [{row.source_key}, {row.source_on}]")


def _json(found: Estimate) -> dict[str, Any]:
    setup = found.setup
    return {
        "seconds_per_image": found.seconds_per_image, "low": found.low, "high": found.high,
        "images_per_hour": found.images_per_hour, "label": found.label, "limit_seconds": found.limit_seconds,
        "mfu": found.mfu, "residency": found.residency,
        "memory_gib": {"needed": found.memory.needed_gib, "with_encoder": found.memory.with_encoder_gib,
                       "available": found.memory.available_gib},
        "asked": {"model": setup.card.id, "gpu": setup.gpu.id, "engine": setup.engine,
                  "precision": setup.precision, "weight_only": setup.stored_only, "compile": setup.compile,
                  "size": str(setup.size), "steps": setup.steps, "batch": setup.batch,
                  "references": setup.references, "part": setup.part},
        "shares": dict(found.shares),
        "evidence": [{"id": row.id, "model": row.model, "gpu": row.gpu, "engine": row.engine,
                      "precision": row.precision, "compile": row.compile, "size": str(row.size), "steps": row.steps,
                      "batch": row.batch, "part": row.part, "seconds_per_image": row.seconds_per_image,
                      "trust": row.trust, "source": row.source, "source_on": str(row.source_on), "note": row.note}
                     for row in found.evidence],
        "notes": list(found.notes),
    }
