"""Who is next: shares by cost, no starving, first come first served inside a tenant."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.worker.line import Line

ENTRIES = st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.01, 100.0)), max_size=60)


def filled(entries: list[tuple[str, float]]) -> Line[tuple[str, float, int]]:
    line: Line[tuple[str, float, int]] = Line()
    for number, (tenant, cost) in enumerate(entries):
        line.join((tenant, cost, number), tenant, cost=cost)
    return line


@given(ENTRIES)
def test_everybody_is_served_once_and_in_order_inside_a_tenant(entries: list[tuple[str, float]]) -> None:
    line = filled(entries)
    assert (len(line), line.cost) == (len(entries), pytest.approx(sum(cost for _, cost in entries)))
    taken = [line.take() for _ in entries]
    assert sorted(number for *_, number in taken) == list(range(len(entries)))
    for tenant in "abcd":
        numbers = [number for whose, _, number in taken if whose == tenant]
        assert numbers == sorted(numbers)
    assert (len(line), line.cost, line.tenants) == (0, 0, {})


@given(ENTRIES)
def test_while_two_wait_neither_is_ahead_by_more_than_one_entry_of_each(entries: list[tuple[str, float]]) -> None:
    """The bound of start-time fair queueing: served work differs by at most the sum of the two largest entries."""
    line, left, served = filled(entries), Counter(tenant for tenant, _ in entries), Counter[str]()
    largest = {tenant: max((cost for whose, cost in entries if whose == tenant), default=0.0) for tenant in "abcd"}
    while len(line):
        tenant, cost, _ = line.take()
        served[tenant] += cost
        left[tenant] -= 1
        for one, other in (("a", "b"), ("a", "c"), ("b", "d")):
            if left[one] and left[other]:
                assert abs(served[one] - served[other]) <= largest[one] + largest[other] + 1e-6


def test_one_among_a_hundred_waits_for_about_one() -> None:
    line = filled([("many", 1.0)] * 100)
    line.take()
    line.join(("one", 1.0, 100), "one", cost=1.0)
    assert ("one", 1.0, 100) in (line.take(), line.take())


def test_idling_collects_no_claim() -> None:
    line = filled([("busy", 1.0)] * 50)
    for _ in range(40):
        line.take()
    for number in range(20):
        line.join(("late", 1.0, number), "late", cost=1.0)
    served = Counter(line.take()[0] for _ in range(20))
    assert abs(served["busy"] - served["late"]) <= 2


@given(ENTRIES, st.sampled_from("abcd"))
def test_whoever_is_removed_is_gone_and_the_rest_stays_in_order(entries: list[tuple[str, float]], gone: str) -> None:
    line = filled(entries)
    assert line.remove(lambda entry: entry[0] == gone) == sum(tenant == gone for tenant, _ in entries)
    rest = [line.take() for _ in range(len(line))]
    assert gone not in {tenant for tenant, *_ in rest}
    for tenant in "abcd":
        assert all(one[2] < other[2] for one, other in pairwise(each for each in rest if each[0] == tenant))


def test_work_that_was_given_up_is_not_held_against_its_tenant() -> None:
    line = filled([("a", 50.0), ("b", 1.0), ("b", 1.0)])
    line.remove(lambda entry: entry[0] == "a")
    line.join(("a", 1.0, 9), "a", cost=1.0)
    assert ("a", 1.0, 9) in (line.take(), line.take())
    with pytest.raises(IndexError):
        [line.take() for _ in range(2)]
