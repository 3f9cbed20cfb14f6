"""`planner throughput`: seconds per image on a card, the law's own errors, and its fit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from planner.errors import PlannerError
from router.catalog import data_roots, is_installed
from router.law import LAW_FILE
from router.price_checks import asked_size
from router.service_time import Estimate, Law, ServiceAsk, estimate, load_law

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
    compare: bool
    refit: bool
    fit: bool
    grid: str | None
    pue: float | None
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
@click.option("--compare", is_flag=True, help="Print your own runs beside what the law foresees without them.")
@click.option("--refit", is_flag=True, help="Fit the law to the tables and your own runs, and write it into --data.")
@click.option("--fit", is_flag=True, help="Fit the law to the tables and write it into the last data folder.")
@click.option("--grid", help="For grams of CO2e: a grid that planner grids lists, or grams per kWh.")
@click.option("--pue", type=click.FloatRange(1, 10), help="What the site draws for each watt of its machines.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def throughput(**asked: Unpack[_Asked]) -> None:
    """Seconds per image on a GPU, with a 90 % interval, the physical floor and the measurements behind it."""
    roots = data_roots(asked["data"], os.environ)
    if asked["save"] is not None and asked["calibrate"] is None:
        raise click.UsageError("--save writes what --calibrate fitted; give both")
    if asked["fit"] or asked["refit"] or asked["compare"]:
        _on_the_tables(roots, asked)
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
    _print(found, roots, asked)


def _on_the_tables(roots: tuple[Path, ...], asked: _Asked) -> None:
    if asked["fit"]:
        _fit(roots)
    if asked["refit"]:
        _refit(roots)
    if asked["compare"]:
        _compare(roots, as_json=asked["as_json"])


def _refit(roots: tuple[Path, ...]) -> None:
    from planner.own_runs import refit_with_runs  # noqa: PLC0415 (numpy, as below)

    kinds = refit_with_runs(roots)
    if not kinds:
        raise PlannerError("--refit: no own run says something of a card; planner throughput --compare tells why, "
                           "planner measure makes some")
    kinds_told = "1 kind" if kinds == 1 else f"{kinds} kinds"
    click.echo(f"{roots[-1] / LAW_FILE}: has seen {kinds_told} of batch of yours; use it with --data {roots[-1]}")


def _compare(roots: tuple[Path, ...], *, as_json: bool) -> None:
    from planner.compare_report import comparison_json, print_comparison  # noqa: PLC0415 (numpy, as below)
    from planner.own_runs import compare  # noqa: PLC0415 (the same)

    found = compare(roots)
    if as_json:
        click.echo(json.dumps(comparison_json(found), indent=2))
    else:
        print_comparison(Console(width=None if Console().is_terminal else _FILE_COLUMNS, highlight=False, markup=False),
                         found)


def _print(found: Estimate, roots: tuple[Path, ...], asked: _Asked) -> None:
    from planner.estimate_report import estimate_json, estimate_lines  # noqa: PLC0415 (not wanted for --fit)
    from planner.grid import find_factor, load_grids  # noqa: PLC0415 (the same)

    grid = find_factor(load_grids(roots), asked["grid"]) if asked["grid"] is not None else None
    if asked["as_json"]:
        click.echo(json.dumps(estimate_json(found, grid=grid, pue=asked["pue"]), indent=2, ensure_ascii=False))
    else:
        for line in estimate_lines(found, grid=grid, pue=asked["pue"]):
            click.echo(line)


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
