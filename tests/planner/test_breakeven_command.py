"""`planner breakeven` and `planner scenarios` from the outside: output, exit codes, one line for what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tables import DATA, ROOT

PLANNER = Path(sys.executable).with_name("planner")
ON = ("--on", "2026-11-22")
SCENARIO = (DATA / "scenarios" / "h100_always_on.toml").read_text()


def planner(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PLANNER, *arguments], capture_output=True, text=True, check=False, cwd=cwd)


def test_the_parts_come_in_their_order() -> None:
    text = planner("breakeven", "team", *ON).stdout
    parts = ["Displaceable spend", "Savings ladder", "Break-even volume", "P(own GPUs cheaper",
             "What moves the break-even most", "Cost of each option", "Verdict:"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_json_is_json_alone() -> None:
    answer = planner("breakeven", "article", *ON, "--json")
    told = json.loads(answer.stdout)
    assert answer.stderr == ""
    assert told["break_even"]["first_crossing"] == 10_074
    assert told["draws"] == 10_000
    assert [rung["name"] for rung in told["ladder"]] == [
        "today's bill", "right quality", "batch lane", "hosted Flux", "own GPUs"]
    assert {"p10", "p50", "p90", "first_crossing", "durable_crossing", "binding"} <= set(told["break_even"])


def test_a_solved_value_is_printed() -> None:
    text = planner("breakeven", "article", *ON, "--solve", "rent").stdout
    assert "cost the same with rent" in text


def test_all_options_lists_the_refused_ones_with_their_reason() -> None:
    text = planner("breakeven", "article", *ON, "--all-options").stdout
    assert "not sold" in text or "cannot be priced" in text
    assert "more with --all-options" not in text


def test_a_setting_is_printed_as_stated() -> None:
    text = planner("breakeven", "h100_always_on", *ON, "--set", "own.cost.usd_per_gpu_h=1.19").stdout
    assert "own.cost.usd_per_gpu_h = 1.19  (stated, not checked: set on the command line)" in text


def test_the_scenarios_stand_side_by_side() -> None:
    told = json.loads(planner("scenarios", "--on", "2026-11-22", "--json").stdout)
    assert {row["scenario"] for row in told} == {path.stem for path in (DATA / "scenarios").glob("*.toml")}
    text = planner("scenarios", "--on", "2026-11-22").stdout
    assert all(row["scenario"] in text for row in told)


def test_the_tables_of_an_overlay_are_used(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.toml").write_text(SCENARIO)
    answer = planner("breakeven", "mine", *ON, "--data", str(tmp_path), "--json")
    assert json.loads(answer.stdout)["scenario"].startswith("An always-on H100")


BROKEN_SCENARIOS = [
    ("images_per_month = 60_000", "images_per_month = -1", ("images_per_month", "-1", "range")),
    ("images_per_month = 60_000", 'images_per_month = "lots"', ("images_per_month", "lots")),
    ("images_per_month", "images_a_month", ("images_a_month", "did you mean 'images_per_month'")),
    ('gpu = "h100-sxm"', 'gpu = "h1000"', ("gpu = 'h1000'", "planner gpus")),
    ('model = "flux-2-klein-4b"', 'model = "flux-7"', ("model = 'flux-7'", "planner models")),
    ('quality = "medium"', 'quality = "auto"', ("quality = 'auto'", "use one of")),
    ('quality = "medium"', 'quality = "medum"', ("quality = 'medum'", "use one of")),
    ("openai/gpt-image-2", "openai/gpt-image-9", ("gpt-image-9", "did you mean")),
    ('size = "1024x1024"', 'size = "1000x1000"', ("size = '1000x1000'", "1008x1008")),
    ("usd_per_gpu_h = 2.69", "usd_per_gpu_h = 0", ("usd_per_gpu_h", "greater than 0")),
    ("schema = 1", "schema = 9", ("schema = 9", "update the planner")),
    ("[own]", "[own", ("TOML", "line")),
    ('kind = "rented"', 'kind = "borrowed"', ("own.cost", "kind = 'rented'")),
]


@pytest.mark.parametrize(("old", "new", "says"), BROKEN_SCENARIOS)
def test_a_broken_scenario_is_one_line_and_exit_code_2(tmp_path: Path, old: str, new: str,
                                                       says: tuple[str, ...]) -> None:
    assert old in SCENARIO
    (tmp_path / "broken.toml").write_text(SCENARIO.replace(old, new))
    refused(planner("breakeven", "broken.toml", *ON, cwd=tmp_path), says)


def refused(answer: subprocess.CompletedProcess[str], says: tuple[str, ...]) -> None:
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    for part in says:
        assert part in answer.stderr


BROKEN_TABLES = [
    ("prices/openai.csv", "usd", "usdd", ("openai.csv:1", "usdd", "unknown column")),
    ("gpus/rents.csv", ",on-demand,", ",forever,", ("rents.csv:", "forever", "use one of")),
    ("prices/bfl.csv", "per_mp", "per_moon", ("bfl.csv:", "per_moon", "use one of")),
    ("throughput/flux2.csv", "23.1396", "quick", ("flux2.csv:2", "quick", "not a number")),
    ("models/cards.csv", ",closed,", ",shut,", ("cards.csv:2", "shut", "use one of open, closed")),
    ("throughput/law.json", '"owner"', '"owner_of"', ("law.json", "planner throughput --fit")),
]


@pytest.mark.parametrize(("table", "old", "new", "says"), BROKEN_TABLES)
def test_a_broken_table_is_one_line_with_file_and_line(tmp_path: Path, table: str, old: str, new: str,
                                                       says: tuple[str, ...]) -> None:
    target = tmp_path / table
    target.parent.mkdir(parents=True)
    shutil.copy(DATA / table, target)
    text = target.read_text()
    assert old in text
    target.write_text(text.replace(old, new, 1))
    command = "throughput" if table.startswith(("throughput", "models")) else "breakeven"
    arguments = ("--model", "klein-4b", "--gpu", "h100") if command == "throughput" else ON
    refused(planner(command, *arguments, "--data", str(tmp_path)), says)


@pytest.mark.parametrize(("arguments", "says"), [
    (("breakeven", "nowhere"), ("nowhere", "one of article")),
    (("breakeven", "article", "--data", "/nowhere"), ("/nowhere", "no such folder")),
    (("throughput", "--model", "flux-2-dev", "--gpu", "rtx-4090"), ("GiB", "24 GiB are there")),
    (("price", "openai/gpt-image-2", "--size", "1024x1024"), ("quality", "use one of")),
    (("price", "bfl/flux-2-pro", "--size", "1024x1024", "--on", "2020-01-01"), ("no price is known on 2020-01-01",))])
def test_a_question_that_cannot_be_answered_is_one_line(arguments: tuple[str, ...], says: tuple[str, ...]) -> None:
    refused(planner(*arguments), says)
