"""Published policies: one in force, every version kept, every change noted, and nothing changed by what fails."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from router.cli import main, router
from router.errors import SettingsError
from router.policy import load_policy
from router.policy_store import PolicyStore, Version

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def policy_file(folder: Path, name: str, more: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(f'# {name}\nname = "{name}"\n{more}\n')
    return path


def published(store: PolicyStore, folder: Path, *names: str) -> list[Version]:
    return [store.publish(policy_file(folder, name), at=AT + timedelta(hours=at), by="ann", why=f"for {name}")
            for at, name in enumerate(names)]


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def store(tmp_path: Path) -> PolicyStore:
    return PolicyStore(tmp_path / "policies")


def test_a_publication_is_in_force_kept_and_noted(store: PolicyStore, tmp_path: Path) -> None:
    one, two = published(store, tmp_path, "one", "two")
    assert (one.number, two.number, load_policy(store.current).digest) == (1, 2, two.digest)
    assert [(version.name, version.in_force) for version in store.history()] == [("one", False), ("two", True)]
    assert two.path.read_bytes() == store.current.read_bytes() == (tmp_path / "two.toml").read_bytes()
    assert [(entry["at"], entry["by"], entry["version"], entry["digest"], entry["why"]) for entry in store.audit()] == [
        ("2026-11-24T12:00:00+00:00", "ann", 1, one.digest, "for one"),
        ("2026-11-24T13:00:00+00:00", "ann", 2, two.digest, "for two")]
    assert not list(store.folder.glob("*.part"))


def test_the_same_content_again_changes_nothing(store: PolicyStore, tmp_path: Path) -> None:
    published(store, tmp_path, "one")
    before = state(store.folder)
    again = tmp_path / "again.toml"
    again.write_text('name   = "one" # another layout\n')
    with pytest.raises(SettingsError, match="in force already"):
        store.publish(again, at=AT, by="ann", why="")
    assert state(store.folder) == before


def test_going_back_publishes_the_earlier_content_under_a_new_number(store: PolicyStore, tmp_path: Path) -> None:
    one, two, three = published(store, tmp_path, "one", "two", "three")
    back = store.roll_back(None, at=AT, by="bob", why="")
    assert (back.number, back.digest) == (4, two.digest)
    assert [version.in_force for version in store.history()] == [False, False, False, True]
    assert store.audit()[-1]["why"] == "back to version 2"
    assert store.roll_back(1, at=AT, by="bob", why="x").digest == one.digest
    assert store.roll_back(3, at=AT, by="bob", why="x").digest == three.digest
    assert [entry["version"] for entry in store.audit()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("number", [0, -1, 3, 10_000])
def test_there_is_no_going_back_to_what_never_was(store: PolicyStore, tmp_path: Path, number: int) -> None:
    published(store, tmp_path, "one", "two")
    before = state(store.folder)
    with pytest.raises(SettingsError, match="published are: 1, 2"):
        store.roll_back(number, at=AT, by="ann", why="")
    assert state(store.folder) == before


def test_before_the_first_there_is_nothing(store: PolicyStore, tmp_path: Path) -> None:
    assert (store.history(), store.audit()) == ((), ())
    with pytest.raises(SettingsError, match="published are: none"):
        store.roll_back(None, at=AT, by="ann", why="")
    published(store, tmp_path, "one")
    with pytest.raises(SettingsError, match="no version to go back to"):
        store.roll_back(None, at=AT, by="ann", why="")


def test_a_policy_that_cannot_be_used_changes_nothing(store: PolicyStore, tmp_path: Path) -> None:
    published(store, tmp_path, "one")
    before = state(store.folder)
    for more in ("x = 1", "[data_class.restricted]\nown_only = false", "name ="):
        with pytest.raises(SettingsError):
            store.publish(policy_file(tmp_path, "bad", more), at=AT, by="ann", why="")
    with pytest.raises(SettingsError, match="no such file"):
        store.publish(tmp_path / "none.toml", at=AT, by="ann", why="")
    assert state(store.folder) == before


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "policies"):
        store = PolicyStore(folder)
        assert (store.history(), store.audit()) == ((), ())
        with pytest.raises(SettingsError, match="cannot be written"):
            store.publish(policy_file(tmp_path, "one"), at=AT, by="ann", why="")


@pytest.mark.parametrize("blocked", ["current.toml", "audit.jsonl"])
def test_what_cannot_be_put_in_place_or_noted_is_not_done(store: PolicyStore, tmp_path: Path, blocked: str) -> None:
    (store.folder / blocked / "inside").mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be written"):
        store.publish(policy_file(tmp_path, "one"), at=AT, by="ann", why="")
    assert store.history() == ()
    assert not store.current.is_file()
    assert [path.name for path in store.folder.iterdir() if path.name.endswith(".part")] == []


def test_a_current_file_that_was_broken_by_hand_is_mended_by_a_publication(store: PolicyStore, tmp_path: Path) -> None:
    one, two = published(store, tmp_path, "one", "two")
    store.current.write_text("name = ")
    assert [version.in_force for version in store.history()] == [False, False]
    assert store.roll_back(None, at=AT, by="ann", why="").digest == two.digest
    store.current.write_text("name = ")
    assert store.publish(tmp_path / "one.toml", at=AT, by="ann", why="").digest == one.digest


def test_a_version_whose_file_was_changed_is_not_gone_back_to(store: PolicyStore, tmp_path: Path) -> None:
    one, _ = published(store, tmp_path, "one", "two")
    one.path.write_text('name = "one"\nlicences_held = ["flux-2-dev"]\n')
    with pytest.raises(SettingsError, match="not what was published"):
        store.roll_back(1, at=AT, by="ann", why="")
    one.path.write_text("broken")
    assert store.history()[0].name == "(cannot be used)"
    published(store, tmp_path, "three")


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"at": 1', "null"])
def test_a_line_of_the_audit_that_is_none_is_named(store: PolicyStore, tmp_path: Path, line: str) -> None:
    published(store, tmp_path, "one")
    with (store.folder / "audit.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(SettingsError, match=r"audit\.jsonl:2: no entry"):
        store.audit()


def command(*words: str | Path) -> str:
    answer = CliRunner().invoke(router, ["policy", *map(str, words)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_commands_tell_what_they_did(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    one, two = policy_file(tmp_path, "one"), policy_file(tmp_path, "two")
    assert "start with: router policy publish" in command("history", "--folder", folder)
    assert command("check", one).startswith("one ")
    assert "version 1 (one " in command("publish", one, "--folder", folder, "--why", "review")
    command("publish", two, "--folder", folder)
    assert "version 3 (one " in command("rollback", "--folder", folder)
    told = json.loads(command("history", "--folder", folder, "--json"))
    assert [(row["version"], row["name"], row["in_force"]) for row in told] == [
        (1, "one", False), (2, "two", False), (3, "one", True)]
    assert [entry["why"] for entry in json.loads(command("audit", "--folder", folder, "--json"))] == [
        "review", "", "back to version 1"]
    assert command("audit", "--folder", folder).splitlines()[0].endswith("review")
    assert command("history", "--folder", folder).splitlines()[2].endswith("in force")


def test_a_reason_cannot_steer_the_terminal_that_shows_it(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    command("publish", policy_file(tmp_path, "one"), "--folder", folder, "--why", "\x1b[2J\n2026-01-01  eve  version 9")
    shown = command("audit", "--folder", folder)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1


def test_a_policy_is_shown_with_all_that_it_closes(tmp_path: Path) -> None:
    path = policy_file(tmp_path, "one", """
