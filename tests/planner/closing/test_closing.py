"""A month closed: everything in one folder, once for the same books, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from planner.closing import month_close
from planner.closing.line_file import held
from planner.closing.outcomes import ACCURACY
from planner.errors import PlannerError
from router.errors import LedgerError
from router.ledger.books import writing
from router.ledger.open import open_books
from router.ledger.tables import attempts
from tests.planner.actuals.month_books import GPU, MONTH, OPENAI, attempt, said, settings, write_books
from tests.planner.actuals.test_focus import STORY
from tests.planner.closing.plan_folders import BFL, bill, image_line, month_of, plan_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SCENARIO = """
schema = 1
name = "A small shop"
[[segment]]
name = "bulk"
images_per_month = 9_000
today = { model = "bfl/flux-2-pro" }
[own]
model = "flux-2-klein-4b"
gpu = "l40s"
seconds_per_image = 5
cost = { kind = "rented", plan = "on-demand", usd_per_gpu_h = 0.79 }
[[licence]]
vendor = "BFL"
models = ["flux-2-klein-4b"]
usd_per_month = 0
document = "made up"
"""
USUAL = {"accruals.csv", "accuracy.json", "actuals.csv", "actuals.json", "chargeback.csv", "focus.csv", "receipt.json",
         "variance.csv", "variance.json"}


def shop(folder: Path, url: str) -> list[object]:
    """Books of October, a plan of it that was approved, and what a close of it is asked with."""
    write_books(url, STORY)
    plan_folder(folder / "plans" / "oct", [month_of(MONTH, [image_line("bulk", BFL, "8.000", price="0.03")],
                                                    [bill("staff", "10.000000")])])
    return ["close", "--month", MONTH, "--ledger", url, "--settings", settings(folder), "--plans", folder / "plans",
            "--out", folder / "out"]


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {path.relative_to(folder).as_posix(): (sha256(path), path.stat().st_mtime_ns)
            for path in folder.rglob("*") if path.is_file()}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def column(path: Path, name: str) -> Decimal:
    with path.open(newline="") as file:
        return sum((Decimal(row[name]) for row in csv.DictReader(file)), Decimal(0))


def change(url: str) -> None:
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(attempts).where(attempts.c.id == STORY[0]["id"]).values(settled_micro_usd=77_000))
    books.dispose()


def test_every_file_holds_the_same_month(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    text = said(*asked)
    folder = tmp_path / "out" / MONTH
    assert names(folder) == USUAL
    total = Decimal(document(folder / "actuals.json")["total"]["micro_usd"]).scaleb(-6)
    assert column(folder / "focus.csv", "EffectiveCost") == column(folder / "actuals.csv", "usd") == total
    assert column(folder / "chargeback.csv", "cost_usd") == total
    assert column(folder / "variance.csv", "usd") == total + 10
    variance = document(folder / "variance.json")["variance"]
    assert column(folder / "variance.csv", "difference_usd") == Decimal(
        variance["total"]["difference_micro_usd"]).scaleb(-6)
    assert column(folder / "accruals.csv", "accrual_usd") == column(folder / "focus.csv", "BilledCost")
    assert document(folder / "accuracy.json")["outcomes"][0]["micro_usd"] == variance["total"]["micro_usd"]
    for words in (f"{MONTH} closed: {folder} (final, revision 1); {total:,.6f} USD", "plan in force: oct (approved)",
                  "left out: reconcile.json: no --invoice",
                  "left out: licence reports and the next plan: no --scenario"):
        assert words in text


def test_the_receipt_names_every_input_and_output_by_hash(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    said(*asked)
    folder = tmp_path / "out" / MONTH
    receipt = document(folder / "receipt.json")
    written = {name: digest for name, (digest, _) in state(folder).items() if name != "receipt.json"}
    assert receipt["files"] == written
    assert receipt["files_read"] == {"router.toml": sha256(tmp_path / "router.toml")}
    assert receipt["plans"] == {"oct": sha256(tmp_path / "plans" / "oct" / "plan.json")}
    assert "prices/openai.csv" in receipt["tables"]


def test_the_next_plan_and_the_licence_report_are_in_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    (tmp_path / "shop.toml").write_text(SCENARIO)
    asked = [*shop(tmp_path, url), "--scenario", tmp_path / "shop.toml", "--plan-months", 1]
    assert "licence BFL: " in said(*asked)
    folder = tmp_path / "out" / MONTH
    assert names(folder) > USUAL | {"licence-bfl.csv", "plan-2026-11/plan.json", "plan-2026-11/scenario.toml"}
    images = sum(row["images"] for row in STORY if row["backend"] == "gpu")
    assert column(folder / "licence-bfl.csv", "images") == images
    plan = document(folder / "plan-2026-11" / "plan.json")
    assert (plan["planned_on"], plan["months"][0]["month"]) == ("2026-10-31", "2026-11")
    assert plan["from_ledger"]["taken"][0]["key"] == "segment.bulk.images_per_month"
    assert document(folder / "plan-2026-11" / "status.json")["state"] == "draft"
    before = state(tmp_path)
    assert "nothing has changed" in said(*asked)
    assert state(tmp_path) == before


def test_statements_are_reconciled_and_accrued_for(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    statement = tmp_path / "bfl.csv"
    statement.write_text("date,model,images,credits\n2026-10-01,flux-2-pro,3,9\n")
    assert "bfl: statement" in said(*asked, "--invoice", statement)
    folder = tmp_path / "out" / MONTH
    assert document(folder / "reconcile.json")["vendors"][0]["stated_usd"] == "0.090000"
    assert column(folder / "accruals.csv", "invoiced_usd") == Decimal("0.09")


def test_unchanged_books_change_no_byte(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    said(*asked)
    plans, out = state(tmp_path / "plans"), state(tmp_path / "out")
    for _ in range(2):
        assert said(*asked) == (f"{MONTH}: nothing has changed since {tmp_path / 'out' / MONTH} was closed; "
                                "no byte was written\n")
        assert (state(tmp_path / "plans"), state(tmp_path / "out")) == (plans, out)


def test_changed_books_make_a_revision_beside_the_first(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    said(*asked)
    first = state(tmp_path / "out" / MONTH)
    change(url)
    assert "revision 2" in said(*asked)
    assert state(tmp_path / "out" / MONTH) == first
    second = tmp_path / "out" / f"{MONTH}.r2"
    assert document(second / "receipt.json")["revision"] == 2
    assert sha256(second / "focus.csv") != first["focus.csv"][0]
    assert "nothing has changed since" in said(*asked)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MONTH, f"{MONTH}.r2"}


def test_a_file_that_was_changed_by_hand_is_named(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    said(*asked)
    (tmp_path / "out" / MONTH / "actuals.csv").write_text("other")
    assert f"note: {tmp_path / 'out' / MONTH / 'actuals.csv'} is not what was written then" in said(*asked)


def test_what_is_kept_of_plans_is_kept_once(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = shop(tmp_path, url)
    with monkeypatch.context() as patched:
        patched.setattr(month_close, "keep_outcomes", _killed)
        with pytest.raises(RuntimeError, match="killed"):
            said(*asked)
    assert (tmp_path / "out" / MONTH).is_dir()
    assert not (tmp_path / "plans" / ACCURACY).exists()
    said(*asked)
    change(url)
    said(*asked)
    assert len((tmp_path / "plans" / ACCURACY).read_text().splitlines()) == 1


def _killed(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("where", ["write_actuals", "write_statements", "file_hashes", "publish"])
def test_a_killed_process_leaves_no_half_folder(url: str, tmp_path: Path, where: str) -> None:
    asked = [str(one) for one in shop(tmp_path, url)]
    code = ("import os, signal, sys, planner.closing.month_close as module; "
            f"module.{where} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL); "
            f"sys.argv[1:] = {asked!r}; from planner.cli import main; main()")
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert killed.returncode == -9, killed.stderr
    assert [path for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == []
    assert "revision 1" in said(*asked)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MONTH}
    assert names(tmp_path / "out" / MONTH) == USUAL


def test_of_two_at_once_one_says_so(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    (tmp_path / "out").mkdir()
    with held(tmp_path / "out", wait=False), pytest.raises(PlannerError, match="another planner close works there"):
        said(*asked)
    assert list((tmp_path / "out").iterdir()) == []
    assert "revision 1" in said(*asked)


def test_two_processes_make_one_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    command = [str(one) for one in shop(tmp_path, url)]
    code = f"import sys; sys.argv[1:] = {command!r}; from planner.cli import main; main()"
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True) for _ in range(2)]
    told = ["".join(process.communicate(timeout=60)) for process in both]
    assert sum("revision 1" in text for text in told) == 1
    other = next(text for text in told if "revision 1" not in text)
    assert "another planner close works there" in other or "nothing has changed" in other
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MONTH}


@contextmanager
def refused(folder: Path, why: str, kind: type[Exception] = PlannerError) -> Iterator[None]:
    """A close that says why in one line, and that has written nothing."""
    before = state(folder)
    with pytest.raises(kind, match=why) as raised:
        yield
    assert "\n" not in str(raised.value)
    assert state(folder) == before
    assert not (folder / "out").exists()


def test_what_cannot_be_closed_is_said_in_a_line_and_nothing_is_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    asked = shop(tmp_path, url)
    running = datetime.now(tz=UTC).strftime("%Y-%m")
    with refused(tmp_path, rf"{running} is not over; close it from 20\d\d-\d\d-01 01:00 UTC on"):
        said(*asked, "--month", running)
    with refused(tmp_path, "there is no such file", LedgerError):
        said(*asked, "--ledger", f"sqlite:///{tmp_path}/none.sqlite")
    with refused(tmp_path, "no attempt in 2026-08"):
        said(*asked, "--month", "2026-08")
    (tmp_path / "half.csv").write_text("date,model,images,credits\n2026-10-01,flux-2-pro,3,9\n2026-10-02,flux-2-p")
    with refused(tmp_path, "half.csv"):
        said(*asked, "--invoice", tmp_path / "half.csv")
    with refused(tmp_path, "no folder .Not a directory"):
        said(*asked, "--out", tmp_path / "half.csv" / "out")
    with refused(tmp_path, "no folder .File exists"):
        said(*asked, "--out", tmp_path / "half.csv")
    with refused(tmp_path, "no such folder; name one that holds plans"):
        said(*asked, "--plans", tmp_path / "none")
    with refused(tmp_path, "no such bill"):
        said(*asked, "--bill", "tea=1")


def test_cards_of_unknown_cost_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1, **GPU)])
    (tmp_path / "plans").mkdir()
    with refused(tmp_path, "what an hour of its cards costs is not known"):
        said("close", "--month", MONTH, "--ledger", url, "--plans", tmp_path / "plans", "--out", tmp_path / "out")


def test_an_attempt_without_an_end_is_provisional_until_it_has_one(url: str, tmp_path: Path) -> None:
    asked = shop(tmp_path, url)
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(attempts).where(attempts.c.id == STORY[0]["id"]).values(state="sent"))
    books.dispose()
    assert "(provisional, revision 1)" in said(*asked)
    assert not (tmp_path / "plans" / ACCURACY).exists()
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(attempts).where(attempts.c.id == STORY[0]["id"]).values(state="billed"))
    books.dispose()
    assert "(final, revision 2)" in said(*asked)
    assert (tmp_path / "plans" / ACCURACY).exists()


def test_plans_and_closed_months_may_share_a_folder(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, BEGIN_OF_OCTOBER, **OPENAI)])
    plan_folder(tmp_path / "all" / "oct", [month_of(MONTH, [image_line("bulk", BFL, "1.000", price="0.03")])])
    asked = ["close", "--month", MONTH, "--ledger", url, "--plans", tmp_path / "all", "--out", tmp_path / "all"]
    assert "plan in force: oct" in said(*asked)
    assert "nothing has changed" in said(*asked)


BEGIN_OF_OCTOBER = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=1)
