"""`planner throughput` and the lists: what they print, and the user's own runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from planner.calibration import calibrated, read_runs
from planner.commands.lists import engines, gpus, models
from planner.commands.throughput import throughput
from router.errors import OutOfReach, TableError
from router.service_time import ServiceAsk, estimate
from tests.tables import law

if TYPE_CHECKING:
    from pathlib import Path

    from click import Command

HEADER = "model,gpu,engine,precision,compile,size,steps,batch,references,part,seconds_per_image\n"
RUNS = (HEADER + "flux-2-klein-4b,l40s,diffusers,bf16,no,1024x1024,4,1,0,end-to-end,2.2\n"
        "flux-2-klein-4b,l40s,diffusers,bf16,no,512x512,4,1,0,end-to-end,0.8\n")


def printed(command: Command, *arguments: str) -> str:
    answer = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def as_json(command: Command, *arguments: str) -> Any:
    return json.loads(printed(command, *arguments, "--json"))


def test_the_document_has_what_a_reader_needs() -> None:
    told = as_json(throughput, "--model", "flux-2-dev", "--gpu", "h200-sxm", "--engine", "sglang",
                   "--precision", "bf16", "--compile", "--size", "1024x1024", "--steps", "50", "--part", "denoise")
    assert {"seconds_per_image", "low", "high", "images_per_hour", "label", "limit_seconds", "mfu",
            "evidence"} <= set(told)
    assert told["limit_seconds"] == pytest.approx(50 * 282.6e12 / 989e12, rel=1e-3)
    assert 15 < told["low"] < told["seconds_per_image"] < told["high"] < 30
    assert all(row["source"] for row in told["evidence"])


def test_the_text_says_floor_memory_and_evidence() -> None:
    text = printed(throughput, "--model", "klein-4b", "--gpu", "5090")
    assert "floor" in text
    assert "nearest measurements" in text
    assert "everything on the card" in text


def test_a_model_has_to_be_named() -> None:
    answer = CliRunner().invoke(throughput, ["--gpu", "h100"])
    assert answer.exit_code == 2
    assert "planner models" in answer.output


def test_two_own_runs_move_the_answer_to_the_users_machine(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    runs = read_runs(tmp_path / "runs.csv")
    own = calibrated(law(), runs)
    ask = ServiceAsk("flux-2-klein-4b", "l40s", steps=8)
    stranger, mine = estimate(law(), ask), estimate(own, ask)
    assert mine.high / mine.low < stranger.high / stranger.low
    for run in runs:
        assert estimate(own, run.ask).seconds_per_image == pytest.approx(run.seconds_per_image, rel=0.1)


def test_calibration_prints_before_and_after_and_saves(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    overlay = tmp_path / "mine"
    overlay.mkdir()
    answer = CliRunner().invoke(throughput, ["--calibrate", str(tmp_path / "runs.csv"), "--save", str(overlay)])
    assert answer.exit_code == 0
    assert "before" in answer.stderr
    told = as_json(throughput, "--model", "klein-4b", "--gpu", "l40s", "--data", str(overlay))
    assert told["seconds_per_image"] == pytest.approx(2.2, rel=0.05)


@pytest.mark.parametrize(("text", "says"), [
    (HEADER, "no run in it"), (RUNS.replace("2.2", "0"), "seconds_per_image = 0"),
    (RUNS.replace("no", "maybe"), "maybe"),
    (RUNS.replace("compile", "compiled"), "unknown column"), (RUNS.replace("1024x1024", "big"), "big"),
    ("", "missing")])
def test_bad_runs_are_refused_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(TableError, match=says):
        read_runs(tmp_path / "runs.csv")


def test_a_run_on_an_unknown_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS.replace("l40s", "l41"))
    with pytest.raises(OutOfReach, match="gpu = 'l41'"):
        calibrated(law(), read_runs(tmp_path / "runs.csv"))


def test_the_check_prints_every_group_and_every_miss() -> None:
    text = printed(throughput, "--check")
    assert "core rows, setup known to another source" in text
    assert "Left out:" in text
    told = as_json(throughput, "--check")
    assert told["fitted"] == len(told["rows"]) == 208
    missed = {row["id"] for row in told["rows"] if row["why"]}
    assert all(row_id in text for row_id in missed)


def test_a_fit_goes_into_the_users_folder(tmp_path: Path) -> None:
    text = printed(throughput, "--fit", "--data", str(tmp_path))
    assert "208 measurements of 31 sources" in text
    assert (tmp_path / "throughput" / "law.json").is_file()


def test_the_lists_print_text_and_json() -> None:
    assert "apache-2.0" in printed(models)
    assert as_json(models)["flux-2-dev"]["architecture"]["parameters"] == 32_223_281_152
    assert "rent from" in printed(gpus)
    assert as_json(gpus)["h100-sxm"]["measurements"] > 100
    assert any(rent["gpu"] == "rtx-5090" for rent in as_json(gpus, "--rents"))
    assert "Crusoe" in printed(gpus, "--rents")
    assert "torchao" in printed(engines)
    assert as_json(engines)["sglang"]["measurements"]["bf16"] > 30


def test_rents_of_the_future_are_not_listed() -> None:
    assert len(as_json(gpus, "--rents", "--on", "2026-01-01")) < len(as_json(gpus, "--rents", "--on", "2026-11-22"))
