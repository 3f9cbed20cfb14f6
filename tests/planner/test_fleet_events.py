"""The second engine of `planner.fleet`: equal to the first, to SimPy request by request, and to the textbook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from planner.conditions import Conditions, Failures, Scaling
from planner.errors import PlannerError
from planner.fleet import WEEK_H, Served, Work, serve
from tests.planner.fleet_of_simpy import Shop

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE_S = 6.0


def plain_work(at: np.ndarray, seconds: np.ndarray, *, leaves: np.ndarray | bool = False,
               most_wait: np.ndarray | float = 1e12) -> Work:
    """Single images; nothing can wait."""
    size = at.size
    ones, no = np.ones(size, np.int64), np.zeros(size, np.bool_)
    return Work(at, ones, seconds, ones, ~no, no | leaves, no, np.zeros(size), np.zeros(size) + most_wait)


def random_work(rng: np.random.Generator) -> Work:
    """Requests of several images, some of which leave, wait, or are none of ours."""
    size = int(rng.integers(1, 900))
    at = np.cumsum(rng.exponential(rng.choice([2.0, 20.0, 200.0]), size))
    return Work(at, rng.choice([1, 2, 4, 8], size), rng.uniform(1, 10, size), rng.choice([1, 2, 4], size),
                rng.random(size) < 0.9, rng.random(size) < 0.6, rng.random(size) < 0.3, rng.uniform(0, 5000, size),
                rng.choice([0.0, 10.1, 30.7, 1000.0], size))


@pytest.mark.parametrize("by_image", [True, False])
def test_without_conditions_both_engines_say_the_same(by_image: bool) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        work = random_work(rng)
        cards = rng.integers(0, 5, WEEK_H) if seed % 2 else np.full(WEEK_H, int(rng.integers(1, 6)))
        first = serve(work, cards, by_image=by_image)
        second = serve(work, cards, by_image=by_image, conditions=Conditions())
        assert np.array_equal(first.own_images, second.own_images)
        for name in ("waited", "last", "busy_s"):
            np.testing.assert_allclose(getattr(second, name), getattr(first, name), atol=1e-6)


def priorities(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(priority=rng.integers(0, 3, size))


def switches(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(kind=rng.integers(0, 4, size), switch_s=rng.lognormal(1.0, 0.8, size))


def failing(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(failures=Failures(900.0, 150.0, (int(rng.integers(1000)),)))


def autoscaled(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(scaling=Scaling(0, 45.0, 8.0, 30.0))


def serverless(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(scaling=Scaling(0, 20.0, 0.0, 5.0))


def deadlines(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(deadline_s=rng.uniform(2.0, 30.0, size), priority=rng.integers(0, 2, size))


def everything(rng: np.random.Generator, size: int) -> Conditions:
    return Conditions(kind=rng.integers(0, 3, size), switch_s=np.full(size, 2.5), priority=rng.integers(0, 3, size),
                      deadline_s=rng.uniform(20.0, 90.0, size), failures=Failures(900.0, 150.0, (3,)),
                      scaling=Scaling(1, 25.0, 5.0, 20.0))


KINDS = (priorities, switches, failing, autoscaled, serverless, deadlines, everything)


@pytest.mark.parametrize("cards", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_every_wait_is_that_of_cards_in_simpy(kind: Callable[..., Conditions], cards: int) -> None:
    for seed, overflows in ((1, False), (2, True)):
        rng = np.random.default_rng(seed)
        at = np.cumsum(rng.exponential(SERVICE_S / (0.75 * cards), 1500))
        work = plain_work(at, rng.lognormal(1.6, 0.5, at.size), leaves=overflows & (rng.random(at.size) < 0.7),
                          most_wait=np.where(rng.random(at.size) < 0.5, 12.3, 60.0) if overflows else 1e12)
        conditions = kind(rng, at.size)
        found, shop = serve(work, np.full(WEEK_H, cards), conditions=conditions), Shop(work, cards, conditions)
        assert found.own_images.tolist() == shop.own.tolist()
        np.testing.assert_allclose(found.waited, np.where(shop.own, shop.waited, 0.0), atol=1e-6)
        seen = found.happened
        assert (seen.switches, seen.failed) == (shop.switches, shop.failed)
        assert any(seen) or kind is priorities
        if conditions.scaling is not None:
            assert seen.starts == shop.starts
            least_s = sum(max(0.0, at[-1] - card.paid_from) for card in shop.cards if card.state == "idle")
            assert found.on_s.sum() == pytest.approx(shop.paid_s + least_s, rel=1e-6)


def z_of(means: list[float], exact: float) -> float:
    """Standard errors between the mean of independent stretches and the exact value."""
    return (float(np.mean(means)) - exact) / (float(np.std(means, ddof=1)) / math.sqrt(len(means)))


def stretches(world: Callable[[np.random.Generator, np.ndarray], tuple[Work, Conditions]], *, rate: float,
              number: int = 30) -> list[tuple[Work, Conditions, Served]]:
    """Independent ones of 20,000 requests on one card."""
    found = []
    for seed in range(number):
        rng = np.random.default_rng((number, seed))
        work, conditions = world(rng, np.cumsum(rng.exponential(1 / rate, 20_000)))
        found.append((work, conditions, serve(work, np.full(WEEK_H, 1), conditions=conditions)))
    return found


def test_two_classes_wait_as_cobham_has_it() -> None:
    rate, share = 0.8 / SERVICE_S, 0.3

    def world(rng: np.random.Generator, at: np.ndarray) -> tuple[Work, Conditions]:
        return plain_work(at, rng.exponential(SERVICE_S, at.size)), Conditions(
            priority=(rng.random(at.size) < share).astype(np.int64))

    found, left = stretches(world, rate=rate), rate * SERVICE_S**2  # what is left of the call in work, M/M/1
    first, load = share * rate * SERVICE_S, rate * SERVICE_S
    for urgent, exact in ((1, left / (1 - first)), (0, left / (1 - first) / (1 - load))):
        means = [served.waited[5000:][terms.priority[5000:] == urgent].mean() for _, terms, served in found]
        assert abs(z_of(means, exact)) < 4


def test_a_card_that_switches_between_like_kinds_is_pollaczek_and_khinchines() -> None:
    rate, kinds, switch_s = 0.06, 4, 7.0  # kinds alike often: whether one switches does not depend on the last switch

    def world(rng: np.random.Generator, at: np.ndarray) -> tuple[Work, Conditions]:
        return plain_work(at, rng.exponential(SERVICE_S, at.size)), Conditions(
            kind=rng.integers(0, kinds, at.size), switch_s=np.full(at.size, switch_s))

    switching = 1 - 1 / kinds
    mean = SERVICE_S + switching * switch_s
    square = 2 * SERVICE_S**2 + 2 * SERVICE_S * switching * switch_s + switching * switch_s**2
    found = stretches(world, rate=rate)
    exact = rate * square / (2 * (1 - rate * mean))
    assert abs(z_of([served.waited[5000:].mean() for _, _, served in found], exact)) < 4
    assert abs(z_of([served.happened.switches / 20_000 for _, _, served in found], switching)) < 4


@pytest.mark.parametrize("idle_s", [0.0, 9.0])
def test_a_card_that_starts_cold_waits_and_starts_as_the_queue_with_setup(idle_s: float) -> None:
    rate, start_s = 0.6 / SERVICE_S, 20.0
    cold = math.exp(-rate * idle_s)  # share of idle times that outlast the tail
    setup = (2 * cold * start_s + rate * cold * start_s**2) / (2 * (1 + rate * cold * start_s))
    queue = rate * 2 * SERVICE_S**2 / (2 * (1 - rate * SERVICE_S))

    def world(rng: np.random.Generator, at: np.ndarray) -> tuple[Work, Conditions]:
        return (plain_work(at, rng.exponential(SERVICE_S, at.size)),
                Conditions(scaling=Scaling(0, start_s, 0.0, idle_s)))

    found = stretches(world, rate=rate)
    assert abs(z_of([served.waited[5000:].mean() for _, _, served in found], queue + setup)) < 4
    starts = cold * (1 - rate * SERVICE_S) / (1 + rate * cold * start_s)
    assert abs(z_of([served.happened.starts / 20_000 for _, _, served in found], starts)) < 4
    for work, _, served in found[:3]:  # every second on is a start, work or an idle tail
        assert served.on_s.sum() >= served.happened.starts * start_s + work.seconds.sum() - 1e-6


def test_cards_are_down_as_long_as_their_failures_say() -> None:
    mean_s, repair_s = 5_000.0, 700.0
    shares, lost = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        at = np.cumsum(rng.exponential(20.0, 20_000))
        served = serve(plain_work(at, np.full(at.size, SERVICE_S)), np.full(WEEK_H, 2),
                       conditions=Conditions(failures=Failures(mean_s, repair_s, (seed,)), until_s=float(at[-1])))
        shares.append(served.happened.down_s / at[-1] / 2)
        lost.append(served.happened.again / served.happened.failed)
        assert served.own_images.sum() == at.size  # nothing may leave, so everything is made in the end
    assert abs(z_of(shares, repair_s / (mean_s + repair_s))) < 4
    assert 0.05 < np.mean(lost) < 0.3  # a card works 15 % of the time, and more while the other one is down


def test_failures_are_the_cards_own_in_a_fleet_of_any_size() -> None:
    few, many = (Failures(1e6, 10.0, (1, 2)).lives_s(cards, until_s=1e7) for cards in (2, 5))
    assert np.array_equal(few, many[:2])
    assert (many.sum(axis=1) > 1e7).all()


def test_cards_fail_as_often_as_is_said_and_not_after_the_end() -> None:
    at = np.cumsum(np.random.default_rng(1).exponential(200.0, 10_000))
    failures = Failures(50_000.0, 3_000.0, (1,))
    seen = serve(plain_work(at, np.full(at.size, SERVICE_S)), np.full(WEEK_H, 20),
                 conditions=Conditions(failures=failures, until_s=2e6)).happened
    assert seen.failed == pytest.approx(20 * 2e6 / 53_000.0, abs=4 * math.sqrt(20 * 2e6 / 53_000.0))
    assert seen.down_s == pytest.approx(seen.failed * 3_000.0, rel=0.01)


def test_what_a_failing_card_was_making_goes_elsewhere_where_it_may_and_is_made_again_where_not() -> None:
    at = np.arange(2000) * 10.0
    seconds = np.full(at.size, 9.0)
    failures = Conditions(failures=Failures(500.0, 60.0, (4,)), until_s=float(at[-1]))
    bound = serve(plain_work(at, seconds), np.full(WEEK_H, 2), conditions=failures)
    free = serve(plain_work(at, seconds, leaves=True), np.full(WEEK_H, 2), conditions=failures)
    assert bound.own_images.sum() == at.size
    assert bound.happened.again > 10
    assert bound.happened.sent == free.happened.again == 0
    assert free.happened.sent > 10
    assert free.own_images.sum() <= at.size - free.happened.sent


def test_whose_deadline_passes_in_the_line_leaves_it() -> None:
    at, seconds = np.array([0.0, 1.0, 2.0]), np.full(3, 10.0)
    served = serve(plain_work(at, seconds), np.full(WEEK_H, 1),
                   conditions=Conditions(deadline_s=np.array([50.0, 5.0, 50.0])))
    assert served.own_images.tolist() == [1, 0, 1]
    assert served.waited.tolist() == [0.0, 0.0, 8.0]
    assert served.happened.late == 1


def test_an_urgent_call_passes_those_that_wait_and_interrupts_nobody() -> None:
    served = serve(plain_work(np.array([0.0, 1.0, 2.0]), np.full(3, 10.0)), np.full(WEEK_H, 1),
                   conditions=Conditions(priority=np.array([0, 0, 5])))
    assert served.waited.tolist() == [0.0, 19.0, 8.0]


def test_the_least_cards_are_paid_for_to_the_end_and_others_from_start_to_off() -> None:
    at = np.array([0.0, 0.0, 0.0])
    served = serve(plain_work(at, np.full(3, 100.0)), np.full(WEEK_H, 2),
                   conditions=Conditions(scaling=Scaling(1, 30.0, 10.0, 60.0), until_s=7200.0))
    assert served.waited.tolist() == [0.0, 30.0, 100.0]
    assert served.happened.starts == 1
    assert served.on_s[:3].tolist() == [3600.0 + 30 + 100 + 60, 3600.0, 0.0]
    assert served.happened.cold_s == 30.0


def test_conditions_that_fit_no_request_are_one_line() -> None:
    with pytest.raises(PlannerError, match="priority: 2 values for 3 requests"):
        serve(plain_work(np.arange(3.0), np.ones(3)), np.full(WEEK_H, 1),
              conditions=Conditions(priority=np.array([1, 2])))
