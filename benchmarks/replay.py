"""How fast a trace goes through the router's decide and flow, and in what memory, from 10,000 requests to 10 million.

Each length runs in a process of its own: `python benchmarks/replay.py 10000000` runs one, without arguments the usual
ones. One core; seconds are CPU seconds of the whole command, reading the file included.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

RESULTS = Path(__file__).with_name("results") / "replay.json"
LENGTHS = (10_000, 100_000, 1_000_000)
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
MONTH_S, HERO_SHARE = 730 * 3600, 0.03
POLICY = """schema = 1
[segment.default]
models = ["flux-2-klein-4b"]
most_wait_s = 30
[segment.hero]
models = ["gpt-image-2"]
qualities = { gpt-image-2 = ["high"] }
"""
SETTINGS = """
[[backend]]
name = "openai"
vendor = "openai"
images_per_minute = 250
simulated = true
[[backend]]
name = "fal"
vendor = "fal"
concurrent = 40
simulated = true
[[backend]]
name = "gpu"
vendor = "worker"
base_url = "http://127.0.0.1:9/v1"
models = ["flux-2-klein-4b"]
gpus = { gpu = "l40s", cards = 2, seconds_per_image = 3.0 }
"""


def trace(path: Path, count: int) -> None:
    """So many requests of one image in a month's pace: a million in 730 hours."""
    rng, at = random.Random(1), 0.0
    with path.open("w") as file:
        file.write("arrived_at,n,width,height,segment\n")
        for _ in range(count):
            at += rng.expovariate(1_000_000 / MONTH_S)
            segment = "hero" if rng.random() < HERO_SHARE else "bulk"
            file.write(f"{(BEGIN + timedelta(seconds=at)).isoformat()},1,1024,1024,{segment}\n")


def one(folder: Path) -> None:
    """Replay the folder's trace in this process, and print what it took."""
    from planner.commands.replay import replay  # noqa: PLC0415 (what is loaded is timed apart)

    began = time.process_time()
    replay.main([str(folder / "trace.csv"), "--policy", str(folder / "policy.toml"), "--settings",
                 str(folder / "router.toml"), "--json"], standalone_mode=False)
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": round(took, 2), "peak_mib": round(peak, 1)}))


def measured(count: int) -> dict[str, float]:
    """One length in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trace(folder / "trace.csv", count)
        (folder / "policy.toml").write_text(POLICY)
        (folder / "router.toml").write_text(SETTINGS)
        command = [sys.executable, __file__, "--one", name]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own file)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return {"requests": count, **found, "us_per_request": round(found["cpu_s"] / count * 1e6, 1)}


def main() -> None:
    """Print and keep the table, with a plot of lengths against seconds."""
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]))
        return
    rows = [measured(int(length)) for length in sys.argv[1:] or LENGTHS]
    for row in rows:
        print(f"{row['requests']:>12,} requests {row['cpu_s']:>9.2f} s {row['us_per_request']:>7.1f} us each "
              f"{row['peak_mib']:>7.1f} MiB")
    for row in rows:
        width = round(row["us_per_request"])
        print(f"{row['requests']:>12,} {'#' * width} us a request: the same length is linear growth")
    RESULTS.write_text(json.dumps({"python": platform.python_version(), "cores": os.cpu_count(), "rows": rows},
                                  indent=1) + "\n")


if __name__ == "__main__":
    main()
