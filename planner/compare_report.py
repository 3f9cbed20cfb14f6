"""Own runs beside what the law foresaw of them, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from router.runs import OwnTiming

    from .own_runs import Comparison

__all__ = ["comparison_json", "print_comparison"]

_MAKE_SOME = ("no own runs that say something of a card; make some on yours with: planner measure --pipeline "
              "black-forest-labs/FLUX.2-klein-4B --data DIR")


def print_comparison(console: Console, found: Comparison) -> None:
    """Print one line for each kind of batch, what was left out and why, and the median error."""
    if found.rows:
        table = Table("own runs, seconds per image", "part", "runs", "measured", "spread", "law without them",
                      "90 % interval", "error", "covered", box=None)
        for row in found.rows:
            own = row.own
            table.add_row(_batch(own), own.row.part, str(own.runs), f"{own.seconds_per_image:.4g}",
                          f"{own.log_sd:.1%}" if own.runs > 1 else "one run", f"{row.predicted:.4g}",
                          f"{row.low:.4g} to {row.high:.4g}", f"{row.error:+.0%}", "yes" if row.covered else "no")
        console.print(table)
    if found.left_out:
        console.print("Runs left out:")
        for reason, count in found.left_out:
            console.print(f"  {count:4d}  {reason}", soft_wrap=True)
    if found.median_error is None:
        console.print(_MAKE_SOME, soft_wrap=True)
        return
    covered = sum(row.covered for row in found.rows)
    console.print(f"Median error {found.median_error:.1%}; {covered} of {len(found.rows)} inside the 90 % interval.")


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The same as plain values."""
    return {"median_error": found.median_error,
            "rows": [{"id": row.own.row.id, "model": row.own.row.model, "gpu": row.own.row.gpu,
                      "engine": row.own.row.engine, "precision": row.own.row.precision,
                      "compile": row.own.row.compile, "size": str(row.own.row.size), "steps": row.own.row.steps,
                      "batch": row.own.row.batch, "references": row.own.row.references, "part": row.own.row.part,
                      "weights": row.own.weights, "runs": row.own.runs,
                      "measured_seconds": row.own.seconds_per_image, "log_sd": row.own.log_sd,
                      "seconds": row.predicted, "low": row.low, "high": row.high, "error": row.error,
                      "covered": row.covered} for row in found.rows],
            "left_out": dict(found.left_out)}


def _batch(own: OwnTiming) -> str:
    row = own.row
    extras = "".join((", compiled" if row.compile else "", f", batch {row.batch}" if row.batch > 1 else "",
                      f", {row.references} references" if row.references else "",
                      ", random weights" if own.weights == "random" else ""))
    return f"{row.model} {row.gpu} {row.engine} {row.precision}{extras}, {row.size}, {row.steps} steps"
