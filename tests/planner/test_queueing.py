"""The queue engine against exact results, against a simulator of events, and against its own invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.queueing import erlang_c, mean_wait_cosmetatos, mean_wait_md1, mean_wait_mmc, waits

SERVICE_S = 6.0


def batches(rate: float, servers: int, *, deterministic: bool, seed: int, number: int = 40) -> np.ndarray:
    """Mean waits of independent stretches, each after a stretch that is thrown away."""
    rng = np.random.default_rng(seed)
    size, means = 40_000, []
    for _ in range(number):
        arrivals = np.cumsum(rng.exponential(1 / rate, size))
        service = np.full(size, SERVICE_S) if deterministic else rng.exponential(SERVICE_S, size)
        means.append(waits(arrivals, service, servers=servers)[size // 4:].mean())
    return np.array(means)


def z_of(means: np.ndarray, exact: float) -> float:
    return float((means.mean() - exact) / (means.std(ddof=1) / math.sqrt(means.size)))


@pytest.mark.parametrize(("servers", "load"), [(servers, load) for servers in (1, 2, 4, 8) for load in (0.3, 0.6, 0.8)]
                         + [(32, 0.8), (64, 0.9)])
def test_mean_waits_are_those_of_mmc(servers: int, load: float) -> None:
    rate = load * servers / SERVICE_S
    exact = mean_wait_mmc(rate, SERVICE_S, servers=servers)
    means = batches(rate, servers, deterministic=False, seed=servers * 10 + int(load * 10))
    assert abs(z_of(means, exact)) < 4


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7, 0.8])
def test_mean_waits_are_those_of_md1(load: float) -> None:
    rate = load / SERVICE_S
    means = batches(rate, 1, deterministic=True, seed=int(load * 100))
    assert abs(z_of(means, mean_wait_md1(rate, SERVICE_S))) < 4


def test_textbook_values() -> None:
    assert erlang_c(1, 0.5) == pytest.approx(0.5)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(8, 6.4) == pytest.approx(0.4576, abs=5e-4)
    assert mean_wait_mmc(1.0, 1.0, servers=1) == math.inf == mean_wait_md1(2.0, 1.0)
    assert mean_wait_cosmetatos(0.5, 1.0, servers=1, cv=0.0) == pytest.approx(mean_wait_md1(0.5, 1.0))
    assert mean_wait_cosmetatos(0.5, 1.0, servers=1, cv=1.0) == pytest.approx(mean_wait_mmc(0.5, 1.0, servers=1))
    assert mean_wait_cosmetatos(9.0, 1.0, servers=8, cv=0.5) == math.inf


def simulated(arrivals: np.ndarray, service: np.ndarray, servers: int) -> list[float]:
    world, found = simpy.Environment(), [0.0] * len(arrivals)
    cards = simpy.Resource(world, servers)

    def customer(number: int) -> simpy.events.ProcessGenerator:
        yield world.timeout(arrivals[number])
        with cards.request() as turn:
            yield turn
            found[number] = world.now - arrivals[number]
            yield world.timeout(service[number])

    for number in range(len(arrivals)):
        world.process(customer(number))
    world.run()
    return found


@pytest.mark.parametrize("servers", [1, 3, 8])
def test_every_wait_is_that_of_a_simulator_of_events(servers: int) -> None:
    rng = np.random.default_rng(servers)
    arrivals, service = np.cumsum(rng.exponential(1.0, 2000)), rng.lognormal(0.6, 0.8, 2000)
    exact = simulated(arrivals, service, servers)
    np.testing.assert_allclose(waits(arrivals, service, servers=servers), exact, atol=1e-6)


WORLDS = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20)), min_size=1, max_size=80)


@settings(deadline=None)
@given(WORLDS, st.integers(1, 6))
def test_more_servers_never_make_anybody_wait_longer_and_nobody_waits_beside_an_idle_one(
        gaps: list[tuple[float, float]], servers: int) -> None:
    arrivals, service = np.cumsum([gap for gap, _ in gaps]), np.array([taken for _, taken in gaps])
    fewer, more = waits(arrivals, service, servers=servers), waits(arrivals, service, servers=servers + 1)
    assert (more <= fewer + 1e-9).all()
    assert (fewer >= 0).all()
    begun = arrivals + fewer
    for at, start in enumerate(begun):
        busy = int(((begun[:at] <= start - 1e-9) & (begun[:at] + service[:at] > start + 1e-9)).sum())
        assert busy < servers
        if fewer[at] > 1e-9:
            working = int(((begun[:at] < start - 1e-9) & (begun[:at] + service[:at] >= start - 1e-9)).sum())
            assert working >= servers


@pytest.mark.parametrize(("arrivals", "service", "servers", "text"), [
    ([1.0, 0.5], [1.0, 1.0], 1, "arrival 2: the clock goes backwards"), ([1.0], [-1.0], 1, "a service time is below 0"),
    ([math.nan], [1.0], 1, "no number"), ([1.0], [math.inf], 1, "no number"), ([1.0], [1.0], 0, "at least one card"),
    ([1.0], [1.0, 2.0], 1, "1 arrivals and 2 service times")])
def test_what_is_no_trace_is_one_line(arrivals: list[float], service: list[float], servers: int, text: str) -> None:
    with pytest.raises(PlannerError, match=text):
        waits(np.array(arrivals), np.array(service), servers=servers)


def test_nobody_is_no_trouble() -> None:
    assert waits(np.array([]), np.array([]), servers=3).size == 0
