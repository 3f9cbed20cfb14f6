"""Own runs: what makes one unusable, how repetitions come together, and what they answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from router.errors import OutOfReach, TableError
from router.quantities import Size
from router.runs import load_runs, own_timings, runs_digest, why_unused
from router.service_time import ServiceAsk, estimate, load_law, timing
from router.work import OWN_SOURCE
from tests.runs import a_run, repeated, write_runs
from tests.tables import DATA, law

if TYPE_CHECKING:
    from pathlib import Path

ASK = ServiceAsk("klein-4b", "l40s")


@pytest.mark.parametrize(("changes", "reason"), [
    ({"gpu": "cpu"}, "CPU"), ({"model": ""}, "in no table"), ({"gpu": "", "device_name": "NVIDIA X9"}, "NVIDIA X9"),
    ({"note": "it is 40% busy: stop what uses it"}, "measured all the same: it is 40% busy"),
    ({"other_processes": 2}, "other processes"), ({"throttled": "power-cap thermal"}, "slowed down: thermal"),
    ({"cache": "fbcache"}, "caching"), ({"offload": "model"}, "moved"), ({"lora": True}, "fine-tune"),
    ({"precision": "fp16"}, "fp16 is not modelled"),
])
def test_a_run_that_says_nothing_of_a_plan_says_why(changes: dict[str, Any], reason: str) -> None:
    assert reason in why_unused(a_run(**changes), law().gpus)
    assert own_timings([a_run(**changes)], law().gpus) == ()


def test_a_card_at_its_power_limit_is_measured_as_it_works() -> None:
    assert why_unused(a_run(throttled="power-cap idle"), law().gpus) == ""


def test_repetitions_become_a_median_with_its_spread_whole_and_denoising() -> None:
    whole, denoise = own_timings(repeated(4.0, 4.4, 4.2, batch=2, joules=1400.0), law().gpus)
    assert (whole.runs, whole.seconds_per_image, denoise.seconds_per_image) == (3, 2.1, pytest.approx(2.1 * 0.75))
    assert whole.log_sd == pytest.approx(math.log(4.4 / 4.0) / 2, rel=0.05)
    assert whole.joules_per_image == 700.0
    assert denoise.joules_per_image is None
    assert (whole.row.part, denoise.row.part) == ("pipeline", "denoise")
    assert whole.row.source_key == OWN_SOURCE
    assert whole.row.power_w == pytest.approx(700 / 2.1)
    assert whole.row.peak_vram_gb == pytest.approx(16.5 * 2**30 / 1e9)


def test_trained_weights_come_before_random_ones() -> None:
    random = repeated(2.0, 2.0, 2.0, cell="beef", weights="random")
    assert own_timings(random, law().gpus)[0].weights == "random"
    both = own_timings((*random, *repeated(2.4)), law().gpus)[0]
    assert (both.weights, both.runs, both.seconds_per_image) == ("trained", 1, 2.4)


def test_attention_by_another_name_is_one_kind_and_another_kernel_is_not() -> None:
    runs = (*repeated(2.0, attention="auto"), *repeated(2.2, cell="b", attention="native"),
            *repeated(1.8, cell="d", attention="flash"))
    assert [each.runs for each in own_timings(runs, law().gpus) if each.row.part == "pipeline"] == [2, 1]


def test_a_later_folder_replaces_a_run_and_one_folder_names_it_once(tmp_path: Path) -> None:
    first, second = write_runs(tmp_path / "a", repeated(2.0, 2.1)), write_runs(tmp_path / "b", repeated(3.0))
    assert [run.wall_s for run in load_runs([first, second])] == [3.0, 2.1]
    write_runs(first, repeated(2.0), name="again")
    with pytest.raises(TableError, match="also the id of another run"):
        load_runs([first])


def test_an_exact_hit_answers_with_the_measured_median(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.20, 2.24, 2.22))
    own, asked = load_law([DATA, tmp_path]), estimate(law(), ASK)
    found = estimate(own, ASK)
    assert found.label == "measured"
    assert found.seconds_per_image == 2.22 != asked.seconds_per_image
    assert found.high / found.low < 1.15 < asked.high / asked.low
    assert found.low < 2.22 / 1.045
    assert found.evidence[0].source_key == OWN_SOURCE
    assert any("3 own runs" in note for note in found.notes)
    assert estimate(own, ServiceAsk("klein-4b", "l40s", part="denoise")).seconds_per_image == pytest.approx(1.665)


@pytest.mark.parametrize("changes", [
    {"size": Size(512, 512)}, {"steps": 8}, {"batch": 2}, {"references": 1}, {"compile": True}, {"precision": "fp8"},
    {"gpu": "h100-sxm"}, {"engine": "sglang"}, {"model": "klein-base-4b"}])
def test_another_question_is_left_to_the_law(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_runs(tmp_path, repeated(2.20, 2.24, 2.22))
    ask = ServiceAsk(**{"model": "klein-4b", "gpu": "l40s"} | changes)
    found = timing(load_law([DATA, tmp_path]), ask)
    assert found.own is None
    assert found.seconds_per_image == timing(law(), ask).seconds_per_image


def test_one_run_is_surer_than_none_and_less_sure_than_ten(tmp_path: Path) -> None:
    one = timing(load_law([DATA, write_runs(tmp_path / "1", repeated(2.2))]), ASK)
    ten = timing(load_law([DATA, write_runs(tmp_path / "10", repeated(*[2.2, 2.21] * 5))]), ASK)
    assert ten.high / ten.low < one.high / one.low < timing(law(), ASK).high / timing(law(), ASK).low


def test_a_measured_batch_fits_whatever_the_arithmetic_of_memory_says(tmp_path: Path) -> None:
    ask = ServiceAsk("flux-2-dev", "rtx-4090", steps=28)
    with pytest.raises(OutOfReach, match="GiB"):
        timing(law(), ask)
    write_runs(tmp_path, repeated(90.0, 91.0, model="flux-2-dev", gpu="rtx-4090", steps=28))
    assert timing(load_law([DATA, tmp_path]), ask).seconds_per_image == 90.5


def test_runs_faster_than_the_card_can_be_answer_nothing(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(0.01, 0.011))
    own = load_law([DATA, tmp_path])
    assert not own.own
    assert estimate(own, ASK).seconds_per_image == estimate(law(), ASK).seconds_per_image


def test_runs_of_an_unknown_model_answer_nothing(tmp_path: Path) -> None:
    assert not load_law([DATA, write_runs(tmp_path, repeated(2.0, model="flux-9-dev"))]).own


def test_random_weights_are_said_wherever_they_are_shown(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.2, 2.2, weights="random"))
    found = estimate(load_law([DATA, tmp_path]), ASK)
    assert found.own is not None
    assert found.own.weights == "random"
    assert any("random weights" in note for note in found.notes)
    assert found.evidence[0].note == "random weights"
    assert found.energy is not None
    assert "random weights" in found.energy.basis


def test_a_law_that_has_not_seen_the_runs_says_so(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.2, 2.2))
    own = load_law([DATA, tmp_path])
    assert any("--refit" in note for note in estimate(own, ServiceAsk("klein-4b", "l40s", steps=8)).notes)
    assert not any("--refit" in note for note in estimate(law(), ASK).notes)
    assert runs_digest(own.own.values()) != runs_digest([]) == ""
