"""A month against its plan for a terminal, as JSON and as CSV; money to the micro-dollar in each of them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from rich.table import Table

from router.ledger.export import neutral
from router.quantities import usd_from_micro

from .variance_line import PARTS, VarianceLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from planner.actuals.month import Month

    from .forecasts import Forecast
    from .variance import Variance

__all__ = ["CSV_COLUMNS", "forecast_json", "parts_table", "plan_line", "sides_table", "variance_json", "variance_notes",
           "write_variance"]

CSV_COLUMNS = ("month", "plan", "kind", "segment", "name", "planned_images", "images", "planned_usd", "usd",
               "difference_usd", "difference_percent", *(f"{part}_usd" for part in PARTS))
_HEADS = {"accepted_yield": "yield"}


def plan_line(forecast: Forecast, month: Month) -> str:
    """Which plan was in force, who approved it, and its hash; and where that came after the month had begun."""
    at = "" if forecast.approved_at is None else f" on {forecast.approved_at:%Y-%m-%d}"
    told = (f"plan in force: {forecast.name} ({forecast.state}), made for {forecast.made_on}, approved by "
            f"{forecast.by}{at}, {forecast.digest[:12]}")
    late = [words for words, when in (("written", forecast.written_at), ("approved", forecast.approved_at))
            if when is not None and when >= month.begin]
    return f"{told}; {' and '.join(late)} only after the month had begun" if late else told


def sides_table(found: Variance) -> Table:
    """Plan and actual of every line, segments first, bills after them, the sum last."""
    table = Table("segment", "option or bill", box=None)
    for name in ("images planned", "made", "USD planned", "actual", "difference", "%"):
        table.add_column(name, justify="right")
    for line in (*found.lines, found.total):
        images = [f"{float(count):,.0f}" if line.kind != line.name else "" for count in (
            line.planned_images, line.images)]
        table.add_row(line.segment, line.name, *images, _usd(line.planned_micro_usd), _usd(line.micro_usd),
                      _usd(line.difference, "+"), _percent(line))
    return table


def parts_table(found: Variance) -> Table:
    """What explains each difference; every line, and every column, adds up."""
    table = Table("segment", "option or bill", box=None)
    for name in (*(_HEADS.get(part, part) for part in PARTS), "difference"):
        table.add_column(name, justify="right")
    for line in (*found.lines, found.total):
        table.add_row(line.segment, line.name, *(_usd(micro, "+") if micro else "" for micro in line.parts.values()),
                      _usd(line.difference, "+"))
    return table


def variance_notes(found: Variance) -> Iterator[str]:
    """What had to be taken as planned."""
    return (f"note: {words}" for words in found.notes)


def variance_json(found: Variance, forecast: Forecast, *, month: Month) -> dict[str, Any]:
    """Everything; money in whole micro-dollars."""
    return {"month": month.text, "plan": forecast_json(forecast), "total": _json(found.total),
            "lines": [_json(line) for line in found.lines], "notes": list(found.notes)}


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    """Which plan, by whom approved, and its hash."""
    at = forecast.approved_at
    return {"name": forecast.name, "sha256": forecast.digest, "scenario": forecast.scenario, "state": forecast.state,
            "made_on": forecast.made_on.isoformat(), "written_at": forecast.written_at.isoformat(),
            "approved_by": forecast.by, "approved_at": None if at is None else at.isoformat()}


def write_variance(found: Variance, file: TextIO, *, month: Month, forecast: Forecast) -> None:
    """A row for each line; the parts of a row add up to its difference."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for line in found.lines:
        percent = line.percent
        rows.writerow((month.text, forecast.digest[:12], line.kind, neutral(line.segment), neutral(line.name),
                       f"{float(line.planned_images):.3f}", f"{float(line.images):.0f}",
                       _exact(line.planned_micro_usd), _exact(line.micro_usd), _exact(line.difference),
                       "" if percent is None else f"{percent:.4f}", *(_exact(micro) for micro in line.parts.values())))


def _json(line: VarianceLine) -> dict[str, Any]:
    percent = line.percent
    return {"kind": line.kind, "segment": line.segment, "name": line.name,
            "planned_images": f"{float(line.planned_images):.3f}", "images": int(line.images),
            "planned_micro_usd": line.planned_micro_usd, "micro_usd": line.micro_usd,
            "difference_micro_usd": line.difference,
            "difference_percent": None if percent is None else round(percent, 4), "parts_micro_usd": line.parts}


def _percent(line: VarianceLine) -> str:
    return "" if line.percent is None else f"{line.percent:+.1f}"


def _usd(micro_usd: int, sign: str = "") -> str:
    return f"{usd_from_micro(micro_usd):{sign},.6f}"


def _exact(micro_usd: int) -> str:
    return f"{usd_from_micro(micro_usd):.6f}"
