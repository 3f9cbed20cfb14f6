"""A roll-out in a running router, in virtual time: looked at every half minute, dropped at once, told once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from live.simulation import VirtualClock, simulate

from router.adopting.pilot import Pilot
from router.adopting.rollout import Terms
from router.adopting.rollout_store import Rollouts
from router.errors import LedgerError
from router.policy import Policy, load_policy
from router.policy_store import PolicyStore

from .test_judging import sums

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from router.events import Event
    from router.ledger.arm_values import ArmAsk, ArmSums

WORSE, ALIKE = sums(60, 0.5), sums(60)


@dataclass
class Books:
    """Answers what it is told to, by digest."""

    candidate: ArmSums | None = None
    control: ArmSums | None = None
    asked: list[ArmAsk] = field(default_factory=list)
    digest: str = ""
    fails: bool = False

    async def arm(self, ask: ArmAsk) -> tuple[ArmSums, ...]:
        if self.fails:
            raise LedgerError("the disk is full")
        self.asked.append(ask)
        row = self.candidate if ask.digest == self.digest else self.control
        return () if row is None else (row,)


@dataclass
class World:
    rollouts: Rollouts
    pilot: Pilot
    clock: VirtualClock
    events: list[Event]
    in_force: list[Policy]
    books: Books = field(default_factory=Books)

    def start(self, folder: Path, **terms: Any) -> None:
        path = folder / "new.toml"
        path.write_text('name = "new"\n')
        made = self.rollouts.start(path, Terms(**({"share": 0.5} | terms)), at=self.clock.now(), by="ann", why="")
        self.books.digest = made.digest
        self.pilot.refresh()

    async def judge(self) -> None:
        await self.pilot.judge(self.books)  # type: ignore[arg-type]

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]


def world(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    async def run(clock: VirtualClock) -> None:
        store = PolicyStore(folder / "policies")
        first = folder / "first.toml"
        first.write_text('name = "first"\n')
        store.publish(first, at=clock.now(), by="ann", why="")
        events: list[Event] = []
        in_force = [load_policy(store.current)]
        rollouts = Rollouts(store)
        pilot = Pilot(rollouts, clock, tell=events.append, in_force=lambda: in_force[-1], promoted=in_force.append)
        await story(World(rollouts, pilot, clock, events, in_force))
    simulate(run)


def test_a_bad_one_is_taken_back_told_once_and_dropped_at_once(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.books.candidate, known.books.control = WORSE, sums(600)
        known.start(tmp_path)
        arms = [known.pilot.policy_for("acme", lambda number=number: str(number)) for number in range(50)]  # type: ignore[misc]
        assert {arm.name for arm in arms if arm} == {"new"}
        assert None in arms
        await known.judge()
        assert known.names == ["rollout_rolled_back"]
        assert known.events[0].facts["candidate"]["requests"] == 60  # type: ignore[index]
        assert known.pilot.policy_for("acme", lambda: "1") is None
        await known.judge()
        assert (known.names, known.rollouts.running()) == (["rollout_rolled_back"], None)
    world(tmp_path, story)


def test_a_folder_that_cannot_be_written_keeps_no_bad_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(known: World) -> None:
        known.books.candidate, known.books.control = WORSE, sums(600)
        known.start(tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr("os.open", _full)
            await known.judge()
        assert known.names == ["rollout_unusable", "rollout_rolled_back"]
        assert known.pilot.policy_for("acme", lambda: "1") is None
        assert known.rollouts.running() is not None
        await known.judge()
        assert known.rollouts.running() is None
        assert known.names == ["rollout_unusable", "rollout_rolled_back"]
    world(tmp_path, story)


def _full(*_: object, **__: object) -> int:
    raise OSError(28, "no space")


def test_one_that_fares_alike_is_promoted_by_itself_where_that_was_agreed(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.books.candidate, known.books.control = ALIKE, sums(600)
        known.start(tmp_path, promote_after_window=True)
        await known.judge()
        assert known.names == []
        await asyncio.sleep(3_700)
        await known.judge()
        assert known.names == ["rollout_promoted"]
        assert (known.in_force[-1].name, load_policy(known.rollouts.store.current).name) == ("new", "new")
        assert known.pilot.policy_for("acme", lambda: "1") is None
    world(tmp_path, story)


def test_without_that_it_stays_and_is_still_taken_back_later(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.books.candidate, known.books.control = ALIKE, sums(600)
        known.start(tmp_path)
        await asyncio.sleep(86_400)
        await known.judge()
        assert known.pilot.rollout is not None
        assert known.pilot.judgement is not None
        assert "until it is promoted" in known.pilot.judgement.why
        known.books.candidate = WORSE
        await asyncio.sleep(60)
        await known.judge()
        assert known.names == ["rollout_rolled_back"]
    world(tmp_path, story)


def test_books_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.start(tmp_path)
        known.books.fails = True
        with pytest.raises(LedgerError):
            await known.judge()
        assert known.pilot.rollout is not None
    world(tmp_path, story)


def test_beside_another_policy_than_it_was_begun_with_it_decides_nothing(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.start(tmp_path, share=0.999)
        assert known.pilot.policy_for("acme", lambda: "1") is not None
        other = tmp_path / "other.toml"
        other.write_text('name = "other"\n')
        known.in_force.append(load_policy(other))
        assert known.pilot.policy_for("acme", lambda: "1") is None
        await known.judge()
        assert known.books.asked == []
    world(tmp_path, story)


def test_a_roll_out_that_cannot_be_used_is_told_and_decides_nothing(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.start(tmp_path)
        known.rollouts.store.rollout.write_text("{")
        known.pilot.refresh()
        known.pilot.refresh()
        assert known.names == ["rollout_unusable"]
        assert known.pilot.policy_for("acme", lambda: "1") is None
    world(tmp_path, story)


def test_tenants_are_compared_with_themselves_before_where_they_asked_enough(tmp_path: Path) -> None:
    async def story(known: World) -> None:
        known.books.candidate, known.books.control = ALIKE, sums(600)
        known.start(tmp_path, share=None, tenants=("acme",))
        await known.judge()
        since = known.clock.now()
        assert [(ask.tenants, ask.until is not None) for ask in known.books.asked] == [
            ((), False), ((), False), (("acme",), True)]
        assert known.books.asked[2].since == since - timedelta(days=7)
    world(tmp_path, story)


def test_a_plain_policy_file_has_no_roll_outs(tmp_path: Path) -> None:
    assert Rollouts.beside(None) is None
    assert Rollouts.beside(tmp_path / "mine.toml") is None
    assert Rollouts.beside(tmp_path / "current.toml") is not None
