"""Forecasts of waits held against what came: what the command says, and that its intervals hold in worlds we made."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from traffic import BEGIN, clumped, traffic, write

from planner.backtest import backtest
from planner.errors import PlannerError
from planner.past import read_past
from planner.trace import DAY_S, Trace

PLANNER = Path(sys.executable).with_name("planner")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PLANNER, "backtest", *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          timeout=120)


def test_a_trace_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = traffic(1, days=2)
    read = read_past(str(write(made, tmp_path / "t.csv"))).trace
    np.testing.assert_allclose(read.arrived, made.arrived, atol=1e-5)
    np.testing.assert_array_equal(read.images, made.images)
    part = read.between(BEGIN + DAY_S, BEGIN + 2 * DAY_S)
    assert 0 < part.arrived.size < read.arrived.size
    assert part.arrived.min() >= BEGIN + DAY_S


@pytest.mark.parametrize(("text", "told"), [
    ("", "no column arrived_at"), ("n,service_s\n", "no column arrived_at"),
    ("arrived_at,n,service_s\n", "no request in it"),
    ("arrived_at,n,service_s\n2026-01-01T00:00:00Z,1,5\n2025-01-01T00:00:00Z,1,5\n", ":3: .*the clock goes backwards"),
    ("arrived_at,n,service_s\n2026-01-01T00:00:00Z,-1,5\n", ":2: n = '-1'"),
    ("arrived_at,n,service_s\n2026-01-01T00:00:00Z,1,-5\n", ":2: service_s = '-5'"),
    ("arrived_at,n,service_s\n2026-01-01T00:00:00Z,1,nan\n", ":2: service_s = 'nan'"),
    ("arrived_at,n,service_s\nyesterday,1,5\n", ":2: arrived_at = 'yesterday'"),
    ("arrived_at,n,service_s\n2026-01-01T00:00:00Z,1\n", ":2: 2 cells under 3 names; the line is cut off")])
def test_what_is_no_trace_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(PlannerError, match=told) as caught:
        read_past(str(tmp_path / "t.csv"))
    assert "\n" not in str(caught.value)
    done = run(tmp_path, "t.csv")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_json_has_every_fleet_of_every_origin(tmp_path: Path) -> None:
    write(traffic(2, days=17), tmp_path / "t.csv")
    done = run(tmp_path, "t.csv", "--train-days", "7", "--test-days", "7", "--gpus", "1-3", "--draws", "40", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"coverage", "fleets"}
    assert set(told["coverage"]) == {"p95_wait", "share_over_slo"}
    assert [fleet["gpus"] for fleet in told["fleets"]] == [1, 2, 3] * (len(told["fleets"]) // 3)
    origins = sorted({fleet["origin_at"] for fleet in told["fleets"]})
    assert [origin[:10] for origin in origins] == ["2026-09-14", "2026-09-15", "2026-09-16"]
    for fleet in told["fleets"]:
        for name in ("p95_wait_s", "share_over_slo"):
            assert set(fleet[name]) == {"low", "mid", "high", "truth"}
            assert 0 <= fleet[name]["low"] <= fleet[name]["mid"] <= fleet[name]["high"]
        assert fleet["share_over_slo"]["high"] <= 1
    again = run(tmp_path, "t.csv", "--train-days", "7", "--test-days", "7", "--gpus", "1-3", "--draws", "40", "--json")
    assert again.stdout == done.stdout


def test_a_remainder_shorter_than_the_test_is_one_origin(tmp_path: Path) -> None:
    made = backtest(traffic(3, days=10), (2,), train_days=7, test_days=7, slo_wait_s=30, draws=30)
    assert len(made.fleets) == 1
    with pytest.raises(PlannerError, match="to learn from"):
        backtest(traffic(3, days=7), (2,), train_days=7, test_days=7, slo_wait_s=30)


def test_truth_is_the_replay_and_more_cards_wait_less() -> None:
    made = backtest(traffic(4, days=21), (1, 2, 4, 8), train_days=14, test_days=7, slo_wait_s=30, draws=30)
    truths = [fleet.p95_wait_s.truth for fleet in made.fleets[:4]]
    assert truths == sorted(truths, reverse=True)
    assert truths[0] > 0
    mids = [fleet.p95_wait_s.mid for fleet in made.fleets[:4]]
    assert mids == sorted(mids, reverse=True)


def test_a_past_too_thin_to_resample_is_one_line() -> None:
    thin = Trace(np.linspace(BEGIN, BEGIN + 20 * DAY_S, 15), np.ones(15, dtype=np.int64), np.ones(15))
    with pytest.raises(PlannerError, match="too few to resample"):
        backtest(thin, (1,), train_days=7, test_days=7, slo_wait_s=30)


@pytest.mark.slow
@pytest.mark.parametrize("clump", [1, 6])
def test_intervals_of_ninety_percent_hold_in_worlds_that_grow_and_shrink(clump: int) -> None:
    held = {"p95_wait_s": [], "share_over_slo": []}
    for seed, growth in enumerate((0.6, 0.8, 1.0, 1.3, 1.6, 2.0)):
        made = backtest(clumped(traffic(100 + seed, growth=growth), clump), range(1, 7), train_days=14, test_days=7,
                        slo_wait_s=30, draws=80)
        for name, found in held.items():
            found.append(made.coverage(name))
    assert min(np.mean(found) for found in held.values()) >= 0.85


def test_a_clock_that_is_shifted_changes_nothing_but_the_clock() -> None:
    one = traffic(6, days=21)
    other = replace(one, arrived=one.arrived + 7 * DAY_S)
    first, second = (backtest(trace, (2,), train_days=14, test_days=7, slo_wait_s=30, draws=30).fleets[0]
                     for trace in (one, other))
    assert first.p95_wait_s.high == pytest.approx(second.p95_wait_s.high, rel=1e-6)
    assert second.origin_at - first.origin_at == 7 * DAY_S
