"""Licence reports: every image of an own licensed model in exactly one of them, however late it was settled."""

from __future__ import annotations

import csv
import io
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from planner.errors import PlannerError
from router.ledger.books import reading, writing
from router.ledger.open import open_books
from router.ledger.pruning import prune
from router.ledger.rollups import roll_up
from router.ledger.rows import month_bounds
from router.ledger.tables import attempts
from tests.planner.actuals.month_books import GPU, attempt, said, settings, write_books

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]
SEPTEMBER, OCTOBER = datetime(2026, 9, 3, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)
DEV = GPU | {"model": "flux-2-dev"}
SCENARIO = """
schema = 1
name = "A shop"
[[segment]]
name = "bulk"
images_per_month = 1
today = { model = "bfl/flux-2-pro" }
[own]
model = "flux-2-dev"
gpu = "h100-sxm"
cost = { kind = "rented", plan = "on-demand", usd_per_gpu_h = 3 }
[[licence]]
vendor = "Black Forest Labs"
models = ["flux-2-dev"]
usd_per_month = 0
document = "made up"
"""
OPEN = DEV | {"state": "sent", "images": 0, "settled_micro_usd": 0, "settled_at": None}


def report(url: str, folder: Path, month: str, *options: object, name: str = "BFL") -> str:
    out = folder / f"{month}.csv"
    said("export", "licence", "--month", month, "--ledger", url, "--licence", name, "--plans", folder, "--out", out,
         "--force", *options)
    return out.read_text()


def rows(text: str) -> list[tuple[str, str, int]]:
    return [(row["model"], row["made_in_month"], int(row["images"])) for row in csv.DictReader(io.StringIO(text))]


def settle(url: str, ids: Sequence[str], images: int) -> None:
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(attempts).where(attempts.c.id.in_(ids)).values(
            state="billed", images=images, settled_at=attempts.c.reserved_at, settlements=attempts.c.settlements + 1))
    books.dispose()


def made_until(url: str, month: str) -> int:
    books = open_books(url, create=False)
    with reading(books) as connection:
        images = connection.execute(select(func.sum(attempts.c.images)).where(
            attempts.c.reserved_at < month_bounds(month)[1])).scalar_one()
    books.dispose()
    return int(images)


def test_only_licensed_models_on_own_cards_count(url: str, tmp_path: Path) -> None:
    hosted = {"backend": "fal", "model": "flux-2-dev", "price_row": "fal-flux-2-dev", "quoted_usd": "0.012"}
    write_books(url, [attempt(1, **DEV, n=3) | {"images": 3}, attempt(2, **DEV), attempt(3, **GPU),
                      attempt(4, **hosted), attempt(5, **DEV | {"model": "flux-2-klein-9b"})])
    assert rows(report(url, tmp_path, "2026-10")) == [("flux-2-dev", "2026-10", 4), ("flux-2-klein-9b", "2026-10", 1)]


def test_what_settles_late_is_in_the_next_report_and_in_no_other(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, SEPTEMBER, **DEV), attempt(2, SEPTEMBER, **OPEN), attempt(3, OCTOBER, **DEV)])
    first = report(url, tmp_path, "2026-09")
    assert rows(first) == [("flux-2-dev", "2026-09", 1)]
    assert first.splitlines()[1].endswith("a000002 (2026-09-03T00:00:00Z),1")
    settle(url, ["a000002"], 2)
    second = report(url, tmp_path, "2026-10")
    assert rows(second) == [("flux-2-dev", "2026-09", 2), ("flux-2-dev", "2026-10", 1)]
    settle(url, ["a000001", "a000002"], 2)  # a second settlement: one image more, and the same again
    assert report(url, tmp_path, "2026-09") == first
    assert report(url, tmp_path, "2026-10") == second


def test_a_month_nobody_reported_stays_out_of_the_next_one(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, SEPTEMBER, **DEV), attempt(2, OCTOBER, **DEV)])
    assert rows(report(url, tmp_path, "2026-10")) == [("flux-2-dev", "2026-10", 1)]
    assert rows(report(url, tmp_path, "2026-09")) == [("flux-2-dev", "2026-09", 1)]


