"""`planner measure --pipeline` from its command to its rows, on the CPU and beside a library that stands for a card."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router.gpus import load_gpus
from router.runs import Run as Row
from router.runs import load_runs, own_timings, why_unused
from router.tables import read_rows

if TYPE_CHECKING:
    from .conftest import Run

pytestmark = pytest.mark.torch

TINY = ("measure", "--pipeline", "tiny-klein", "--random-weights", "--device", "cpu", "--sizes", "64x64",
        "--steps", "2", "--energy-s", "2.1")
DATA = Path(__file__).parents[3] / "data"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_grid_on_the_cpu_is_measured_row_by_row_and_enters_no_plan(planner: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    done = planner("measure", "--pipeline", "tiny-dev", "--random-weights", "--device", "cpu", "--sizes",
                   "64x64,96x64", "--steps", "1,2", "--batch", "2,1", "--repeat", "3", "--data", "mine", "--json")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "mine" / "throughput" / "runs" / "tiny-dev-cpu.csv"
    rows = read_rows(path, Row)
    assert len(rows) == 2 * 2 * 2 * 3
    work = [row.size.pixels * row.steps * row.batch for row in rows]
    assert work == sorted(work)
    first = rows[0]
    assert (first.gpu, first.model, first.weights, first.precision, first.joules, first.driver) == (
        "cpu", "", "random", "fp32", None, "")
    assert first.wall_s > (first.denoise_s or 0) > 0
    assert all((first.torch, first.diffusers, first.transformers, first.python, first.session, first.at))
    assert {row.repeat for row in rows} == {1, 2, 3}
    told = json.loads(done.stdout)
    assert [cell["runs"] for cell in told["cells"]] == [3] * 8
    assert "on the CPU: the rows are labelled so and never enter the plan of a card" in done.stderr
    runs = load_runs((tmp_path / "mine",))
    assert {why_unused(run, load_gpus((DATA,))) for run in runs} == {"made on the CPU: says nothing of a card"}
    assert own_timings(runs, load_gpus((DATA,))) == ()


def test_beside_a_card_rows_hold_what_it_says(planner: Run, tmp_path: Path) -> None:
    done = planner(*TINY, "--repeat", "2", "--card", "0", "--out", "rows.csv", STUB_WATTS="300,100,2")
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "rows.csv", Row)
    for row in rows:
        assert row.joules_from == "counter"
        assert row.joules_over_s is not None
        assert row.joules_over_s >= 2
        assert row.power_w == pytest.approx(300, rel=0.1)
        # A batch out of a stretch of batches: its share of the power over about its own time.
        assert row.joules == pytest.approx(300 * row.wall_s, rel=0.6)
        assert (row.sm_mhz, row.memory_mhz, row.temperature_c, row.used_vram_gib) == (1980, 2619, 61, 20)
        assert (row.driver, row.other_processes, row.throttled) == ("599.12", 0, "")


@pytest.mark.parametrize(("settings", "text"), [
    ({"STUB_MIG": "1"}, "MIG is on: a slice is another card"),
    ({"STUB_REASONS": "0x40"}, "it is too hot and slowed down"),
    ({"STUB_REASONS": "0x80"}, "its supply brakes it"), ({"STUB_REASONS": "0x2"}, "somebody has set lower clocks"),
    ({"STUB_PIDS": "41,42"}, "other processes compute on it (41, 42)"), ({"STUB_BUSY": "60"}, "it is 60% busy")])
def test_a_card_that_may_not_be_measured_is_refused_with_the_reason(
        planner: Run, tmp_path: Path, settings: dict[str, str], text: str) -> None:
    refused = planner(*TINY, "--repeat", "1", "--card", "0", "--out", "rows.csv", **settings)
    assert refused.returncode == 2
    last = refused.stderr.splitlines()[-1]
    assert text in last
    assert last.startswith("planner: NVIDIA H100 80GB HBM3 is not to be measured: ")
    assert not (tmp_path / "rows.csv").exists()


def test_a_card_that_is_measured_all_the_same_is_noted_in_its_rows(planner: Run, tmp_path: Path) -> None:
    forced = planner(*TINY, "--repeat", "1", "--card", "0", "--out", "rows.csv", "--force", STUB_MIG="1", STUB_PIDS="7")
    assert forced.returncode == 0, forced.stderr
    (row,) = read_rows(tmp_path / "rows.csv", Row)
    assert "MIG is on" in row.note
    assert "other processes compute on it (7)" in row.note
    assert row.other_processes == 1


def test_a_card_at_its_power_cap_is_measured(planner: Run, tmp_path: Path) -> None:
    assert planner(*TINY, "--repeat", "1", "--card", "0", "--out", "rows.csv", STUB_REASONS="0x4").returncode == 0
    assert [row["throttled"] for row in rows_of(tmp_path / "rows.csv")] == ["power-cap"]


@pytest.mark.parametrize("settings", [{"STUB_ABSENT": "1"}, {"LD_LIBRARY_PATH": ""}])
def test_without_the_driver_one_line_says_so_and_cpu_rows_are_written(
        planner: Run, tmp_path: Path, settings: dict[str, str]) -> None:
    done = planner(*TINY, "--repeat", "1", "--card", "0", "--out", "rows.csv", **settings)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.startswith("no card can be read: NVML says ")]
    (row,) = read_rows(tmp_path / "rows.csv", Row)
    assert (row.gpu, row.joules, row.driver, row.other_processes) == ("cpu", None, "", None)


def test_a_measurement_goes_on_where_it_was_broken_off(planner: Run, tmp_path: Path) -> None:
    asked = (*TINY, "--out", "rows.csv")
    assert planner(*asked, "--repeat", "2").returncode == 0
    path = tmp_path / "rows.csv"
    torn = path.read_text() + path.read_text().splitlines()[-1][:40]
    path.write_text(torn)
    again = planner(*asked, "--repeat", "4", "--json")
    assert again.returncode == 0, again.stderr
    assert "its last line was torn" in again.stderr
    assert "goes on, 2 of 4 repetitions are there" in again.stderr
    rows = read_rows(path, Row)
    assert [row.repeat for row in rows] == [1, 2, 3, 4]
    assert len({row.session for row in rows}) == 2
    assert json.loads(again.stdout)["cells"][0]["runs"] == 4
    before = path.read_bytes()
    assert planner(*asked, "--repeat", "3").returncode == 0
    assert path.read_bytes() == before


BAD: list[tuple[tuple[str, ...], str]] = [
    ((), "give --pipeline or --endpoint, one of the two"),
    (("--pipeline", "x", "--endpoint", "http://a"), "give --pipeline or --endpoint, one of the two"),
    (("--pipeline", "tiny-dev", "--random-weights", "--sizes", "64"), "--sizes 64: '64' is not a size"),
    (("--pipeline", "tiny-dev", "--random-weights", "--sizes", "70x64"), "70x64: sides are multiples of 16"),
    (("--pipeline", "tiny-dev", "--random-weights", "--sizes", ","), "names nothing to measure"),
    (("--pipeline", "tiny-dev", "--random-weights", "--steps", "0"), "--steps 0: give whole numbers from 1"),
    (("--pipeline", "tiny-dev", "--random-weights", "--batch", "x"), "--batch x: give whole numbers from 1"),
    (("--pipeline", "no/such", "--offline", "--device", "cpu"), "no/such: cannot be loaded"),
    (("--pipeline", "absent", "--device", "cpu"), "no folder of that name"),
    (("--pipeline", "gpt-image-2", "--random-weights", "--device", "cpu"), "closed weights have no configuration"),
    (("--pipeline", "tiny-dev", "--random-weights", "--device", "cuda:9"), "torch finds no such device"),
    (("--pipeline", "tiny-dev", "--random-weights", "--device", "cpu", "--card", "7"), "--card 7: the driver has 1"),
    (("--pipeline", "tiny-dev", "--random-weights", "--device", "cpu", "--data", "absent"), "no such folder")]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_what_cannot_be_measured_is_one_line(
        planner: Run, tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    done = planner("measure", *arguments)
    assert done.returncode == 2
    assert text in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_something_else_is_not_written_to(planner: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    done = planner(*TINY, "--out", "rows.csv")
    assert done.returncode == 2
    assert "unknown column" in done.stderr
    assert (tmp_path / "rows.csv").read_text() == "a,b\n1,2\n"
    (tmp_path / "folder.csv").mkdir()
    assert "cannot be written" in planner(*TINY, "--out", "folder.csv").stderr


def test_without_a_folder_rows_go_where_the_line_says(planner: Run, tmp_path: Path) -> None:
    done = planner(*TINY, "--repeat", "1")
    assert "plans use it with --data breakeven-data" in done.stderr
    assert [path.name for path in (tmp_path / "breakeven-data" / "throughput" / "runs").iterdir()] == [
        "tiny-klein-cpu.csv"]


