"""`planner backtest`: do the intervals of a forecast hold on a trace of one's own?"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from planner.errors import PlannerError

if TYPE_CHECKING:
    from planner.backtest import Backtest, Range
    from planner.past import Past
    from planner.trace import Trace

__all__ = ["backtest_command"]

_MOST_GPUS = 1000
_FILE_COLUMNS = 130


@click.command("backtest")
@click.argument("source", metavar="TRACE_OR_LEDGER")
@click.option("--seconds-per-image", type=click.FloatRange(1e-4, 1e6),
              help="GPU-seconds of an image, where the past does not say (or instead of what it says).")
@click.option("--train-days", type=click.IntRange(1, 366), default=14, show_default=True, help="Days to learn from.")
@click.option("--test-days", type=click.IntRange(1, 92), default=7, show_default=True, help="Days to foresee.")
@click.option("--gpus", default="1-8", show_default=True, help="Fleets, as in 1-8 or 1,2,4.")
@click.option("--slo-wait", type=click.FloatRange(0), default=30.0, show_default=True,
              help="Seconds of waiting above which a request counts as over.")
@click.option("--draws", type=click.IntRange(20, 10_000), default=300, show_default=True, help="Futures an origin.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the draws.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backtest_command(source: str, gpus: str, *, as_json: bool, **asked: Any) -> None:
    """Forecast each fleet's waits from the first days of a past and hold the 90 % intervals against the days that came.

    TRACE_OR_LEDGER is a CSV or Parquet file with arrived_at (ISO 8601, UTC), n, and service_s, the GPU-seconds of the
    whole request; or the address of the router's books, which hold no GPU-seconds: give --seconds-per-image.
    """
    from planner.backtest import backtest  # noqa: PLC0415 (numpy is loaded by what simulates)
    from planner.past import read_past  # noqa: PLC0415 (as above)

    fleets, console = _fleets(gpus), Console(stderr=True)
    requests = _timed(read_past(source), asked["seconds_per_image"])
    with Progress(transient=True, disable=as_json or not console.is_terminal, console=console) as bar:
        task = bar.add_task("origins", total=1.0)
        made = backtest(requests, fleets, train_days=asked["train_days"], test_days=asked["test_days"],
                        slo_wait_s=asked["slo_wait"], draws=asked["draws"], seed=asked["seed"],
                        told=lambda share: bar.update(task, completed=share))
    if as_json:
        click.echo(json.dumps(_json(made), indent=2))
        return
    out = Console(width=None if Console().is_terminal else _FILE_COLUMNS, highlight=False, markup=False)
    out.print(_table(made))
    for name, words in (("p95_wait_s", "p95 wait"), ("share_over_slo", f"share over {asked['slo_wait']:g} s")):
        held = round(made.coverage(name) * len(made.fleets))
        out.print(f"{words}: {held} of {len(made.fleets)} intervals of 90 % held what came ({made.coverage(name):.0%})")


def _timed(past: Past, seconds_per_image: float | None) -> Trace:
    """Every request with its GPU-seconds."""
    if seconds_per_image is not None:
        return past.trace.at_seconds_per_image(seconds_per_image)
    unknown = past.trace.arrived.size - int(past.trace.timed.sum())
    if unknown:
        raise PlannerError(f"{past.source}: {unknown:,} of {past.trace.arrived.size:,} requests have no service_s; "
                           "give --seconds-per-image, as planner throughput tells it")
    return past.trace


def _fleets(text: str) -> tuple[int, ...]:
    match = re.fullmatch(r"([0-9]{1,4})-([0-9]{1,4})", text.strip())
    parts = range(int(match[1]), int(match[2]) + 1) if match else [
        int(each) if each.strip().isdecimal() else 0 for each in text.split(",")]
    fleets = tuple(dict.fromkeys(parts))
    if not fleets or not all(1 <= each <= _MOST_GPUS for each in fleets):
        raise PlannerError(f"--gpus {text}: give fleets of 1 to {_MOST_GPUS} cards, as in 1-8 or 1,2,4")
    return fleets


def _json(made: Backtest) -> dict[str, Any]:
    def told(found: Range) -> dict[str, float]:
        return {"low": found.low, "mid": found.mid, "high": found.high, "truth": found.truth}

    fleets = [{"gpus": fleet.gpus, "origin_at": _instant(fleet.origin_at), "p95_wait_s": told(fleet.p95_wait_s),
               "share_over_slo": told(fleet.share_over_slo)} for fleet in made.fleets]
    return {"coverage": {"p95_wait": made.coverage("p95_wait_s"), "share_over_slo": made.coverage("share_over_slo")},
            "fleets": fleets}


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _table(made: Backtest) -> Table:
    table = Table("origin", "GPUs", "p95 wait, s", "came", "over the SLO", "came", box=None)
    for fleet in made.fleets:
        wait, share = fleet.p95_wait_s, fleet.share_over_slo
        table.add_row(_instant(fleet.origin_at)[:10], str(fleet.gpus),
                      f"{wait.mid:.1f} ({wait.low:.1f} to {wait.high:.1f})",
                      f"{wait.truth:.1f}" + ("" if wait.covered else " *"),
                      f"{share.mid:.1%} ({share.low:.1%} to {share.high:.1%})",
                      f"{share.truth:.1%}" + ("" if share.covered else " *"))
    return table
