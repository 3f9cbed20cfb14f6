"""Who is sent to next, how long the others are sent away for, and when an event is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.job_protocol import Message
from router.webhooks.lanes import Lanes, host_of
from router.webhooks.tries import RETRIES_AFTER_S, Try, next_try_s, throttle_s

AT = datetime(2026, 11, 25, tzinfo=UTC)


def message(job: str, host: str = "a.example.com", tenant: str = "acme") -> Message:
    return Message(job, 1, tenant, f"https://{host}/hush?key=hush", "{}", AT)


def test_lanes_take_turns_and_a_host_gets_no_more_than_its_share() -> None:
    lanes = Lanes(at_once=4, per_host=2, per_lane=9)
    for number in range(5):
        assert lanes.offer(message(f"a{number}"), now_s=0.0) == 0.0
    lanes.offer(message("b0", tenant="other"), now_s=0.0)
    lanes.offer(message("c0", "c.example.com"), now_s=0.0)
    begun = [lanes.begin() for _ in range(4)]
    assert [one.job_id if one else None for one in begun] == ["a0", "b0", "c0", None]  # two of four to a.example.com
    assert begun[0] is not None
    lanes.ended(begun[0], took_s=0.1, closed_until=0.0, now_s=1.0)
    again = lanes.begin()
    assert again is not None
    assert again.job_id == "a1"
    assert len(lanes) == 3


def test_what_does_not_fit_a_lane_is_sent_away_until_about_its_turn() -> None:
    lanes = Lanes(at_once=4, per_host=2, per_lane=3)
    waits = [lanes.offer(message(f"a{number}"), now_s=100.0) for number in range(2_000)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert waits[3:6] == pytest.approx([1.5, 2.0, 2.5])  # a second a try is guessed, two at once
    assert max(waits) == 600.0
    assert lanes.offer(message("b0", "b.example.com"), now_s=100.0) == 0.0


def test_an_overrun_receiver_gets_nothing_until_its_lane_opens() -> None:
    lanes = Lanes(at_once=4, per_host=2, per_lane=9)
    for number in range(3):
        lanes.offer(message(f"a{number}"), now_s=0.0)
    first = lanes.begin()
    assert first is not None
    away = lanes.ended(first, took_s=0.1, closed_until=60.0, now_s=10.0)
    assert [one.job_id for one in away] == ["a1", "a2"]
    assert lanes.begin() is None
    assert lanes.offer(message("a3"), now_s=20.0) == 40.0
    assert lanes.offer(message("b0", tenant="other"), now_s=20.0) == 0.0
    assert lanes.offer(message("a3"), now_s=60.0) == 0.0


def test_lanes_of_hosts_that_nothing_goes_to_are_forgotten() -> None:
    lanes = Lanes(at_once=4, per_host=2, per_lane=9)
    for number in range(100):
        lanes.offer(message(f"j{number}", f"h{number}.example.com"), now_s=0.0)
        begun = lanes.begin()
        assert begun is not None
        assert lanes.ended(begun, took_s=0.1, closed_until=0.0, now_s=0.0) == ()
    assert len(lanes._lanes) <= 5
    assert not lanes._busy


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans()), max_size=60))
def test_whatever_comes_is_begun_once_or_sent_away(steps: list[tuple[str, str, bool]]) -> None:
    lanes = Lanes(at_once=5, per_host=2, per_lane=4)
    running: list[Message] = []
    offered, away, begun = [], [], []
    for at, (tenant, host, ends) in enumerate(steps):
        one = message(f"j{at}", host, tenant)
        offered.append(one)
        if lanes.offer(one, now_s=float(at)):
            away.append(one)
        if ends and running:
            away += lanes.ended(running.pop(), took_s=0.1, closed_until=0.0, now_s=float(at))
        while (following := lanes.begin()) is not None:
            running.append(following)
            begun.append(following)
        assert len(running) <= 5
        assert all(sum(host_of(other) == host_of(one) for other in running) <= 2 for one in running)
    while running:
        lanes.ended(running.pop(), took_s=0.1, closed_until=0.0, now_s=99.0)
        while (following := lanes.begin()) is not None:
            running.append(following)
            begun.append(following)
    assert sorted(one.job_id for one in (*away, *begun)) == sorted(one.job_id for one in offered)
    assert len(lanes) == 0


def test_a_lane_is_named_without_what_an_address_may_hold_of_keys() -> None:
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
