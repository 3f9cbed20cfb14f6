"""Overflow: what would wait too long for a card of ours goes elsewhere, whole or image by image; cards have hours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.board import Board
from router.card_hours import HOURS_PER_WEEK, hours_text, read_hours
from router.decide import decide
from router.errors import SettingsError
from router.live import Router
from router.request import ImageRequest
from router.states import BackendState, States
from router.verdicts import Reason

from .simulation import MemoryLedger, Scripted, VirtualClock, simulate
from .worlds import HOSTED, OWN, OWN_GPUS, compiled_with, policy_with, settings_with

if TYPE_CHECKING:
    from pathlib import Path

    from router.decide import Decision
    from router.policy import Policy

FAL = HOSTED[2]


def policy(**segment: Any) -> Policy:
    return policy_with(segment={"default": {"models": ["flux-2-klein-4b"], **segment}})


def decided(queued_s: float, *, is_off: bool = False, data_class: Any = "public", n: int = 1,
            **segment: Any) -> Decision:
    states = States({"gpu": BackendState(1, queued_s, is_off=is_off)})
    compiled = compiled_with(settings_with(FAL, OWN), policy(**segment))
    return decide(compiled, ImageRequest("a bicycle", data_class=data_class, n=n), states=states, now=0.0)


def backends_of(decision: Decision) -> list[str]:
    return [candidate.backend for candidate in decision.candidates()]


def test_an_image_waits_for_a_card_of_ours_up_to_the_policys_limit_and_goes_elsewhere_above_it() -> None:
    assert backends_of(decided(30.0, most_wait_s=30)) == ["gpu", "fal"]
    assert backends_of(decided(30.1, most_wait_s=30)) == ["fal", "gpu"]
    assert backends_of(decided(100.0)) == ["gpu", "fal"]
    assert backends_of(decided(0.1, most_wait_s=0)) == ["fal", "gpu"]


def test_what_may_go_nowhere_else_waits_all_the_same() -> None:
    held = decided(100.0, most_wait_s=30, data_class="restricted")
    assert backends_of(held) == ["gpu"]
    assert [verdict.reason for option, verdict, _ in held.verdicts() if option.backend.is_own] == [Reason.QUEUE]
    assert decided(1e6, most_wait_s=30, data_class="restricted").choice is None  # it would miss its deadline


def test_cards_that_are_switched_off_take_nothing() -> None:
    assert backends_of(decided(0.0, is_off=True)) == ["fal"]
    assert decided(0.0, is_off=True, data_class="restricted").choice is None


def test_work_that_can_wait_waits_for_cards_that_are_off() -> None:
    states = States({"gpu": BackendState(is_off=True)})
    compiled = compiled_with(settings_with(FAL, OWN), policy())
    waiting = ImageRequest("a bicycle", urgency="can_wait", deadline_s=86_400.0)
    assert decide(compiled, waiting, states=states, now=0.0).choice is None
    last = decide(compiled, replace(waiting, deadline_s=100.0), states=states, now=0.0).choice
    assert last is not None
    assert last.backend == "fal"


def test_the_board_counts_the_cards_of_the_hour() -> None:
    hours = {"mon-fri 08-20": 2, "sat 10-12": 1}
    board = Board(settings_with({**OWN, "gpus": {**OWN_GPUS, "cards": 2, "hours": hours}}).backends)
    board.expects("gpu", "a", work_s=10.0, now=0.0, hour=9)
    assert board.states(0.0, hour=9).backends["gpu"].queued_s == 0.0
    assert board.states(0.0, hour=5 * 24 + 10).backends["gpu"].queued_s == 10.0
    off = board.states(0.0, hour=6 * 24).backends["gpu"]
    assert (off.is_off, off.queued_s) == (True, 0.0)
    assert not board.states(0.0).backends["gpu"].is_off


def test_a_call_that_is_expected_but_never_made_leaves_no_queue() -> None:
    board = Board(settings_with(OWN).backends)
    board.expects("gpu", "a", work_s=10.0, now=0.0)
    board.forgets("gpu", "a")
    assert board.states(0.0).backends["gpu"] == BackendState()


def made_by(n: int, **segment: Any) -> list[str]:
    """Who makes each image of a request for `n`, in virtual time; a card of ours takes 20 s."""

    async def story(clock: VirtualClock) -> list[str]:
        backends = {"gpu": Scripted("gpu", seconds=20.0), "fal": Scripted("fal", seconds=17.0)}
        gpus = {**OWN_GPUS, "seconds_per_image": 20.0}
        settings = settings_with({**FAL, "concurrent": 40}, {**OWN, "gpus": gpus})
        async with Router(settings, policy(deadline_s=3600, **segment), environ={}, clock=clock, backends=backends,
                          ledger=MemoryLedger()) as router:
            assert len((await router.generate("a bicycle", n=n)).pictures) == n
        return [name for name, backend in backends.items() for job in backend.jobs for _ in range(job.n)]

    return simulate(story)


def test_a_whole_request_overflows_or_single_images_do() -> None:
    assert made_by(4, most_wait_s=30) == ["gpu"] * 4
    assert made_by(4, most_wait_s=30, overflow_by="image") == ["gpu"] * 2 + ["fal"] * 2
    assert made_by(4, most_wait_s=45, overflow_by="image") == ["gpu"] * 3 + ["fal"]


@given(st.lists(st.integers(0, 3), min_size=HOURS_PER_WEEK, max_size=HOURS_PER_WEEK))
def test_hours_are_written_as_they_are_read(cards: list[int]) -> None:
    assert read_hours(hours_text(cards)) == tuple(cards)


def test_hours_are_written_in_few_lines() -> None:
    cards = read_hours({"mon-fri 08-20": 4, "sat 10-12": 1})
    assert sum(cards) == 5 * 12 * 4 + 2
    assert hours_text(cards) == {"mon-fri 08-20": 4, "sat 10-12": 1}


@pytest.mark.parametrize("line", ["fri-mon 08-20", "mon 20-08", "mon 08-25", "mo 08-10", "08-20"])
def test_a_line_that_means_no_hours_is_refused_with_its_key(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hours"):
        settings_with({**OWN, "gpus": {**OWN_GPUS, "hours": {line: 1}}}, folder=tmp_path)