[data_class.public]
regions = ["eu"]
may_train = false
[data_class.confidential]
most_retention_days = 30
regions = ["eu", "us"]
[fallbacks]
flux-2-pro = ["gpt-image-2"]
gpt-image-2 = []
[pacing]
warn = 0.8
""")
    shown = command("show", path)
    for line in ("public data: hosted where it is not trained on, in eu",
                 "confidential data: hosted where it is kept at most 30 days, not trained on, in eu or us",
                 "restricted data: own hosts only", "after flux-2-pro: gpt-image-2", "after gpt-image-2: nothing else",
                 "told at 80% of a month's limit"):
        assert f"  {line}\n" in shown
    document = json.loads(command("show", path, "--json"))
    assert (document["digest"], document["pacing"]) == (load_policy(path).digest, [0.8])
    assert "public data: anywhere" in command("show")


@pytest.mark.parametrize("words", [
    ("check", "nowhere.toml"), ("show", "bad.toml"), ("publish", "bad.toml", "--folder", "p"),
    ("rollback", "--folder", "p", "--to", "7"), ("rollback", "--folder", "p", "--to", "x"), ("check",), ("revert",)])
def test_what_cannot_be_done_is_one_line_and_exit_2(tmp_path: Path, monkeypatch: Any, capsys: Any,
                                                    words: tuple[str, ...]) -> None:
    policy_file(tmp_path, "bad", "x = 1\ny = 2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["router", "policy", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
