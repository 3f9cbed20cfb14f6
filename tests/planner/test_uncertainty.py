"""Draws keep their stated quantiles and their streams."""

from __future__ import annotations

import math

import numpy as np
import pytest

from planner.uncertainty import Draws, Spread, percentiles, split_lognormal

RENT = Spread("rent", 0.69, 0.55, 0.82, "USD per GPU-hour", "stated")


def test_draws_keep_median_and_both_ends() -> None:
    values = split_lognormal(Draws(200_000, 3).normal("x"), low=0.5, high=1.2)
    assert np.quantile(values, [0.05, 0.5, 0.95]) == pytest.approx([0.5, 1.0, 1.2], rel=0.01)


def test_the_same_seed_gives_the_same_worlds_and_another_name_another_stream() -> None:
    assert np.array_equal(Draws(100, 7).factors(RENT), Draws(100, 7).factors(RENT))
    assert not np.array_equal(Draws(100, 7).normal("rent"), Draws(100, 7).normal("price"))
    assert not np.array_equal(Draws(100, 7).normal("rent"), Draws(100, 8).normal("rent"))


def test_streams_of_different_names_are_independent() -> None:
    draws = Draws(100_000, 1)
    assert abs(np.corrcoef(draws.normal("rent"), draws.normal("price"))[0, 1]) < 0.02


def test_a_certain_value_is_not_drawn() -> None:
    assert Draws(5, 1).factors(Spread("busy", 0.7, 0.7, 0.7, "share", "stated")) == 1.0


def test_never_keeps_its_place_among_the_percentiles() -> None:
    assert percentiles(np.array([3.0, math.inf, 1.0, 2.0, math.inf]), 0, 50, 90) == (1.0, 3.0, math.inf)
