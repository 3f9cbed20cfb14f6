"""Who is sent to next, how long the others are sent away for, and when an event is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.job_protocol import Message
from router.webhooks.tries import RETRIES_AFTER_S, Try, next_try_s, throttle_s
from router.webhooks.turns import Turns, host_of

AT = datetime(2026, 11, 25, tzinfo=UTC)


def message(job: str, host: str = "a.example.com", tenant: str = "acme") -> Message:
    return Message(job, 1, tenant, f"https://{host}/hush?key=hush", "{}", AT)


def test_lines_take_turns_and_a_host_gets_no_more_than_its_share() -> None:
    turns = Turns(at_once=4, per_host=2, per_line=9)
    for number in range(5):
        assert turns.offer(message(f"a{number}"), now_s=0.0) == 0.0
    turns.offer(message("b0", tenant="other"), now_s=0.0)
    turns.offer(message("c0", "c.example.com"), now_s=0.0)
    begun = [turns.begin() for _ in range(4)]
    assert [one.job_id if one else None for one in begun] == ["a0", "b0", "c0", None]  # two of four to a.example.com
    assert begun[0] is not None
    turns.ended(begun[0], took_s=0.1, closed_until=0.0, now_s=1.0)
    again = turns.begin()
    assert again is not None
    assert again.job_id == "a1"
    assert len(turns) == 3


def test_what_does_not_fit_a_line_is_sent_away_until_about_its_turn() -> None:
    turns = Turns(at_once=4, per_host=2, per_line=3)
    waits = [turns.offer(message(f"a{number}"), now_s=100.0) for number in range(2_000)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert waits[3:6] == pytest.approx([1.0, 1.025, 1.05])  # a twentieth of a second a try is guessed, two at once
    begun = turns.begin()
    assert begun is not None
    turns.ended(begun, took_s=10.0, closed_until=0.0, now_s=110.0)
    assert turns.offer(message("a"), now_s=110.0) == 0.0
    waits = [turns.offer(message("a"), now_s=110.0) for number in range(100)]
    assert waits[:2] == pytest.approx([50.9, 60.9])  # behind those sent away before, now ten seconds apart
    assert max(waits) == 600.0
    assert turns.offer(message("b0", "b.example.com"), now_s=100.0) == 0.0


def test_an_overrun_receiver_gets_nothing_until_its_line_opens() -> None:
    turns = Turns(at_once=4, per_host=2, per_line=9)
    for number in range(3):
        turns.offer(message(f"a{number}"), now_s=0.0)
    first = turns.begin()
    assert first is not None
    away = turns.ended(first, took_s=0.1, closed_until=60.0, now_s=10.0)
    assert [(one.job_id, wait_s) for one, wait_s in away] == [("a1", 50.0), ("a2", 50.0)]
    assert turns.begin() is None
    assert turns.offer(message("a3"), now_s=20.0) == 40.0
    assert turns.offer(message("b0", tenant="other"), now_s=20.0) == 0.0
    assert turns.offer(message("a3"), now_s=60.0) == 0.0


def test_a_quick_receiver_may_have_a_long_line_until_it_turns_out_slow() -> None:
    turns = Turns(at_once=64, per_host=1, per_line=4)
    turns.offer(message("a"), now_s=0.0)
    for took_s, held in ((0.01, 256), (0.1, 50), (30.0, 4)):
        begun = turns.begin()
        assert begun is not None
        away = turns.ended(begun, took_s=took_s, closed_until=0.0, now_s=0.0)
        waits = [turns.offer(message(f"a{number}"), now_s=0.0) for number in range(300)]
        assert len(turns) == held
        assert all(waits[held:])
        assert all(wait_s > 0 for _, wait_s in away)
    assert turns.begin() is not None


@pytest.mark.parametrize(("took_s", "at_once"), [(0.0, 8), (2.0, 8), (4.0, 4), (15.0, 1), (99.0, 1)])
def test_a_slow_receiver_gets_fewer_tries_at_once(took_s: float, at_once: int) -> None:
    turns = Turns(at_once=64, per_host=8, per_line=20)
    for number in range(20):
        turns.offer(message(f"a{number}"), now_s=0.0)
    begun = [one for _ in range(20) if (one := turns.begin())]
    assert len(begun) == 8
    for one in begun:
        turns.ended(one, took_s=took_s, closed_until=0.0, now_s=20.0)
    turns.offer(message("b0", tenant="other"), now_s=20.0)
    again = [one for _ in range(20) if (one := turns.begin())]
    assert sum(one.tenant == "acme" for one in again) == min(at_once, 7 if at_once == 8 else at_once)
    assert sum(one.tenant == "other" for one in again) == 1


def test_lines_of_hosts_that_nothing_goes_to_are_forgotten() -> None:
    turns = Turns(at_once=4, per_host=2, per_line=9)
    for number in range(100):
        turns.offer(message(f"j{number}", f"h{number}.example.com"), now_s=0.0)
        begun = turns.begin()
        assert begun is not None
        assert turns.ended(begun, took_s=0.1, closed_until=0.0, now_s=0.0) == []
    assert len(turns._lines) <= 5
    assert not turns._busy


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans()), max_size=60))
def test_whatever_comes_is_begun_once_or_sent_away(steps: list[tuple[str, str, bool]]) -> None:
    turns = Turns(at_once=5, per_host=2, per_line=4)
    running: list[Message] = []
    offered, away, begun = [], [], []
    for at, (tenant, host, ends) in enumerate(steps):
        one = message(f"j{at}", host, tenant)
        offered.append(one)
        if turns.offer(one, now_s=float(at)):
            away.append(one)
        if ends and running:
            took_s = 9.0 if tenant == "a" else 0.1
            ended = turns.ended(running.pop(), took_s=took_s, closed_until=0.0, now_s=float(at))
            away += [other for other, _ in ended]
        while (following := turns.begin()) is not None:
            running.append(following)
            begun.append(following)
        assert len(running) <= 5
        assert all(sum(host_of(other) == host_of(one) for other in running) <= 2 for one in running)
    while running:
        turns.ended(running.pop(), took_s=0.1, closed_until=0.0, now_s=99.0)
        while (following := turns.begin()) is not None:
            running.append(following)
            begun.append(following)
    assert sorted(one.job_id for one in (*away, *begun)) == sorted(one.job_id for one in offered)
    assert len(turns) == 0


def test_a_line_is_named_without_what_an_address_may_hold_of_keys() -> None:
    assert host_of(message("a")) == "a.example.com:443"
    assert host_of(Message("a", 1, "acme", "https://h:99999/", "{}", AT)) == ""


def test_ten_tries_spread_over_three_days_as_the_standard_says() -> None:
    waits = [next_try_s(Try("http_500", 500), before, chance=0.0) for before in range(11)]
    assert waits == [*map(float, RETRIES_AFTER_S), None, None]
    assert sum(RETRIES_AFTER_S) == 75 * 3600 + 35 * 60 + 5  # 75:35:05 in the table of the standard
    assert next_try_s(Try("timeout"), 0, chance=1.0) == pytest.approx(5.5)


def test_the_receivers_word_on_the_next_try_counts_for_a_day_at_most() -> None:
    assert next_try_s(Try("http_429", 429, 60.0), 0, chance=0.0) == 60.0
    assert next_try_s(Try("http_503", 503, 60.0), 1, chance=0.0) == 300.0
    assert next_try_s(Try("http_429", 429, 1e9), 0, chance=0.0) == 86_400.0
    assert next_try_s(Try("http_429", 429, 60.0), 9, chance=0.0) is None
    assert next_try_s(Try("http_410", 410, 60.0), 0, chance=0.0) is None


def test_only_an_overrun_receiver_is_throttled() -> None:
    assert [throttle_s(Try("", status)) for status in (0, 204, 404, 500)] == [0.0] * 4
    assert [throttle_s(Try("", status)) for status in (429, 502, 503, 504)] == [5.0] * 4
    assert [throttle_s(Try("", 429, asked)) for asked in (1.0, 60.0, 9e9)] == [5.0, 60.0, 600.0]
    assert [Try("", status).arrived for status in (0, 199, 200, 204, 299, 300, 304)] == [
        False, False, True, True, True, False, False]
