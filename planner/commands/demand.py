"""`planner demand`: what a trace of requests is like."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.demand import Demand

__all__ = ["demand", "fit"]

_BARS = " ▁▂▃▄▅▆▇█"


_COMMANDS = {
    "fit": ("planner.commands.demand:fit", "What a trace of requests is like: volume, hours, bursts, growth."),
    "import": ("planner.commands.demand_import:import_bill",
               "Demand and today's cost from usage and spend exports."),
}
demand = LazyGroup("demand", commands_at=_COMMANDS, help="What traffic is like, from a trace or a bill of it.")


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fit(trace: Path, *, as_json: bool) -> None:
    """What TRACE is like: volume, mix, hours, bursts, growth.

    TRACE is a CSV file with arrived_at (ISO 8601, UTC), n, and service_s, the GPU-seconds of the whole request.
    """
    from planner.demand import fit_demand  # noqa: PLC0415 (numpy is loaded by what computes)
    from planner.trace import read_trace  # noqa: PLC0415 (as above)

    found = fit_demand(read_trace(trace))
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Demand) -> Iterator[str]:
    yield (f"{found.requests:,} requests, {found.images:,} images in {found.days:.1f} days: "
           f"{found.images_per_month:,.0f} images a month at this rate")
    yield "images a request: " + ", ".join(
        f"{number}: {share:.0%}" for number, share in found.images_of_request.items())
    yield (f"GPU-seconds a request: mean {found.service_mean_s:.3g}, median {found.service_p50_s:.3g}, 19 of 20 within "
           f"{found.service_p95_s:.3g}, CV {found.service_cv:.2f}; {found.busy_gpus:.2f} cards work on average")
    most = max(found.hour_of_day)
    bars = "".join(_BARS[round(rate / most * (len(_BARS) - 1))] for rate in found.hour_of_day)
    yield f"hour of day, UTC: [{bars}]  the busiest {found.peak_hour_of_day:.1f} times the mean"
    yield (f"busiest hour that came: {found.peak_hour:.1f} times the mean; {found.empty_hours:.0%} of hours without a "
           "request")
    yield "variance over mean of counts (1 is chance): " + ", ".join(
        f"{value:.3g} in {seconds // 60} min" for seconds, value in found.dispersion.items())
    if found.hour_noise > 0:
        yield (f"beyond its place in the day an hour's rate varies by {found.hour_noise**0.5:.0%} (a gamma factor of "
               f"shape {1 / found.hour_noise:.2g})")
    if found.arrival_cv is not None:
        yield f"gaps inside busy hours: CV {found.arrival_cv:.2f} (1 is chance)"
    yield ("growth: not known below two weeks" if found.weekly_growth is None
           else f"growth from week to week: {found.weekly_growth - 1:+.1%}")
