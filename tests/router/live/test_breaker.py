"""The circuit breaker as a state machine: what it lets through, for how long it does not, and what opens it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.breaker import Breaker, BreakerRules

RULES = BreakerRules()


def closed_by_outage(at: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(RULES.failures):
        breaker = breaker.fails(at)
    return breaker


def test_four_failures_change_nothing_the_fifth_closes_for_half_a_minute() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker = breaker.fails(100.0)
        assert breaker.admits(100.0)
    breaker = breaker.fails(100.0)
    assert (breaker.admits(129.9), breaker.admits(130.0), breaker.why) == (False, True, "outage")


def test_an_answer_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(20):
        breaker = breaker.fails(1.0).fails(1.0).fails(1.0).fails(1.0).answered(1.0)
    assert breaker == Breaker()


def test_after_the_pause_one_probe_goes_at_a_time() -> None:
    breaker = closed_by_outage().sent(130.0)
    assert not breaker.admits(130.0)
    assert not breaker.admits(10_000.0)
    assert breaker.unanswered().admits(130.0)
    assert breaker.answered(131.0) == Breaker()


def test_failed_probes_double_the_pause_up_to_ten_minutes() -> None:
    breaker, pauses = closed_by_outage(), []
    for _ in range(8):
        now = breaker.closed_until
        breaker = breaker.sent(now).fails(now)
        pauses.append(breaker.closed_until - now)
    assert pauses == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0, 600.0, 600.0]


def test_an_outage_of_months_still_ends_in_a_pause_of_ten_minutes() -> None:
    breaker = closed_by_outage()
    for _ in range(5_000):
        breaker = breaker.sent(breaker.closed_until).fails(breaker.closed_until)
    assert breaker.sent(breaker.closed_until).fails(breaker.closed_until).closed_until == breaker.closed_until + 600.0


def test_calls_sent_before_the_pause_that_fail_in_it_do_not_double_it() -> None:
    """Twenty were on their way when the backend broke: that is one outage, not sixteen."""
    breaker = closed_by_outage(100.0)
    for late in range(15):
        breaker = breaker.fails(101.0 + late)
    assert (breaker.closed_until, breaker.times_closed) == (130.0, 1)


def test_an_answer_to_an_earlier_call_ends_an_outage() -> None:
    assert closed_by_outage(100.0).answered(101.0) == Breaker()


@pytest.mark.parametrize("why", ["money", "account"])
def test_money_and_account_close_at_once_for_five_minutes(why: str) -> None:
    breaker = Breaker().blocked(100.0, why)
    assert (breaker.admits(399.0), breaker.admits(400.0), breaker.why) == (False, True, why)


@pytest.mark.parametrize("why", ["money", "account"])
def test_what_was_on_its_way_neither_opens_nor_shortens_a_block(why: str) -> None:
    blocked = Breaker().blocked(100.0, why)
    for after in (blocked.answered(101.0), blocked.fails(101.0), blocked.unanswered()):
        assert (after.admits(399.0), after.why) == (False, why)
    long_pause = Breaker(closed_until=1000.0, times_closed=5, why="outage")
    assert long_pause.blocked(500.0, why).closed_until == 1000.0


def test_a_provider_s_own_time_is_honoured_whatever_else_is_answered() -> None:
    breaker = Breaker().asked_to_wait(100.0, 20.0)
    for after in (breaker, breaker.answered(101.0), breaker.fails(101.0), breaker.unanswered(), breaker.sent(101.0),
                  breaker.asked_to_wait(101.0, 1.0)):
        assert not after.admits(119.9)
        assert after.admits(120.0)


def test_a_rate_limit_ends_by_itself_without_a_probe() -> None:
    """An image takes a minute: one probe at a time would turn a wait of a second into one call a minute."""
    breaker = Breaker().asked_to_wait(100.0, 1.0).sent(101.0)
    assert breaker == Breaker()
    assert breaker.sent(101.0).admits(101.0)


def test_a_probe_that_is_asked_to_wait_waits_and_probes_again() -> None:
    breaker = closed_by_outage().sent(130.0).asked_to_wait(131.0, 5.0)
    assert (breaker.admits(135.9), breaker.admits(136.0)) == (False, True)
    assert not breaker.sent(136.0).admits(136.0)


@pytest.mark.parametrize("seconds", [1e9, float("inf")])
def test_no_provider_closes_itself_for_longer_than_an_hour(seconds: float) -> None:
    assert Breaker().asked_to_wait(100.0, seconds).closed_until == 3700.0


STEPS = st.tuples(st.sampled_from(["sent", "answered", "unanswered", "fails", "money", "account", "wait"]),
                  st.floats(0.0, 900.0))


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_the_state_is_legal_and_it_opens_again(steps: list[tuple[str, float]]) -> None:
    breaker, now = Breaker(), 1.0
    for step, passed in steps:
        now += passed
        if step == "sent" and not breaker.admits(now):
            continue
        before = breaker
        breaker = _stepped(breaker, step, now=now, seconds=passed)
        assert breaker.closed_until <= now + max(RULES.longest_s, RULES.longest_wait_s)
        assert not (breaker.probing and breaker.closed_until > now), "a probe during the pause"
        assert not breaker.probing or not breaker.admits(now), "two probes"
        assert bool(breaker.closed_until) <= bool(breaker.why), "closed, and nobody knows why"
        if before.closed_until > now and step not in ("answered", "fails") and before.why != "outage":
            assert breaker.closed_until >= before.closed_until, "a pause that a provider asked for was cut short"
    assert breaker.unanswered().admits(now + 3600.0)
    assert breaker.answered(now + 3600.0) == Breaker()


def _stepped(breaker: Breaker, step: str, *, now: float, seconds: float) -> Breaker:
    if step in ("money", "account"):
        return breaker.blocked(now, step)
    if step == "wait":
        return breaker.asked_to_wait(now, seconds)
    if step == "unanswered":
        return breaker.unanswered()
    return {"sent": breaker.sent, "answered": breaker.answered, "fails": breaker.fails}[step](now)