def test_another_name_for_the_licence_reports_nothing_again(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, **DEV)])
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO)
    assert len(rows(report(url, tmp_path, "2026-10"))) == 1
    assert rows(report(url, tmp_path, "2026-10", "--scenario", scenario, name="black forest labs")) == []
    with pytest.raises(PlannerError, match="the scenario holds none of that vendor; use one of Black Forest Labs"):
        report(url, tmp_path, "2026-10", "--scenario", scenario, name="Acme")


@pytest.mark.parametrize("seed", range(4))
def test_however_settlements_and_reports_interleave_every_image_is_reported_once(url: str, tmp_path: Path,
                                                                                 seed: int) -> None:
    rng = random.Random(seed)
    months = [f"2026-{number:02}" for number in range(6, 11)]
    begins = [datetime(2026, number, 2, tzinfo=UTC) for number in range(6, 11)]
    write_books(url, [attempt(number, begin + timedelta(minutes=number), **rng.choice((DEV, OPEN)))
                      for number, begin in enumerate(begins * 6)])
    reported: Counter[str] = Counter()
    for month in months:
        text = report(url, tmp_path, month, "--look-back", 9)
        for model, _, images in rows(text):
            reported[model] += images
        assert reported["flux-2-dev"] == made_until(url, month)
        chosen = [f"a{number:06}" for number in range(30) if rng.random() < 0.3]
        settle(url, chosen, rng.randint(0, 2))
        assert report(url, tmp_path, month, "--look-back", 9) == text
    with pytest.raises(PlannerError, match="2026-11 is not over"):
        report(url, tmp_path, "2026-11")


def test_pruned_months_are_told_from_their_sums(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, SEPTEMBER, **DEV), attempt(2, SEPTEMBER, **DEV), attempt(3, OCTOBER, **DEV)])
    path = settings(tmp_path)
    first = report(url, tmp_path, "2026-09", "--settings", path)
    books = open_books(url)
    roll_up(books, "2026-09")
    prune(books, datetime(2026, 10, 1, tzinfo=UTC))
    books.dispose()
    second = report(url, tmp_path, "2026-10", "--settings", path, "--look-back", 0)
    assert rows(second) == [("flux-2-dev", "2026-10", 1)]
    assert report(url, tmp_path, "2026-09", "--settings", path) == first


@pytest.mark.parametrize("where", ["planner.closing.licensed.add_lines",
                                   "planner.commands.export.write_licence_report"])
def test_a_process_killed_on_the_way_reports_nothing_twice(url: str, tmp_path: Path, where: str) -> None:
    write_books(url, [attempt(1, **DEV), attempt(2, **DEV)])
    out = tmp_path / "report.csv"
    arguments = ["export", "licence", "--month", "2026-10", "--ledger", url, "--licence", "BFL", "--plans",
                 str(tmp_path), "--out", str(out)]
    module = where.rpartition(".")[0]
    code = (f"import os, signal, sys, {module}; {where} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL); "
            f"sys.argv[1:] = {arguments!r}; from planner.cli import main; main()")
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert killed.returncode == -9, killed.stderr
    assert not out.exists()
    text = report(url, tmp_path, "2026-10")
    assert rows(text) == [("flux-2-dev", "2026-10", 2)]
    assert report(url, tmp_path, "2026-10") == text


def test_what_cannot_be_reported_is_said_in_a_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1, **DEV)])
    with pytest.raises(PlannerError, match=r"--licence 'Acme': no such terms are known; use one of BFL"):
        report(url, tmp_path, "2026-10", name="Acme")
    register = tmp_path / "books.sqlite.licences.jsonl"
    report(url, tmp_path, "2026-10")
    register.write_text(register.read_text()[:30])
    with pytest.raises(PlannerError, match="cannot be read; bring back the file"):
        report(url, tmp_path, "2026-10")
