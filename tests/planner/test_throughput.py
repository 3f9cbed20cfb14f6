"""The fit of the law: it recovers what it was made from, and its file is what the tables give."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from planner.law_check import groups, leave_sources_out
from planner.law_file import law_text, write_law
from planner.priors import PRIORS
from planner.throughput import Design, Timing, fit_timings, to_coefficients, usable_timings
from router.law import LAW_FILE, predict, read_coefficients
from tests.tables import DATA, law

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from planner.law_check import Group

TIMINGS = usable_timings(law().measurements, law().models, gpus=law().gpus)


def scaled(timing: Timing, factor: float) -> Timing:
    return replace(timing, row=replace(timing.row, seconds_per_image=timing.row.seconds_per_image * factor))


def test_the_law_in_the_tables_is_the_fit_of_the_tables() -> None:
    fitted = json.loads(law_text(to_coefficients(fit_timings(Design(TIMINGS)))))
    shipped = json.loads((DATA / LAW_FILE).read_text())
    assert fitted["kinds"] == shipped["kinds"]
    assert {key: row[0] for key, row in fitted["effects"].items()} == pytest.approx(
        {key: row[0] for key, row in shipped["effects"].items()}, abs=2e-3)


def test_the_router_predicts_what_the_fit_predicts(tmp_path: Path) -> None:
    """Median and spread agree, though the router keeps rounded numbers and fewer directions."""
    fitted = fit_timings(Design(TIMINGS))
    write_law(tmp_path / LAW_FILE, to_coefficients(fitted))
    kept = read_coefficients([tmp_path])
    strangers = [replace(timing, setup=replace(timing.setup, source="")) for timing in TIMINGS]
    everything = np.ones(len(TIMINGS), dtype=bool)
    both = Design([*TIMINGS, *strangers])
    both.votes = np.concatenate([fitted.design.votes] * 2)
    again = fit_timings(both, np.concatenate([everything, ~everything]))
    logs, spreads = again.predict(np.concatenate([~everything, everything]))
    for timing, log, spread in list(zip(strangers, logs, spreads, strict=True))[::7]:
        told = predict(kept, timing.setup)
        assert np.log(told.seconds) == pytest.approx(log, abs=3e-3)
        assert told.log_sd == pytest.approx(spread, rel=0.03)


def test_no_effect_of_a_source_reaches_the_router_unless_it_is_the_owners() -> None:
    fitted = fit_timings(Design(TIMINGS))
    source = TIMINGS[0].row.source_key
    assert not [key for key in to_coefficients(fitted).effects if "source" in key]
    kept = [key for key in to_coefficients(fitted, keep_source=source).effects if "source" in key]
    assert kept
    assert all(source in key for key in kept)


def test_every_effect_has_a_prior_and_every_prior_an_effect() -> None:
    assert {key.partition(":")[0] for key in Design(TIMINGS).effects} | {"machine"} == set(PRIORS)


def test_slower_timings_give_a_slower_law() -> None:
    """Were every timing twice as long, so would be every prediction, but for what the priors hold back."""
    slower = [scaled(timing, 2.0) for timing in TIMINGS]
    logs, _ = fit_timings(Design(TIMINGS)).predict(np.ones(len(TIMINGS), dtype=bool))
    doubled, _ = fit_timings(Design(slower)).predict(np.ones(len(TIMINGS), dtype=bool))
    assert np.median(doubled - logs) == pytest.approx(np.log(2), abs=0.05)


def test_one_wild_timing_moves_its_twins_little() -> None:
    at = next(number for number, timing in enumerate(TIMINGS) if timing.row.id == "f1-183")
    wild = [scaled(timing, 5.0) if number == at else timing for number, timing in enumerate(TIMINGS)]
    rest = np.array([number != at for number in range(len(TIMINGS))])
    before, _ = fit_timings(Design(TIMINGS)).predict(rest)
    after, _ = fit_timings(Design(wild)).predict(rest)
    assert np.median(np.abs(after - before)) < 0.01
    assert np.max(np.abs(after - before)) < 0.15


@pytest.fixture(scope="module")
def checked() -> dict[str, Group]:
    return {group.name: group for group in groups(leave_sources_out(TIMINGS, law().engines))}


def test_sources_never_seen_are_predicted(checked: dict[str, Group]) -> None:
    core = checked["core rows"]
    assert core.median_error <= 0.08
    assert checked["core rows, setup known to another source"].median_error <= 0.075
    assert checked["all usable rows of trust A and B on one card"].median_error <= 0.10
    assert core.median_width <= 2


def test_the_interval_holds_as_often_as_it_says(checked: dict[str, Group]) -> None:
    assert 0.85 <= checked["core rows"].covered_share <= 0.97
    assert 0.85 <= checked["all usable rows of trust A and B on one card"].covered_share <= 0.97
    assert checked["FLUX.2 rows"].covered_share >= 0.80


def test_it_beats_a_plain_table_of_efficiencies(checked: dict[str, Group]) -> None:
    for group in checked.values():
        assert group.median_error < group.table_median_error


def test_rows_that_miss_have_a_reason_and_others_none() -> None:
    left_out = leave_sources_out(TIMINGS, law().engines)
    assert [one.timing.row.id for one in left_out] == [timing.row.id for timing in TIMINGS]
    assert all(bool(one.reason) == (abs(one.error) > 0.2) for one in left_out)


def test_progress_is_told_to_the_end() -> None:
    told: list[float] = []
    few = [timing for timing in TIMINGS if timing.row.gpu == "l20"]
    listener: Callable[[float], None] = told.append
    leave_sources_out(few, law().engines, progress=listener)
    assert told == sorted(told)
    assert told[-1] == 1
