"""Readings of a card through the real pynvml: what is integrated, what is counted, what is not known."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.measure.sampling import joules_of, stretch_of
from router.nvml import Reading

if TYPE_CHECKING:
    from .conftest import Run

pytestmark = pytest.mark.torch

SAMPLED = """
import json, time
from planner.measure.sampling import Sampler, joules_of, stretch_of
from router.nvml import cards
card = cards()[0]
with Sampler(card) as sampler:
    time.sleep(0.35)
    begun, counted = time.monotonic(), card.joules()
    time.sleep(3.7)
    ended, last = time.monotonic(), card.joules()
    stretch = sampler.between(begun, ended)
readings = sorted(sampler._readings, key=lambda each: each.at)
print(json.dumps({"counted": None if counted is None else last - counted, "said": stretch.joules,
                  "source": stretch.joules_from, "integrated": joules_of(readings, begun, end=ended),
                  "power": stretch.power_w, "readings": sum(begun <= each.at <= ended for each in readings),
                  "sm": stretch.sm_mhz, "memory": stretch.memory_mhz, "hot": stretch.temperature_c,
                  "share": stretch.utilisation_share, "throttled": stretch.throttled, "used": stretch.used_gib}))
"""


def test_power_integrates_to_what_the_card_counts(python: Run) -> None:
    done = python(SAMPLED, STUB_WATTS="400,250,1.7", STUB_BUSY="97", STUB_REASONS="0x4")
    told = json.loads(done.stdout)
    assert told["source"] == "counter"
    assert told["said"] == pytest.approx(told["counted"], rel=0.01)
    assert told["integrated"] == pytest.approx(told["counted"], rel=0.01)
    assert told["readings"] >= 30
    assert (told["sm"], told["memory"], told["hot"], told["share"]) == (1980, 2619, 61, 0.97)
    assert (told["throttled"], told["used"]) == ("power-cap", 20)


def test_without_a_counter_power_is_integrated(python: Run) -> None:
    told = json.loads(python(SAMPLED, STUB_WATTS="400,250,1.7", STUB_NO_ENERGY="1").stdout)
    assert (told["source"], told["counted"]) == ("power", None)
    assert told["said"] == told["integrated"]
    mean = told["said"] / 3.7
    assert 330 < mean < 470


@pytest.mark.parametrize("settings", [{"STUB_NO_ENERGY": "1", "STUB_NO_POWER": "1"}, {"STUB_LOST": "1"}])
def test_what_the_card_does_not_tell_is_not_known(python: Run, settings: dict[str, str]) -> None:
    told = json.loads(python(SAMPLED, **settings).stdout)
    assert (told["said"], told["source"], told["power"], told["integrated"]) == (None, "", None, None)


def reading(at: float, power: float | None, energy: float | None = None) -> Reading:
    return Reading(at, power, energy, None, None, None, None, (), None)


@given(st.lists(st.tuples(st.floats(0.02, 0.15), st.floats(0, 1000)), min_size=3, max_size=60), st.floats(0.05, 0.4),
       st.floats(0.6, 0.95))
def test_joules_of_parts_add_up(steps: list[tuple[float, float]], first: float, second: float) -> None:
    at, readings = 0.0, []
    for gap, power in steps:
        readings.append(reading(at, power))
        at += gap
    begin, end = readings[0].at, readings[-1].at
    middle = begin + (end - begin) * (first + second) / 2
    whole, one, other = (joules_of(readings, begin, end=end), joules_of(readings, begin, end=middle),
                         joules_of(readings, middle, end=end))
    assert whole == pytest.approx(one + other, rel=1e-9, abs=1e-9)
    assert whole <= max(power for _, power in steps) * (end - begin) + 1e-6


def test_a_constant_power_is_exact_wherever_the_ends_lie() -> None:
    readings = [reading(number / 10, 250.0, 250.0 * number / 10) for number in range(40)]
    assert joules_of(readings, 0.123, end=3.456) == pytest.approx(250 * 3.333)
    stretch = stretch_of(readings, 0.123, end=3.456)
    assert (stretch.joules, stretch.joules_from) == (pytest.approx(250 * 3.333), "counter")


def test_a_curve_is_within_a_percent() -> None:
    def energy(at: float) -> float:
        return 400 * at - 200 / (2 * math.pi) * math.cos(2 * math.pi * at)

    readings = [reading(number / 10, 400 + 200 * math.sin(2 * math.pi * number / 10)) for number in range(60)]
    assert joules_of(readings, 0.27, end=5.13) == pytest.approx(energy(5.13) - energy(0.27), rel=0.01)


def test_a_stretch_beyond_the_readings_or_a_counter_that_fell_is_not_known() -> None:
    readings = [reading(number / 10, 250.0, 1000.0 - number) for number in range(20)]
    assert joules_of(readings, -5.0, end=1.0) is None
    assert joules_of([], 0.0, end=1.0) is None
    assert stretch_of(readings, 0.1, end=1.7).joules_from == "power"
