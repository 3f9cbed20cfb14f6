"""What an answer costs in processor time: whole commands, five runs each, and what importing the router costs."""

from __future__ import annotations

import csv
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "speed.csv"
BIN = Path(sys.executable).parent
RUNS = 5
COMMANDS = {
    "planner --help": [BIN / "planner", "--help"],
    "planner price": [BIN / "planner", "price", "openai/gpt-image-2", "--quality", "high"],
    "planner throughput": [BIN / "planner", "throughput", "--model", "klein-4b", "--gpu", "h100"],
    "planner breakeven, 10,000 draws": [BIN / "planner", "breakeven", "article"],
    "planner breakeven, 100,000 draws": [BIN / "planner", "breakeven", "article", "--draws", "100000", "--json"],
    "import router": [sys.executable, "-c", "import router"],
    "python alone": [sys.executable, "-c", ""],
}
MEMORY = "import resource{}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def once(command: list[str | Path]) -> tuple[float, float]:
    """Wall and processor seconds of one run on one core."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT,  # noqa: S603
                   env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print medians and write every run."""
    rows = [(name, run, *once(command)) for run in range(RUNS) for name, command in COMMANDS.items()]
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["command", "run", "wall_s", "cpu_s"])
        writer.writerows((name, run, f"{wall:.4f}", f"{cpu:.4f}") for name, run, wall, cpu in rows)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {RUNS} runs, one thread")
    for name in COMMANDS:
        walls, processor = zip(*((wall, cpu) for named, _, wall, cpu in rows if named == name), strict=True)
        print(f"{name:34} wall {statistics.median(walls):.3f} s, cpu {statistics.median(processor):.3f} s")
    for name, imported in (("python alone", ""), ("import router", ", router")):
        peak = subprocess.run([sys.executable, "-c", MEMORY.format(imported)], check=True,  # noqa: S603
                              capture_output=True, text=True, cwd=ROOT).stdout.strip()
        print(f"{name:34} peak {peak} MiB")


if __name__ == "__main__":
    main()
