"""Months made of a past's own days: its volume, weekdays, ups and downs and clumps, which chance alone would lose."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pasts import past_of
from traffic import BEGIN, IMAGES, SHARES, traffic

from planner.book import open_book
from planner.demand import Demand, fit_demand
from planner.drawing import Month, draw_month
from planner.errors import PlannerError
from planner.past import Kind, Past
from planner.past_days import clump_of, whole_days
from planner.past_shape import shape_of_past
from planner.trace import DAY_S, Trace
from planner.traffic import Campaign, Traffic, shape_of

if TYPE_CHECKING:
    from planner.traffic import Shape

DAYS = 56
CLUMP = 6


@cache
def came() -> Trace:
    """Eight weeks of people who come by chance, in hours that go up and down, and each ask six times in 20 seconds."""
    rng = np.random.default_rng(5)
    people = traffic(11, days=DAYS, requests_per_day=200).arrived
    arrived = np.sort(np.repeat(people, CLUMP) + 20 * rng.random(CLUMP * people.size))
    arrived = arrived[arrived < BEGIN + DAYS * DAY_S]
    return Trace(arrived, rng.choice(IMAGES, arrived.size, p=SHARES), np.full(arrived.size, np.nan))


def volume() -> float:
    """Images of a month at the past's own rate."""
    return float(came().images.sum()) / DAYS * 730 / 24


def shape() -> Shape:
    return shape_of_past(Traffic(), past_of(came()), segment="bulk")


def months(shape_: Shape, times: float, number: int = 6) -> list[Month]:
    return [draw_month([(times * volume(), shape_)], np.random.default_rng((7, seed))) for seed in range(number)]


def fitted(drawn: list[Month]) -> list[Demand]:
    return [fit_demand(Trace(BEGIN + one.at, one.images, np.full(one.at.size, np.nan))) for one in drawn]


def test_volume_is_as_stated_on_average_whatever_it_is() -> None:
    for times in (0.1, 1.0, 3.5):
        made = [one.images.sum() / volume() / times for one in months(shape(), times, 12)]
        assert np.mean(made) == pytest.approx(1.0, abs=4 * np.std(made, ddof=1) / len(made)**0.5 + 0.005)
    weeks = [draw_month([(volume(), shape())], np.random.default_rng(seed), hours=168) for seed in range(12)]
    assert np.mean([one.images.sum() for one in weeks]) == pytest.approx(volume() * 168 / 730, rel=0.05)


