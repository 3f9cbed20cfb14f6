"""The throughput law on sources it has not seen: the table of `planner throughput --check`, and the raw rows."""

from __future__ import annotations

import csv
from pathlib import Path

from rich.console import Console

from planner.law_check import groups, leave_sources_out
from planner.law_report import check_json, print_check
from planner.throughput import usable_timings
from router.service_time import load_law

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "throughput_law.csv"


def main() -> None:
    """Print the groups and misses, and write every row as it was predicted from the other sources."""
    law = load_law([ROOT / "data"])
    timings = usable_timings(law.measurements, law.models, gpus=law.gpus)
    left_out = leave_sources_out(timings, law.engines)
    print_check(Console(width=160, markup=False, highlight=False), groups(left_out), left_out=left_out, law=law)
    rows = check_json(groups(left_out), left_out, rows=len(law.measurements))["rows"]
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
                         for row in rows)


if __name__ == "__main__":
    main()
