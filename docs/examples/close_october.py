"""Books of October 2026 with a plan of that month in a folder of their own, and `planner` over them.

python close_october.py close --scenario shop.toml
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

EXAMPLE = Path(__file__).with_name("october.py")
SCENARIO = """
schema = 1
name = "A small shop"
[[segment]]
name = "bulk"
images_per_month = 1_500
today = { model = "bfl/flux-2-pro", acceptance_share = 0.9 }
[[segment]]
name = "hero"
images_per_month = 450
movable_share = 0.0
today = { model = "openai/gpt-image-2", quality = "medium", acceptance_share = 0.7 }
[own]
model = "flux-2-klein-4b"
gpu = "l40s"
seconds_per_image = 3.2
cost = { kind = "rented", plan = "on-demand", usd_per_gpu_h = 0.79 }
[review]
minutes_per_image = 0.05
usd_per_h = 40
[[licence]]
vendor = "BFL"
models = ["flux-2-klein-4b"]
usd_per_month = 0
document = "made up; klein 4B needs none"
"""
LEDGER = ["--ledger", "sqlite:///books.sqlite"]
BOOKS = [*LEDGER, "--settings", "router.toml"]
MONTH = [*BOOKS, "--month", "2026-10"]
OPTIONS = {"actuals": [*MONTH, "--plan", "plans"],
           "close": [*MONTH, "--plans", "plans", "--out", "closed", "--plan-months", "3"],
           "accuracy": BOOKS, "export": [*MONTH, "--plans", "plans"]}


def planner(*arguments: str, quiet: bool = False) -> int:
    """Run this environment's own planner; what differs by day and processor is left out."""
    program = Path(sys.executable).with_name("planner")
    answer = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)  # noqa: S603
    if not quiet:
        told = answer.stdout + answer.stderr
        print(re.sub(r", (read \d{4}-\d\d-\d\d|[0-9a-f]{12}$)", "", told, flags=re.MULTILINE), end="")
    return answer.returncode


def approve_plan() -> None:
    """A plan of October to December, as it stood: written on 25 September, approved on the 28th."""
    planner("plan", "shop.toml", "--on", "2026-09-25", "--months", "3", "--out", "plans/autumn", quiet=True)
    history = [{"state": state, "by": by, "at": datetime(2026, 9, day, 9, tzinfo=UTC).isoformat()}
               for state, by, day in (("draft", "", 25), ("approved", "Ada", 28))]
    Path("plans/autumn/status.json").write_text(json.dumps({"state": "approved", "history": history}))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    made = EXAMPLE.read_text().partition("\nwith tempfile")[0]
    make = made + '\nPath("router.toml").write_text(SETTINGS)\nasyncio.run(write_books())\nwrite_statement()\n'
    subprocess.run([sys.executable, "-c", make], check=True)  # noqa: S603 (the example beside this one)
    Path("shop.toml").write_text(SCENARIO)
    Path("plans").mkdir()
    approve_plan()
    command, *more = sys.argv[1:]
    if command == "accuracy":
        more = ["plans", *more]
    if command == "plan":
        planner("plan", "shop.toml", "--on", "2026-11-05", "--months", "1", "--from-ledger", LEDGER[1], *more)
    else:
        planner(command, *more, *OPTIONS[command])
    if command == "close":
        planner(command, *more, *OPTIONS[command])
        print("\n".join(sorted(path.relative_to("closed").as_posix() for path in Path("closed").rglob("*.*")
                               if path.is_file())))
    if "report.csv" in more:
        print(Path("report.csv").read_text(), end="")
    os.chdir("/")