def test_at_its_own_volume_a_day_is_a_day_of_the_past_of_the_same_weekday() -> None:
    drawn = draw_month([(volume(), shape())], np.random.default_rng(1))
    past = {day: (came().arrived - BEGIN)[(came().arrived - BEGIN) // DAY_S == day] - day * DAY_S
            for day in range(DAYS)}
    for number in range(30):
        offsets = drawn.at[drawn.at // DAY_S == number] - number * DAY_S
        shared = {day: np.isin(np.round(offsets, 3), np.round(of, 3)).mean() for day, of in past.items()}
        best = max(shared, key=lambda day: shared[day])
        assert shared[best] > 0.85
        assert best % 7 == number % 7
    assert drawn.at.max() < 730 * 3600


def off(drawn: list[Demand], times: float) -> list[float]:
    """By window: how the counts vary, over how those of `times` as many people would.

    Variance over mean is what clumps make of it, which does not depend on how many people come, and what the hours and
    days make of it, which grows with their number. Neighbouring windows share the hour, so they tell the first part.
    """
    was, made = fit_demand(came()).dispersion, []
    for seconds in (60, 600, 3600):
        counts = np.bincount(((came().arrived - BEGIN) // min(seconds, 600)).astype(int))
        pairs = counts[:counts.size // 2 * 2].reshape(-1, 2).astype(float)
        clumps = ((pairs[:, 0] - pairs[:, 1])**2).sum() / pairs.sum()
        expected = clumps + times * (was[seconds] - clumps)
        made.append(float(np.mean([one.dispersion[seconds] for one in drawn]) / expected))
    return made


@pytest.mark.parametrize("times", [0.3, 1.0, 2.5, 8.0])
def test_days_hours_and_clumps_vary_as_they_did(times: float) -> None:
    drawn = months(shape(), times)
    found = fitted(drawn)
    assert off(found, times) == pytest.approx([1.0] * 3, abs=0.15)
    assert np.mean([clump_of(one.at) for one in drawn]) == pytest.approx(clump_of(came().arrived), rel=0.25)
    weekday = np.mean([one.whole.weekday for one in found], axis=0)
    assert weekday == pytest.approx(np.array(fit_demand(came()).whole.weekday), abs=0.1)


def test_a_poisson_redraw_of_the_same_hours_would_not() -> None:
    flat = shape().model_copy(update={"past": None, "hour_shape": 1e6, "day_cv": 0.0})
    drawn = months(flat, 1.0)
    found = fitted(drawn)
    assert max(off(found, 1.0)) < 0.75
    assert min(off(found, 1.0)) < 0.35
    assert np.mean([clump_of(one.at) for one in drawn]) < 0.4 * clump_of(came().arrived)
    assert np.mean([one.dispersion[3600] for one in found]) < 0.75 * fit_demand(came()).dispersion[3600]


def days_of(month: Month, stream: int) -> np.ndarray:
    return np.bincount((month.at[month.stream == stream] // DAY_S).astype(int), minlength=31)[:30].astype(float)


def mixed() -> Past:
    """Every third request is a hero of one image; the rest are bulk."""
    trace = came()
    kind = (np.arange(trace.arrived.size) % 3 == 0).astype(np.int64)
    images = np.where(kind == 1, 1, trace.images)
    return Past(Trace(trace.arrived, images, trace.service), (Kind("bulk"), Kind("hero")), kind, "past.csv", "e" * 64)


def within_weekdays(counts: np.ndarray) -> np.ndarray:
    """Counts over the mean of their weekday."""
    means = np.array([counts[day::7].mean() for day in range(7)])
    return counts / means[np.arange(counts.size) % 7]


def test_segments_of_one_past_rise_and_fall_together_and_take_their_own_rows() -> None:
    bulk, hero = (shape_of_past(Traffic(), mixed(), segment=name) for name in ("bulk", "hero"))
    assert (set(hero.images_of_request), len(bulk.images_of_request)) == ({1}, 4)
    other = shape_of_past(Traffic(), past_of(traffic(99, days=DAYS)), segment="other")
    drawn = [draw_month([(20_000, bulk), (5_000, hero), (20_000, other)], np.random.default_rng(seed))
             for seed in range(8)]
    together, apart = (np.mean([np.corrcoef(*(within_weekdays(days_of(one, each)) for each in (0, stream)))[0, 1]
                                for one in drawn]) for stream in (1, 2))
    assert together > 0.5
    assert abs(apart) < 0.25
    assert np.mean([one.images[one.stream == 1].sum() for one in drawn]) == pytest.approx(5_000, rel=0.05)
    assert all(one.images[one.stream == 1].max() == 1 for one in drawn)


def test_streams_of_the_same_rows_part_them_and_share_no_request() -> None:
    one = shape()
    drawn = draw_month([(0.75 * volume(), one), (0.25 * volume(), shape())], np.random.default_rng(3))
    first, second = (drawn.at[drawn.stream == stream] for stream in (0, 1))
    assert np.intersect1d(first, second).size == 0
    assert drawn.images[drawn.stream == 1].sum() / drawn.images.sum() == pytest.approx(0.25, abs=0.02)
    assert clump_of(first) == pytest.approx(clump_of(came().arrived), rel=0.25)


def test_campaigns_make_their_days_larger() -> None:
    loud = Traffic(campaign=(Campaign(name="sale", first_day=8, days=7, factor=3.0),))
    sale = shape_of_past(loud, past_of(came()), segment="bulk")
    drawn = months(sale, 1.0, 8)
    weeks = [np.mean([days_of(one, 0)[begin:begin + 7].sum() for one in drawn]) for begin in (0, 7)]
    assert weeks[1] / weeks[0] == pytest.approx(3.0, rel=0.1)


def test_the_label_says_which_past_and_what_is_assumed() -> None:
    told = shape_of_past(Traffic(growth_share_per_month=0.05), mixed(), segment="hero").label
    for words in ("past.csv, 2026-09-07 to 2026-11-01", "requests of hero on 56 whole days", "+5.0% a month, as stated",
                  "content eeeeeeeeeeeeeeee"):
        assert words in told
    assert "no growth beyond the stated volume" in shape().label


@pytest.mark.parametrize(("begin_h", "end_h", "first_day", "days"), [
    (0.0, 240.0, 0, 10), (15.0, 240.0, 1, 9), (0.0, 225.0, 0, 9), (15.0, 225.0, 1, 8), (2.0, 30.0, 1, 0)])
def test_days_that_are_cut_are_no_whole_days(begin_h: float, end_h: float, first_day: int, days: int) -> None:
    trace = traffic(12, days=10).between(BEGIN + begin_h * 3600, BEGIN + end_h * 3600)
    assert whole_days(trace.arrived) == (BEGIN + first_day * DAY_S, days)


def test_a_day_counts_where_nothing_comes_in_the_hours_before_its_first_request() -> None:
    day = np.concatenate([np.linspace(9, 17, 50) + 24 * number for number in range(8)]) * 3600
    assert whole_days(BEGIN + day) == (BEGIN, 8)


@pytest.mark.parametrize(("past", "says"), [
    (past_of(traffic(1, days=6)), "6 whole days .* at least 7"),
    (past_of(traffic(1, days=9, requests_per_day=1)), "requests in its whole days; .* at least 20"),
    (past_of(Trace(came().arrived, np.full(came().arrived.size, 12), came().service)), "a request for 12 images"),
])
def test_a_past_that_is_too_thin_or_too_large_is_one_line(past: Past, says: str) -> None:
    with pytest.raises(PlannerError, match=says) as told:
        shape_of_past(Traffic(), past, segment="bulk")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("hour_shape", "day_cv"), [(4.0, 0.3), (2.0, 0.15), (8.0, 0.0)])
def test_what_was_drawn_from_known_numbers_is_fitted_back(hour_shape: float, day_cv: float) -> None:
    weeks, worlds = 12, 6
    known = shape_of(Traffic(hour_shape=hour_shape, day_cv=day_cv), open_book(None, {}).archetypes)
    found = fitted([draw_month([(60_000.0, known)], np.random.default_rng((2, seed)), hours=168 * weeks)
                    for seed in range(worlds)])
    # The sampling error of a variance of n values is sqrt(2 / n) of it; four of them are allowed.
    hours, days = 24 * 7 * weeks * worlds, 7 * weeks * worlds
    shapes = [1 / one.whole.hour_noise for one in found if one.whole.hour_noise]
    assert np.mean(shapes) == pytest.approx(hour_shape, rel=4 * (6 / hours)**0.5 + 0.03)
    assert np.mean([one.whole.day_cv for one in found]) == pytest.approx(day_cv, abs=max(0.05, 4 * day_cv * (
        0.5 / days)**0.5))
    weekday = np.array(known.hour_of_week).reshape(7, 24).mean(axis=1)
    assert np.mean([one.whole.weekday for one in found], axis=0) == pytest.approx(weekday, abs=0.05 + 4 * day_cv * (
        7 / days)**0.5)
    assert np.mean([one.hour_of_day for one in found], axis=0) == pytest.approx(
        np.array(known.hour_of_week).reshape(7, 24).mean(axis=0), rel=0.02 + 4 * ((1 / hour_shape + 0.1) / days)**0.5)
    assert np.mean([one.images_per_request for one in found]) == pytest.approx(known.images_per_request, rel=0.02)


def test_the_interval_of_growth_holds_in_nine_of_ten_worlds() -> None:
    truth, held = 1.5 ** (1 / 4), []
    for seed in range(60):
        growth = fit_demand(traffic(seed, days=28, requests_per_day=300, growth=1.5)).whole.growth
        assert growth is not None
        held.append(growth.low < truth < growth.high)
    assert 0.8 <= np.mean(held) <= 0.99
