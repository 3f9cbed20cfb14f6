"""The throughput law as it answers: bounds, monotony, labels, memory, and what it refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import OutOfReach, TableError
from router.law import predict, read_coefficients
from router.measurements import load_measurements, why_left_out
from router.quantities import Size
from router.service_time import ServiceAsk, estimate, resolve
from router.setup import footprint
from router.work import DENOISING, base_seconds, effects_of
from tests.tables import DATA, ROOT, law

if TYPE_CHECKING:
    from pathlib import Path

ASK = ServiceAsk("flux-2-klein-4b", "h100-sxm", "sglang")

asks = st.builds(
    ServiceAsk, model=st.sampled_from(["flux-2-klein-4b", "flux-2-klein-base-4b", "flux-2-klein-9b", "flux-1-dev"]),
    gpu=st.sampled_from(["h100-sxm", "h200-sxm", "b200", "gb300", "a100-80gb-pcie", "rtx-pro-6000", "mi300x", "h20"]),
    engine=st.sampled_from(["sglang", "diffusers", "vllm-omni", "xdit", "comfyui", "tensorrt", "nunchaku"]),
    precision=st.sampled_from(["bf16", "fp8", "nvfp4", "int8", "int4", "int8wo"]), compile=st.booleans(),
    size=st.builds(Size, st.integers(16, 128).map(lambda side: 16 * side), st.integers(16, 128).map(lambda s: 16 * s)),
    steps=st.integers(1, 60), batch=st.integers(1, 4), references=st.integers(0, 4),
    part=st.sampled_from(["denoise", "end-to-end"]))


@given(asks)
@settings(max_examples=150, deadline=None)
def test_every_answer_stands_above_the_floor_inside_its_interval(ask: ServiceAsk) -> None:
    found = estimate(law(), ask)
    assert 0 < found.limit_seconds <= found.low <= found.seconds_per_image <= found.high
    assert 0 < found.mfu <= 1
    assert found.images_per_hour == pytest.approx(3600 / found.seconds_per_image)
    assert sum(found.shares.values()) == pytest.approx(1)


@given(asks, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_more_steps_never_take_less_time(ask: ServiceAsk, more: int) -> None:
    longer = replace(ask, steps=(ask.steps or 1) + more)
    assert estimate(law(), longer).seconds_per_image > estimate(law(), ask).seconds_per_image


@given(asks)
@settings(max_examples=60, deadline=None)
def test_a_larger_image_never_takes_less_time_and_denoising_is_a_part_of_the_whole(ask: ServiceAsk) -> None:
    small = replace(ask, size=Size(512, 512))
    large = replace(ask, size=Size(1024, 1024))
    assert estimate(law(), large).seconds_per_image > estimate(law(), small).seconds_per_image
    denoise, whole = replace(ask, part="denoise"), replace(ask, part="end-to-end")
    assert estimate(law(), denoise).seconds_per_image < estimate(law(), whole).seconds_per_image


@given(asks)
@settings(max_examples=60, deadline=None)
def test_a_batch_never_makes_an_image_slower(ask: ServiceAsk) -> None:
    assert (estimate(law(), replace(ask, batch=4)).seconds_per_image
            <= estimate(law(), replace(ask, batch=1)).seconds_per_image * 1.0001)


def test_labels_say_how_near_the_evidence_is() -> None:
    assert estimate(law(), ASK).label == "measured"
    assert estimate(law(), replace(ASK, model="flux-2-klein-9b")).label == "transferred"
    assert estimate(law(), replace(ASK, gpu="rtx-a6000")).label == "derived"


def test_the_answer_is_wider_the_further_the_evidence() -> None:
    near, far = (estimate(law(), replace(ASK, part="denoise", gpu=gpu)) for gpu in ("h100-sxm", "mi325x"))
    assert near.high / near.low < far.high / far.low


def test_the_nearest_measurement_comes_first() -> None:
    first = estimate(law(), ASK).evidence[0]
    assert (first.model, first.gpu, first.engine) == ("flux-2-klein-4b", "h100-sxm", "sglang")


def test_base_weights_run_two_forwards_a_step() -> None:
    once = resolve(law(), replace(ASK, steps=50))
    twice = resolve(law(), replace(ASK, model="flux-2-klein-base-4b", steps=50))
    assert (once.passes, twice.passes) == (50, 100)


def test_a_transformer_that_does_not_fit_is_refused_with_both_numbers() -> None:
    with pytest.raises(OutOfReach, match=r"flux-2-dev in bf16.*needs 6\d\.\d GiB.*24 GiB are there"):
        estimate(law(), ServiceAsk("flux-2-dev", "rtx-4090"))
    with pytest.raises(OutOfReach, match=r"rtx-5090.*flux-2-dev in fp8.*32 GiB"):
        estimate(law(), ServiceAsk("flux-2-dev", "rtx-5090", "comfyui", "fp8"))


def test_dev_on_eighty_gigabytes_swaps_its_encoder_and_says_so() -> None:
    swapped = estimate(law(), ServiceAsk("flux-2-dev", "a100-80gb-sxm"))
    resident = estimate(law(), ServiceAsk("flux-2-dev", "h200-sxm"))
    assert swapped.residency.startswith("encoder swapping")
    assert resident.residency == "everything on the card"
    assert "swap" in swapped.shares
    assert "swap" not in resident.shares


def test_a_card_without_fp8_units_keeps_weights_alone_in_fp8() -> None:
    found = estimate(law(), ServiceAsk("flux-2-klein-9b", "a100-80gb-sxm", precision="fp8"))
    assert found.setup.stored_only
    assert any("has no fp8 matmul unit" in note for note in found.notes)
    assert found.memory.needed_gib < estimate(law(), ServiceAsk("flux-2-klein-9b", "a100-80gb-sxm")).memory.needed_gib


@pytest.mark.parametrize(("change", "text"), [
    ({"model": "gpt-image-2"}, "closed weights"), ({"gpu": "h900"}, "gpu = 'h900': unknown"),
    ({"engine": "magic"}, "engine = 'magic'"), ({"precision": "fp3"}, "precision = 'fp3'"), ({"steps": 0}, "steps = 0"),
    ({"batch": 0}, "batch = 0"), ({"references": 11}, "references = 11"), ({"size": Size(4096, 4096)}, "4 MP"),
    ({"size": Size(32, 1024)}, "64x64"), ({"part": "all"}, "part = 'all'")])
def test_what_the_data_do_not_reach_is_refused_with_a_remedy(change: dict[str, object], text: str) -> None:
    with pytest.raises(OutOfReach, match=text):
        estimate(law(), replace(ASK, **change))


def test_an_engine_nobody_has_timed_is_said_to_be_average() -> None:
    assert any("no usable measurement of nunchaku" in note
               for note in estimate(law(), replace(ASK, engine="nunchaku")).notes)


def test_every_component_has_effects_and_only_the_transformer_shares_them() -> None:
    setup = resolve(law(), ServiceAsk("flux-2-dev", "h100-sxm", precision="int8wo"))
    effects = effects_of(replace(setup, swap=True))
    assert set(base_seconds(replace(setup, swap=True))) <= set(effects)
    shared = {name for name, keys in effects.items() if "engine:diffusers" in keys}
    assert shared == set(DENOISING)


def test_the_first_order_interval_is_the_drawn_one() -> None:
    """The law's spread by gradient equals the spread by drawing one effect, here the endpoint's."""
    coefficients = law().coefficients
    setup = resolve(law(), replace(ASK, gpu="mi325x"))
    whole, narrow = predict(coefficients, setup), predict(coefficients, replace(setup, part="denoise"))
    assert whole.log_sd > narrow.log_sd * (1 - whole.shares["endpoint"])


def test_memory_grows_with_batch_and_shrinks_with_precision() -> None:
    setup = resolve(law(), ServiceAsk("flux-2-dev", "h200-sxm"))
    assert footprint(replace(setup, batch=8)).needed_gib > footprint(setup).needed_gib
    assert footprint(replace(setup, precision="fp8")).needed_gib < footprint(setup).needed_gib
    assert footprint(setup).with_encoder_gib > footprint(setup).needed_gib


def test_several_gpus_and_caches_are_no_evidence() -> None:
    rows = load_measurements([DATA])
    used = [row for row in rows if not why_left_out(row, law().gpus)]
    assert len(rows) == 528
    assert all(row.gpu_count == 1 and row.cache == "none" and row.trust in "AB" for row in used)
    reasons = {why_left_out(row, law().gpus) for row in rows}
    assert "several GPUs: never turned into a single-GPU time" in reasons
    assert all(row.seconds_per_image > 0 for row in rows)


def test_no_measurement_is_faster_than_physics() -> None:
    from planner.throughput import usable_timings
    from router.work import flop_per_image, peak_flop_per_s
    for timing in usable_timings(law().measurements, law().models, gpus=law().gpus):
        floor = flop_per_image(timing.setup) / peak_flop_per_s(timing.setup)
        assert timing.row.seconds_per_image > floor, timing.row.id


def test_a_broken_law_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "throughput").mkdir()
    for text in ("", "{}", '{"kinds": {}, "effects": {"a": 1}, "noise_sd": 1, "owner": ""}', "[1]"):
        (tmp_path / "throughput" / "law.json").write_text(text)
        with pytest.raises(TableError, match=r"law\.json.*planner throughput --fit"):
            read_coefficients([tmp_path])


def test_two_measurements_of_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "throughput").mkdir()
    lines = (DATA / "throughput" / "flux2.csv").read_text().splitlines()
    (tmp_path / "throughput" / "own.csv").write_text("\n".join([lines[0], lines[1], lines[1]]) + "\n")
    with pytest.raises(TableError, match=r"own\.csv:3: id = 'f2-001'"):
        load_measurements([tmp_path])


def test_answering_needs_the_standard_library_alone() -> None:
    code = ("import sys; from pathlib import Path; from router.service_time import *; "
            f"print(estimate(load_law([Path({str(DATA)!r})]), ServiceAsk('klein-4b', '5090')).label, "
            "'numpy' in sys.modules)")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.split() == ["transferred", "False"]


def test_the_law_in_the_tables_is_plain_finite_numbers() -> None:
    document = json.loads((DATA / "throughput" / "law.json").read_text())
    assert all(math.isfinite(number) for row in document["effects"].values() for number in row)
    assert not [key for key in document["effects"] if key.startswith(("source:", "source-cell:", "endpoint-source:"))]


