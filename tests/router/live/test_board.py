"""The board: what is running where, how many images a minute still allows, and how long own cards are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.attempts import Kind, Refusal
from router.backends.protocol import Reply, Trouble
from router.board import Board

from .worlds import OWN, OWN_GPUS, settings_with

if TYPE_CHECKING:
    from router.states import BackendState

OPENAI = {"name": "openai", "vendor": "openai", "images_per_minute": 10}
OK = Reply(Kind.OK)


def board_of(*backends: dict[str, object]) -> Board:
    return Board(settings_with(*(backends or (OPENAI,))).backends)


def _send(board: Board, backend: str, call: str, *, images: int, expected_s: float, now: float) -> None:
    board.expects(backend, call, work_s=expected_s * images, now=now)
    board.started(backend, images=images, now=now)


def state(board: Board, now: float, name: str = "openai") -> BackendState:
    return board.states(now).backends[name]


def test_images_of_a_minute_are_counted_and_forgotten_after_it() -> None:
    board = board_of()
    _send(board, "openai", "a", images=4, expected_s=60.0, now=100.0)
    _send(board, "openai", "b", images=5, expected_s=60.0, now=130.0)
    assert [state(board, now).images_left for now in (130.0, 159.9, 160.0, 189.9, 190.0)] == [1, 1, 5, 5, 10]
    _send(board, "openai", "c", images=30, expected_s=1.0, now=200.0)
    assert state(board, 200.0).images_left == 0


def test_what_a_provider_says_is_left_counts_for_a_minute_and_shrinks_with_what_is_sent() -> None:
    board = board_of()
    _send(board, "openai", "a", images=1, expected_s=1.0, now=100.0)
    board.ended("openai", "a", reply=Reply(Kind.OK, headroom=3), now=101.0)
    assert state(board, 101.0).images_left == 3
    _send(board, "openai", "b", images=2, expected_s=1.0, now=102.0)
    assert state(board, 102.0).images_left == 1
    assert state(board, 160.9).images_left == 1
    assert state(board, 161.0).images_left == 8
    assert state(board, 162.0).images_left == 10


def test_a_provider_s_word_counts_where_the_settings_say_nothing() -> None:
    board = board_of({"name": "bfl", "vendor": "bfl"})
    assert state(board, 1.0, "bfl").images_left is None
    _send(board, "bfl", "a", images=1, expected_s=1.0, now=1.0)
    board.ended("bfl", "a", reply=Reply(Kind.OK, headroom=0), now=2.0)
    assert state(board, 3.0, "bfl").images_left == 0
    assert state(board, 62.0, "bfl").images_left is None


def test_calls_queue_for_one_card_one_behind_the_other() -> None:
    """Eight calls of ten seconds take eighty seconds, not the twenty minutes of a sum over sums."""
    board, waits = board_of(OWN), []
    for number in range(8):
        waits.append(state(board, 100.0, "gpu").queued_s)
        _send(board, "gpu", str(number), images=1, expected_s=10.0, now=100.0)
    assert waits == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    assert state(board, 105.0, "gpu").queued_s == 75.0


def test_a_call_waits_for_the_first_of_several_cards() -> None:
    board = board_of({**OWN, "gpus": {**OWN_GPUS, "cards": 2}})
    for name, seconds in (("a", 10.0), ("b", 30.0)):
        assert state(board, 0.0, "gpu").queued_s == 0.0
        _send(board, "gpu", name, images=1, expected_s=seconds, now=0.0)
    assert state(board, 0.0, "gpu").queued_s == 10.0
    _send(board, "gpu", "c", images=2, expected_s=5.0, now=0.0)  # from 10 to 20 on the first card
    assert state(board, 0.0, "gpu").queued_s == 20.0
    board.ended("gpu", "a", reply=OK, now=10.0)
    assert state(board, 10.0, "gpu").queued_s == 10.0
    board.ended("gpu", "c", reply=OK, now=20.0)
    assert state(board, 20.0, "gpu").queued_s == 0.0


def test_an_answer_that_is_overdue_makes_no_negative_wait() -> None:
    board = board_of(OWN)
    _send(board, "gpu", "a", images=1, expected_s=10.0, now=0.0)
    assert state(board, 500.0, "gpu").queued_s == 0.0


@given(st.integers(1, 5), st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.1, 60.0)), max_size=30))
def test_the_wait_is_that_of_a_queue_with_as_many_clerks(cards: int, calls: list[tuple[float, float]]) -> None:
    board, now = board_of({**OWN, "gpus": {**OWN_GPUS, "cards": cards}}), 0.0
    free_at = [0.0] * cards
    for number, (passed, seconds) in enumerate(calls):
        now += passed
        first = min(range(cards), key=lambda card: free_at[card])
        assert state(board, now, "gpu").queued_s == pytest.approx(max(0.0, free_at[first] - now))
        _send(board, "gpu", str(number), images=1, expected_s=seconds, now=now)
        free_at[first] = max(free_at[first], now) + seconds


def test_hosted_backends_have_no_queue_and_count_their_calls() -> None:
    board = board_of()
    for number in range(3):
        _send(board, "openai", str(number), images=1, expected_s=60.0, now=0.0)
    assert (state(board, 0.0).queued_s, state(board, 0.0).in_flight, board.in_flight()) == (0.0, 3, 3)
    board.ended("openai", "1", reply=OK, now=1.0)
    board.ended("openai", "1", reply=OK, now=1.0)
    assert (state(board, 1.0).in_flight, board.in_flight()) == (2, 2)


CLOSING = {"money": Reply(Kind.NOT_STARTED, trouble=Trouble.MONEY),
           "account": Reply(Kind.NOT_STARTED, trouble=Trouble.ACCOUNT),
           "rate limit": Reply(Kind.NOT_STARTED, trouble=Trouble.BUSY, retry_after_s=20.0)}


@pytest.mark.parametrize("why", CLOSING)
def test_one_answer_closes_a_backend_though_others_are_still_answered(why: str) -> None:
    board = board_of()
    for call in ("a", "b"):
        _send(board, "openai", call, images=1, expected_s=60.0, now=0.0)
    board.ended("openai", "a", reply=CLOSING[why], now=1.0)
    board.ended("openai", "b", reply=OK, now=2.0)
    assert not board.admits("openai", 2.0)
    told = state(board, 2.0)
    assert (told.why_closed, told.closed_until) == (why, 1.0 + (20.0 if why == "rate limit" else 300.0))
    assert board.closed_for_s("openai", 2.0) == told.closed_until - 2.0
    assert board.admits("openai", told.closed_until)
    assert board.closed_for_s("openai", 1000.0) == 0.0


@pytest.mark.parametrize("reply", [
    Reply(Kind.REFUSED, refusal=Refusal("moderation_blocked")), Reply(Kind.FAILED, trouble=Trouble.OUR_REQUEST), OK,
    Reply(Kind.BAD_ANSWER, code="no_picture", possibly_billed=True), Reply(Kind.NOT_STARTED, trouble=Trouble.BUSY),
], ids=["refused", "our-request", "ok", "bad-answer", "busy-without-a-time"])
def test_what_is_no_outage_closes_nothing_however_often(reply: Reply) -> None:
    board = board_of()
    for number in range(50):
        _send(board, "openai", str(number), images=1, expected_s=1.0, now=float(number))
        board.ended("openai", str(number), reply=reply, now=float(number))
        assert board.admits("openai", float(number))


@pytest.mark.parametrize("reply", [None, Reply(Kind.FAILED, trouble=Trouble.OUTAGE)], ids=["broken", "outage"])
def test_five_outages_in_a_row_close_it_and_one_probe_opens_it(reply: Reply | None) -> None:
    board = board_of()
    for number in range(5):
        _send(board, "openai", str(number), images=1, expected_s=1.0, now=0.0)
        board.ended("openai", str(number), reply=reply, now=0.0)
    assert state(board, 29.0).closed_until == 30.0
    assert board.admits("openai", 30.0)
    _send(board, "openai", "probe", images=1, expected_s=60.0, now=30.0)
    assert not board.admits("openai", 31.0)
    assert state(board, 31.0).closed_until > 31.0
    board.ended("openai", "probe", reply=OK, now=60.0)
    assert (board.admits("openai", 60.0), state(board, 60.0).closed_until) == (True, 0.0)


def test_answers_that_do_not_come_count_as_failures_until_they_come() -> None:
    board = board_of()
    for number in range(5):
        _send(board, "openai", str(number), images=1, expected_s=1.0, now=0.0)
        board.late("openai", now=100.0)
    assert not board.admits("openai", 101.0)
    board.ended("openai", "0", reply=OK, now=102.0)
    assert board.admits("openai", 102.0)


def test_a_snapshot_does_not_change_with_the_board() -> None:
    board = board_of()
    before = board.states(0.0, left_micro_usd=5, budget="all")
    _send(board, "openai", "a", images=4, expected_s=1.0, now=0.0)
    assert (before.backends["openai"].in_flight, before.left_micro_usd, before.budget) == (0, 5, "all")


def test_a_batch_counts_against_nothing_and_speaks_for_the_account_alone() -> None:
    board = board_of()
    for number in range(9):
        board.ended("openai", str(number), batched=True, now=float(number), reply=None if number == 8 else Reply(
            Kind.FAILED, trouble=Trouble.OUTAGE, headroom=0))
    assert (board.admits("openai", 9.0), state(board, 9.0).images_left) == (True, 10)
    board.ended("openai", "a", reply=CLOSING["rate limit"], now=10.0)
    assert not board.admits("openai", 11.0)
    assert board.admits("openai", 11.0, batched=True)
    board.ended("openai", "b", reply=CLOSING["account"], now=12.0, batched=True)
    assert not board.admits("openai", 13.0, batched=True)
