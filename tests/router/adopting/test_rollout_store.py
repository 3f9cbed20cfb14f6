"""Roll-outs in the folder of the policies: one at a time, ended once, and in the audit."""

from __future__ import annotations

import json
import multiprocessing
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from router.adopting.rollout import Terms
from router.adopting.rollout_store import Rollouts
from router.cli import main, router
from router.errors import SettingsError
from router.ledger.open import open_ledger
from router.policy import load_policy
from router.policy_store import PolicyStore

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TERMS = Terms(share=0.1)


def policy_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(f'name = "{name}"\n')
    return path


@pytest.fixture
def rollouts(tmp_path: Path) -> Rollouts:
    store = PolicyStore(tmp_path / "policies")
    store.publish(policy_file(tmp_path, "one"), at=AT, by="ann", why="")
    return Rollouts(store)


def test_what_is_on_trial_is_a_version_that_is_not_in_force(rollouts: Rollouts, tmp_path: Path) -> None:
    made = rollouts.start(policy_file(tmp_path, "two"), TERMS, at=AT, by="ann", why="cheaper")
    assert rollouts.running() == made
    assert [(one.in_force, one.in_rollout) for one in rollouts.store.history()] == [(True, False), (False, True)]
    assert load_policy(rollouts.store.current).name == "one"
    assert rollouts.policy_of(made).name == "two"
    entry = rollouts.store.audit()[-1]
    assert (entry["action"], entry["version"], entry["why"], entry["facts"]["share"]) == (  # type: ignore[index]
        "rollout_started", 2, "cheaper", 0.1)


def test_it_ends_once_by_whoever_comes_first(rollouts: Rollouts, tmp_path: Path) -> None:
    made = rollouts.start(policy_file(tmp_path, "two"), TERMS, at=AT, by="ann", why="")
    assert rollouts.take_back(made, at=AT, why="cost", facts={"x": 1}) is True
    assert rollouts.take_back(made, at=AT, why="cost", facts={}) is False
    assert rollouts.running() is None
    with pytest.raises(SettingsError, match="nothing is in roll-out"):
        rollouts.stop(at=AT, by="ann", why="")
    with pytest.raises(SettingsError, match="nothing is in roll-out"):
        rollouts.promote(None, at=AT, by="ann", why="")
    assert rollouts.promote(made, at=AT, by="router", why="") is None
    again = rollouts.start(tmp_path / "two.toml", TERMS, at=AT, by="ann", why="")
    assert (again.id != made.id, again.version) == (True, 3)
    assert rollouts.take_back(made, at=AT, why="late", facts={}) is False


def test_going_back_never_leads_to_what_was_only_tried(rollouts: Rollouts, tmp_path: Path) -> None:
    rollouts.start(policy_file(tmp_path, "bad"), TERMS, at=AT, by="ann", why="")
    rollouts.stop(at=AT, by="ann", why="")
    rollouts.store.publish(policy_file(tmp_path, "three"), at=AT, by="ann", why="")
    assert rollouts.store.roll_back(None, at=AT, by="ann", why="").name == "one"
    rollouts.start(policy_file(tmp_path, "good"), TERMS, at=AT, by="ann", why="")
    promoted = rollouts.promote(None, at=AT, by="ann", why="")
    assert promoted is not None
    rollouts.store.publish(policy_file(tmp_path, "six"), at=AT, by="ann", why="")
    assert rollouts.store.roll_back(None, at=AT, by="ann", why="").name == "good"


def test_a_publication_and_a_step_back_end_it(rollouts: Rollouts, tmp_path: Path) -> None:
    rollouts.start(policy_file(tmp_path, "two"), TERMS, at=AT, by="ann", why="")
    three = rollouts.store.publish(policy_file(tmp_path, "three"), at=AT, by="bob", why="")
    assert (three.ended_rollout, rollouts.running()) == (2, None)
    rollouts.start(policy_file(tmp_path, "four"), TERMS, at=AT, by="ann", why="")
    assert rollouts.store.roll_back(1, at=AT, by="bob", why="").ended_rollout == 4
    assert [entry["action"] for entry in rollouts.store.audit()] == [
        "published", "rollout_started", "published", "rollout_ended", "rollout_started", "published", "rollout_ended"]


def test_what_cannot_be_begun_changes_nothing(rollouts: Rollouts, tmp_path: Path) -> None:
    two = policy_file(tmp_path, "two")
    empty = Rollouts(PolicyStore(tmp_path / "empty"))
    with pytest.raises(SettingsError, match="publish a first policy"):
        empty.start(two, TERMS, at=AT, by="ann", why="")
    with pytest.raises(SettingsError, match="in force already"):
        rollouts.start(tmp_path / "one.toml", TERMS, at=AT, by="ann", why="")
    with pytest.raises(SettingsError, match="one of the two"):
        rollouts.start(two, Terms(), at=AT, by="ann", why="")
    rollouts.start(two, TERMS, at=AT, by="ann", why="")
    with pytest.raises(SettingsError, match="version 2 is in roll-out"):
        rollouts.start(policy_file(tmp_path, "three"), TERMS, at=AT, by="ann", why="")
    assert len(rollouts.store.history()) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', "\xff"])
