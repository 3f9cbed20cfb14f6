"""What a trace is like, told of worlds whose truth is known."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from traffic import BEGIN, IMAGES, SHARES, WEEKDAYS, traffic, write

from planner.demand import fit_demand
from planner.errors import PlannerError
from planner.trace import DAY_S, Trace

PLANNER = Path(sys.executable).with_name("planner")


def test_a_world_is_told_as_it_was_made() -> None:
    found = fit_demand(traffic(1, days=56, requests_per_day=3000, growth=2.0))
    assert found.images_per_month == pytest.approx(found.images / found.days * 30.44, rel=1e-3)
    assert {number: pytest.approx(share, abs=0.01) for number, share in zip(IMAGES, SHARES, strict=True)} == (
        found.images_of_request)
    assert found.card_time is not None
    assert (found.card_time.p50_s, found.card_time.known_share) == (pytest.approx(23.0, rel=0.03), 1.0)
    growth, weekday = found.whole.growth, found.whole.weekday
    assert growth is not None
    assert weekday is not None
    assert growth.low < 2.0 ** (1 / 8) < growth.high < 1.2
    assert found.whole.hour_noise == pytest.approx(0.25, rel=0.1)
    assert weekday == pytest.approx(WEEKDAYS / WEEKDAYS.mean(), abs=0.12)
    assert found.arrival_cv == pytest.approx(1.0, abs=0.08)
    assert int(np.argmax(found.hour_of_day)) in (14, 15, 16)
    assert found.hour_of_week is not None
    assert np.mean(found.hour_of_week[5 * 24:6 * 24]) < 0.8 * np.mean(found.hour_of_week[:24])
    assert np.mean(found.hour_of_day) == pytest.approx(1.0, rel=0.01)


def test_chance_alone_has_a_dispersion_of_one_and_no_noise() -> None:
    rng = np.random.default_rng(2)
    arrived = np.sort(BEGIN + rng.random(60_000) * 20 * DAY_S)
    found = fit_demand(Trace(arrived, np.ones(arrived.size, dtype=np.int64), np.full(arrived.size, 3.0)))
    assert all(value == pytest.approx(1.0, abs=0.15) for value in found.dispersion.values())
    assert found.whole.hour_noise is not None
    assert found.whole.hour_noise < 0.003
    assert found.card_time is not None
    assert found.card_time.busy_gpus == pytest.approx(60_000 * 3 / (20 * DAY_S), rel=0.01)
    assert (found.card_time.cv, found.peak_hour < 1.5) == (0.0, True)
    assert found.whole.day_cv == pytest.approx(0.0, abs=0.02)
    assert found.whole.growth is not None
    assert found.whole.growth.low < 1.0 < found.whole.growth.high


def test_less_than_a_day_is_one_line_and_less_than_two_weeks_has_no_growth() -> None:
    short = traffic(3, days=5)
    assert (fit_demand(short).whole.growth, fit_demand(short).whole.day_cv) == (None, None)
    assert fit_demand(short).hour_of_week is None
    with pytest.raises(PlannerError, match=r"the trace: 11\.9 hours .* at least a day is needed"):
        fit_demand(short.between(BEGIN, BEGIN + DAY_S / 2))


def test_a_month_that_moves_by_a_week_is_the_same_month() -> None:
    one = traffic(4, days=28)
    other = replace(one, arrived=one.arrived + 7 * DAY_S)
    assert fit_demand(one).hour_of_week == pytest.approx(fit_demand(other).hour_of_week)


def test_the_command_tells_it_in_words_and_in_json(tmp_path: Path) -> None:
    write(traffic(5, days=15), tmp_path / "t.csv")
    for more in ((), ("--json",)):
        done = subprocess.run([PLANNER, "demand", "fit", "t.csv", *more], cwd=tmp_path, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        if more:
            assert json.loads(done.stdout)["images_of_request"]["1"] == pytest.approx(0.58, abs=0.02)
        else:
            assert "images a month at this rate" in done.stdout
            assert "growth from week to week" in done.stdout
