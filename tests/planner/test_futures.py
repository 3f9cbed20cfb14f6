"""Futures drawn from a past: its volume and weekends, and what is learned of how restless it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from traffic import BEGIN, clumped, traffic

from planner.futures import Doubt, foreseen, volatility
from planner.trace import DAY_S, Trace

if TYPE_CHECKING:
    from planner.queueing import Array

SURE = Doubt(growth=0.0, day=0.0, trend_share=0.0, burst=0.0)
ORIGIN = BEGIN + 14 * DAY_S


def drawn(past: Trace, doubt: Doubt, draws: int = 60) -> list[tuple[Array, Array]]:
    return list(foreseen(past, ORIGIN, days=7, draws=draws, rng=np.random.default_rng(1), doubt=doubt))


@pytest.mark.parametrize(("doubt", "clump"), [(SURE, 1), (Doubt(growth=0.0, day=0.0, trend_share=0.0), 8)])
def test_futures_have_the_past_volume_on_average_and_its_weekends(doubt: Doubt, clump: int) -> None:
    past = clumped(traffic(5, days=14), clump)
    futures = drawn(past, doubt)
    counts = np.array([arrived.size for arrived, _ in futures])
    assert counts.mean() == pytest.approx(past.arrived.size / 2, rel=0.1)
    days = np.mean([np.histogram((arrived - BEGIN) / DAY_S, bins=range(14, 22))[0] for arrived, _ in futures], axis=0)
    assert days[5:].mean() < 0.8 * days[:5].mean()
    assert all((np.diff(arrived) >= 0).all() and arrived.size == service.size for arrived, service in futures)


def test_the_same_seed_foresees_the_same() -> None:
    one, other = (drawn(traffic(5, days=14), Doubt(), draws=3) for _ in range(2))
    for (arrived, service), (again, served) in zip(one, other, strict=True):
        np.testing.assert_array_equal(arrived, again)
        np.testing.assert_array_equal(service, served)


@pytest.mark.parametrize("size", [1, 4, 12])
def test_the_size_of_clumps_is_learned(size: int) -> None:
    past = clumped(traffic(6, days=14), size)
    assert volatility(past, ORIGIN).clump == pytest.approx(size, rel=0.25)


def test_bursts_grow_only_where_the_past_has_some() -> None:
    calm = traffic(6, days=14)

    def largest(past: Trace) -> float:
        """The busiest ten minutes of the ninth of ten futures under doubt, over those without."""
        busiest = [np.percentile([np.bincount(((arrived - ORIGIN) // 600).astype(int)).max()
                                  for arrived, _ in drawn(past, doubt)], 90)
                   for doubt in (Doubt(growth=0.0, day=0.0), Doubt(growth=0.0, day=0.0, burst=0.0))]
        return float(busiest[0] / busiest[1])
    assert largest(calm) == pytest.approx(1, abs=0.1)
    assert largest(clumped(calm, 8)) > 1.3


def test_days_that_stray_are_told_from_days_that_do_not() -> None:
    calm = traffic(8, days=14)
    level = np.random.default_rng(3).lognormal(0.0, 0.6, 14)
    day = ((calm.arrived - BEGIN) // DAY_S).astype(int)
    wild = Trace(calm.arrived, calm.images, calm.service * level[day])
    assert volatility(calm, ORIGIN).day < 0.3
    assert 0.4 < volatility(wild, ORIGIN).day < 0.9


def test_one_day_and_few_requests_fall_back_on_what_is_usual() -> None:
    few = Trace(np.linspace(ORIGIN - DAY_S, ORIGIN - 1, 30), np.ones(30, dtype=np.int64), np.ones(30))
    found = volatility(few, ORIGIN)
    assert found.day == pytest.approx(0.2)
    assert 2 < found.clump < 3
