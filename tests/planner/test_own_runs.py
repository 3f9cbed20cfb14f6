"""Own runs and the law: refitted with them, held against them as if unseen, and what the command prints of both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from planner.commands.throughput import throughput
from planner.errors import PlannerError
from planner.own_runs import compare, refit_with_runs
from router.law import LAW_FILE
from router.quantities import Size
from router.service_time import ServiceAsk, estimate, load_law, timing
from router.work import OWN_SOURCE
from tests.runs import repeated, write_runs
from tests.tables import DATA, law

if TYPE_CHECKING:
    from pathlib import Path

ASK = ServiceAsk("klein-4b", "l40s")
SLOW = (*repeated(3.0, 3.02, 3.01), *repeated(0.9, 0.91, 0.9, cell="5a11", size=Size(512, 512)))


@pytest.fixture(scope="module")
def refitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with runs on a slow L40S, and the law that has seen them."""
    folder = write_runs(tmp_path_factory.mktemp("refitted"), SLOW)
    assert refit_with_runs([DATA, folder]) == 2
    return folder


def printed(*arguments: str) -> str:
    answer = CliRunner().invoke(throughput, arguments, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def as_json(*arguments: str) -> Any:
    return json.loads(printed(*arguments, "--json"))


def test_the_refitted_law_is_that_of_the_owner_and_knows_what_it_saw(refitted: Path) -> None:
    own = load_law([DATA, refitted])
    assert own.coefficients.owner == OWN_SOURCE
    assert not any("--refit" in note for note in estimate(own, ASK).notes)
    write_runs(refitted.parent / "more", (*SLOW, *repeated(6.0, cell="8", steps=8)))
    (refitted.parent / "more" / LAW_FILE).write_text((refitted / LAW_FILE).read_text())
    more = load_law([DATA, refitted.parent / "more"])
    assert any("--refit" in note for note in estimate(more, ASK).notes)


def test_the_refitted_law_moves_what_was_not_measured_towards_the_machine(refitted: Path) -> None:
    own, other = load_law([DATA, refitted]), ServiceAsk("klein-4b", "l40s", size=Size(768, 768))
    before, after = timing(law(), other), timing(own, other)
    assert after.seconds_per_image > before.seconds_per_image
    assert after.high / after.low < before.high / before.low


def test_a_card_the_owner_has_not_timed_is_nobodys_machine(refitted: Path) -> None:
    own, other = load_law([DATA, refitted]), ServiceAsk("klein-4b", "h100-sxm", "sglang")
    before, after = timing(law(), other), timing(own, other)
    assert after.setup.source == ""
    assert timing(own, ServiceAsk("klein-4b", "l40s", steps=9)).setup.source == OWN_SOURCE
    assert after.high / after.low < before.high / before.low * 1.05


def test_the_comparison_is_with_a_law_that_has_not_seen_the_runs(refitted: Path) -> None:
    found = compare([DATA, refitted])
    whole = next(row for row in found.rows if row.own.row.part == "pipeline" and row.own.row.size == Size(1024, 1024))
    assert whole.predicted == pytest.approx(timing(law(), ASK).seconds_per_image)
    assert whole.error == pytest.approx(whole.predicted / 3.01 - 1)
    assert whole.covered == (whole.low <= 3.01 <= whole.high)
    assert len(found.rows) == 4
    assert found.left_out == ()


def test_a_base_folder_of_ones_own_is_fitted_without_its_runs(refitted: Path, tmp_path: Path) -> None:
    for name in ("models", "gpus", "energy"):
        (tmp_path / name).symlink_to(DATA / name)
    (tmp_path / "throughput").mkdir()
    for name in ("flux1.csv", "flux2.csv", "engines.csv"):
        (tmp_path / "throughput" / name).symlink_to(DATA / "throughput" / name)
    (tmp_path / LAW_FILE).write_text((refitted / LAW_FILE).read_text())
    write_runs(tmp_path, SLOW)
    whole = next(row for row in compare([tmp_path]).rows if row.own.row.size == Size(1024, 1024))
    assert whole.predicted == pytest.approx(timing(law(), ASK).seconds_per_image, rel=1e-2)


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    write_runs(tmp_path, (
        *repeated(2.2, 2.2), *repeated(2.0, cell="r", weights="random"), *repeated(70.0, 71.0, cell="cpu", gpu="cpu"),
        *repeated(2.6, cell="busy", note="it is 40% busy: stop what uses it"),
        *repeated(0.01, 0.01, cell="fast", steps=5)))
    left_out = dict(compare([DATA, tmp_path]).left_out)
    assert left_out["made on the CPU: says nothing of a card"] == 2
    assert left_out["random weights, where the same was run with trained ones"] == 1
    assert left_out["measured all the same: it is 40% busy: stop what uses it"] == 1
    assert left_out["faster than l40s can be at its peak: check card, size and steps"] == 2
    assert sum(left_out.values()) == 6


def test_runs_the_law_does_not_reach_are_told_apart(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(90.0, 91.0, model="flux-2-dev", gpu="rtx-4090", steps=28))
    found = compare([DATA, tmp_path])
    assert found.rows == ()
    assert [count for reason, count in found.left_out if "does not reach" in reason] == [2]


def test_the_shipped_law_is_not_written_over(tmp_path: Path) -> None:
    base = tmp_path / "base"
    for name in ("models", "gpus", "energy"):
        base.mkdir(exist_ok=True)
        (base / name).symlink_to(DATA / name)
    (base / "throughput").mkdir()
    for name in ("flux1.csv", "flux2.csv", "engines.csv", "law.json"):
        (base / "throughput" / name).symlink_to(DATA / "throughput" / name)
    write_runs(base, repeated(2.2))
    with pytest.raises(PlannerError, match="--data"):
        refit_with_runs([base])


def test_without_runs_that_count_nothing_is_refitted(tmp_path: Path) -> None:
    assert refit_with_runs([DATA, write_runs(tmp_path, repeated(70.0, gpu="cpu"))]) == 0
    assert not (tmp_path / LAW_FILE).exists()
    with pytest.raises(PlannerError, match="planner measure"):
        CliRunner().invoke(throughput, ["--refit", "--data", str(tmp_path)], catch_exceptions=False)


def test_no_runs_say_how_to_make_some() -> None:
    assert "planner measure --pipeline" in printed("--compare")
    assert as_json("--compare") == {"median_error": None, "rows": [], "left_out": {}}


def test_the_comparison_is_printed_cell_by_cell(refitted: Path) -> None:
    text = printed("--compare", "--data", str(refitted))
    assert "flux-2-klein-4b l40s diffusers bf16, 1024x1024, 4 steps" in text
    assert "Median error" in text
    told = as_json("--compare", "--data", str(refitted))
    assert [row["runs"] for row in told["rows"]] == [3] * 4
    assert {row["part"] for row in told["rows"]} == {"pipeline", "denoise"}
    assert told["median_error"] == pytest.approx(sorted(abs(row["error"]) for row in told["rows"])[1], abs=0.2)


def test_new_runs_change_the_answer_at_once_and_refit_says_where_it_wrote(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(3.0, 3.1, 3.05, weights="random"))
    asked = ("--model", "klein-4b", "--gpu", "l40s", "--data", str(tmp_path))
    text = printed(*asked)
    assert text.startswith("3.05 s an image")
    assert "[measured, random weights]" in text
    assert "--refit" in text
    assert "has seen 1 kind of batch" in printed("--refit", "--data", str(tmp_path))
    assert "--refit" not in printed(*asked)
    assert as_json(*asked)["own"]["runs"] == 3


def test_the_check_of_the_law_is_as_before_without_own_runs() -> None:
    assert load_law([DATA]).own == {}
    assert not [row for row in law().measurements if row.source_key == OWN_SOURCE]


def test_energy_is_told_in_joules_and_watt_hours_and_co2e_only_with_a_grid() -> None:
    asked = ("--model", "klein-4b", "--gpu", "h100")
    text = printed(*asked)
    assert "J an image" in text
    assert "Wh at the board" in text
    assert "CO2e: name a grid" in text
    told, french = as_json(*asked)["energy"], as_json(*asked, "--grid", "France", "--pue", "1.2")["energy"]
    assert told["label"] == "derived"
    assert told["grid"] is None
    assert "g_per_image" not in told
    assert french["g_per_image"] == pytest.approx(told["joules_per_image"] / 3.6e6 * 1.2 * 44.18)
    assert french["low_g_per_image"] < french["g_per_image"] < french["high_g_per_image"]
    assert "44.18 g CO2e/kWh" in printed(*asked, "--grid", "fr")
    assert "no cooling counted" in printed(*asked, "--grid", "250")