def test_a_broken_file_is_named_and_a_publication_mends_it(rollouts: Rollouts, tmp_path: Path, text: str) -> None:
    rollouts.store.rollout.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"rollout\.json"):
        rollouts.running()
    rollouts.store.publish(policy_file(tmp_path, "two"), at=AT, by="ann", why="")
    assert rollouts.running() is None


def test_a_policy_that_was_changed_on_trial_is_not_promoted(rollouts: Rollouts, tmp_path: Path) -> None:
    made = rollouts.start(policy_file(tmp_path, "two"), TERMS, at=AT, by="ann", why="")
    version = rollouts.store.history()[1]
    version.path.write_text('name = "two"\nlicences_held = ["flux-2-dev"]\n')
    with pytest.raises(SettingsError, match="not what was put on trial"):
        rollouts.promote(made, at=AT, by="router", why="")
    assert load_policy(rollouts.store.current).name == "one"


def _publish(folder: Path, name: str) -> int:
    return PolicyStore(folder / "policies").publish(folder / f"{name}.toml", at=AT, by=name, why="").number


def test_publications_at_once_take_different_numbers(rollouts: Rollouts, tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(12)]
    for name in names:
        policy_file(tmp_path, name)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        numbers = pool.starmap(_publish, [(tmp_path, name) for name in names])
    assert sorted(numbers) == list(range(2, 14))
    assert [one.number for one in rollouts.store.history()] == list(range(1, 14))
    assert sum(one.in_force for one in rollouts.store.history()) == 1


def command(*words: str | Path) -> str:
    answer = CliRunner().invoke(router, ["policy", *map(str, words)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_commands_tell_what_is_under_way(rollouts: Rollouts, tmp_path: Path) -> None:
    where = ("--folder", rollouts.store.folder)
    two = policy_file(tmp_path, "two")
    assert "nothing is in roll-out" in command("rollout", "--status", *where)
    shown = command("rollout", two, "--share", "10%", "--window", "30m", "--most-cost", "+10%", *where)
    for part in ("version 2 ", "decides 0.1 of all requests", "1,800 s", "+10% cost", "+5 points refused",
                 "from 50 requests on", "stays until promoted"):
        assert part in shown
    assert "in roll-out" in command("history", *where).splitlines()[1]
    url = f"sqlite:///{tmp_path}/books.sqlite"
    import asyncio

    async def made() -> None:
        await open_ledger(url).close()
    asyncio.run(made())
    status = json.loads(command("rollout", "--status", "--ledger", url, "--json", *where))
    assert (status["version"], status["terms"]["share"], status["judgement"]["action"]) == (2, 0.1, "keep")
    assert "0 of 50 requests have ended" in command("rollout", "--status", "--ledger", url, *where)
    assert "is taken back" in command("rollout", "--stop", "--why", "no", *where)
    command("rollout", two, "--tenant", "acme, shop", *where)
    assert "all of acme, shop" in command("rollout", "--status", *where)
    assert "version 3 (two" in command("rollout", "--promote", *where)
    shown = command("audit", *where)
    assert [line.split("  ")[2] for line in shown.splitlines()] == [
        "published", "rollout started", "rollout stopped", "rollout started", "promoted"]
    command("rollout", policy_file(tmp_path, "four"), "--share", "0.5", *where)
    assert "the roll-out of version 4 has ended with that" in command("publish", policy_file(tmp_path, "five"), *where)


@pytest.mark.parametrize("words", [
    (), ("two.toml", "--status"), ("two.toml",), ("two.toml", "--share", "lots"), ("--stop",), ("--promote",),
    ("two.toml", "--share", "10%", "--tenant", "acme"), ("two.toml", "--share", "10%", "--window", "1y"),
    ("nowhere.toml", "--share", "10%"), ("two.toml", "--share", "10%", "--least", "0"),
])
def test_what_cannot_be_done_is_one_line_and_exit_2(rollouts: Rollouts, tmp_path: Path, monkeypatch: Any, capsys: Any,
                                                    words: tuple[str, ...]) -> None:
    policy_file(tmp_path, "two")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["router", "policy", "rollout", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert rollouts.running() is None


def test_the_time_under_way_is_told(rollouts: Rollouts, tmp_path: Path) -> None:
    from router.adopting.rollout_report import rollout_json

    made = rollouts.start(policy_file(tmp_path, "two"), TERMS, at=AT, by="ann", why="")
    told = rollout_json(made, None, at=AT + timedelta(hours=2))
    assert (told["elapsed_s"], told["window_is_over"]) == (7_200, True)
