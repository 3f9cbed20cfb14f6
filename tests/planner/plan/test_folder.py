"""A plan's folder: whole or not there, a draft until approved, and what somebody changed is not approved."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.commands.approve import approve, freeze
from planner.commands.diff import diff
from planner.commands.plan import plan as plan_command
from planner.errors import PlannerError
from planner.mix.documents import planned_policy
from planner.plan.files import write_plan
from planner.plan.folder import RECEIPT, STATUS, file_hash, refuse_taken, status_of, write_folder
from tests.tables import DATA

from .cases import OWN_CARDS, planned

GROWING = ("traffic.growth_share_per_month", "0.12")
SCENARIO = DATA / "scenarios" / "team.toml"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "plan"
    write_plan(planned(*OWN_CARDS, GROWING, vendors=("openai",)), SCENARIO, folder=folder, force=False)
    return folder


@pytest.fixture
def draft(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "plan"))


def refused(folder: Path, command: str = "approve", by: str = "Ada") -> str:
    answer = CliRunner().invoke({"approve": approve, "freeze": freeze}[command], [str(folder), "--by", by])
    assert isinstance(answer.exception, PlannerError)
    assert "\n" not in str(answer.exception)
    return str(answer.exception)


def test_a_folder_holds_the_plan_the_policies_of_every_fleet_and_a_receipt_of_all_of_it(draft: Path) -> None:
    plan = planned(*OWN_CARDS, GROWING, vendors=("openai",))
    fleets = len({id(fleet) for fleet in plan.fleets})
    assert fleets > 1
    names = {path.name for path in draft.iterdir()}
    assert {"plan.json", "plan.csv", "plan.html", "plan.pdf", "policy.toml", "router.toml", RECEIPT, STATUS} <= names
    assert len([name for name in names if name.startswith("policy")]) == fleets
    receipt = json.loads((draft / RECEIPT).read_text())
    assert receipt["files"] == {name: file_hash((draft / name).read_bytes()) for name in names - {RECEIPT, STATUS}}
    assert receipt["tables"][0]["prices/offers.csv"] == file_hash((DATA / "prices" / "offers.csv").read_bytes())
    assert receipt["scenario"]["sha256"] == file_hash(SCENARIO.read_bytes())
    document = json.loads((draft / "plan.json").read_text())
    rows = list(csv.DictReader(io.StringIO((draft / "plan.csv").read_text())))
    assert sum(Decimal(row["usd"]) for row in rows) == Decimal(document["usd"]) == plan.usd
    for name in names:
        if name.startswith("policy"):
            assert planned_policy(tomllib.loads((draft / name).read_text())).segments


def test_a_draft_is_approved_then_frozen_with_who_and_when(draft: Path) -> None:
    assert status_of(draft)["state"] == "draft"
    assert refused(draft, "freeze") == f"{draft}: the plan is draft; only one that is approved becomes frozen"
    said = CliRunner().invoke(approve, [str(draft), "--by", " Ada Lovelace "])
    assert said.output.startswith(f"{draft}: approved by Ada Lovelace at 20")
    assert refused(draft) == f"{draft}: the plan is approved; only one that is draft becomes approved"
    assert CliRunner().invoke(freeze, [str(draft), "--by", "Grace"]).exit_code == 0
    assert refused(draft, "freeze") == f"{draft}: the plan is frozen; only one that is approved becomes frozen"
    history = status_of(draft)["history"]
    assert [(row["state"], row["by"]) for row in history] == [("draft", ""), ("approved", "Ada Lovelace"),
                                                              ("frozen", "Grace")]
    assert all(row["at"].endswith("+00:00") for row in history)


@pytest.mark.parametrize("by", ["", "  ", "a\nb", "\x1b[2J"])
def test_nobody_is_no_approver(draft: Path, by: str) -> None:
    assert refused(draft, by=by).startswith("--by: a name is needed")
    assert CliRunner().invoke(approve, [str(draft)]).exit_code == 2


@pytest.mark.parametrize("name", ["plan.csv", "plan.json", "plan.html", "plan.pdf", "policy.toml"])
def test_a_file_that_somebody_changed_is_not_approved(draft: Path, name: str) -> None:
    path = draft / name
    path.write_bytes(path.read_bytes() + b" ")
    assert refused(draft) == f"{path}: is not what the plan wrote (see {RECEIPT}); write the plan again"
    path.unlink()
    assert "is not what the plan wrote" in refused(draft)
    assert status_of(draft)["state"] == "draft"


def test_a_receipt_that_was_written_anew_after_approval_is_seen(draft: Path) -> None:
    CliRunner().invoke(approve, [str(draft), "--by", "Ada"])
    (draft / "plan.csv").write_text("cheaper\n")
    receipt = json.loads((draft / RECEIPT).read_text())
    receipt["files"]["plan.csv"] = file_hash(b"cheaper\n")
    (draft / RECEIPT).write_text(json.dumps(receipt))
    assert "is not the one that was approved" in refused(draft, "freeze")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"state": "blessed", "history": [{}]}', '{"state": "draft"}'])
def test_a_status_that_is_none_is_refused(draft: Path, text: str) -> None:
    (draft / STATUS).write_text(text)
    assert refused(draft) == f"{draft / STATUS}: cannot be read; write the plan to a new folder"


def test_a_receipt_that_is_none_is_refused(draft: Path) -> None:
    (draft / RECEIPT).write_text("{}")
    assert refused(draft) == f"{draft / RECEIPT}: cannot be read; write the plan again"
    assert "no plan lies there" in refused(draft / "nothing")


def test_only_a_draft_is_written_over_and_only_where_that_is_asked_for(draft: Path) -> None:
    with pytest.raises(PlannerError, match=r"a draft is there already; name a new folder, or say --force"):
        refuse_taken(draft, force=False)
    (draft / "mine.txt").write_text("notes")
    write_plan(planned(vendors=("openai",)), SCENARIO, folder=draft, force=True)
    assert Decimal(json.loads((draft / "plan.json").read_text())["usd"]) == planned(vendors=("openai",)).usd
    assert not (draft / "mine.txt").exists()  # the folder is the plan's
    CliRunner().invoke(approve, [str(draft), "--by", "Ada"])
    before = {path.name: path.read_bytes() for path in draft.iterdir()}
    for force in (False, True):
        with pytest.raises(PlannerError, match=r"that plan is approved; it stays as it is, so name a new folder"):
            write_plan(planned(), SCENARIO, folder=draft, force=force)
    assert {path.name: path.read_bytes() for path in draft.iterdir()} == before


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    for taken in ("file", "notes"):
        with pytest.raises(PlannerError, match="holds other files; name a new folder"):
            refuse_taken(tmp_path / taken, force=True)
    with pytest.raises(PlannerError, match="is not there; make it first"):
        refuse_taken(tmp_path / "no" / "plan", force=False)
    (tmp_path / "empty").mkdir()
    refuse_taken(tmp_path / "empty", force=False)


def test_a_write_that_fails_leaves_the_old_folder_and_nothing_beside_it(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "plan", {"a": b"old"})
    whole = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name == "b":
            raise OSError(28, "No space left on device")
        return whole(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    for folder in ("plan", "new"):
        with pytest.raises(PlannerError, match=r"cannot be written \(No space left on device\); choose another folder"):
            write_folder(tmp_path / folder, {"a": b"new", "b": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
    assert (tmp_path / "plan" / "a").read_bytes() == b"old"


def test_planner_plan_prints_writes_and_answers_in_json(tmp_path: Path) -> None:
    asked = ["team", "--months", "1", "--from", "2026-12", "--on", "2026-11-25", "--draws", "200"]
    printed = CliRunner().invoke(plan_command, asked)
    assert printed.exit_code == 0, printed.output
    answer = CliRunner().invoke(plan_command, [*asked, "--out", str(tmp_path / "made"), "--json"])
    document = json.loads(answer.output)
    assert f"Together ${Decimal(document['usd']):,.2f}" in printed.output
    assert {Path(name).name for name in document["written"]} == {path.name for path in (tmp_path / "made").iterdir()}
    written = json.loads((tmp_path / "made" / "plan.json").read_text())
    assert written == {key: value for key, value in document.items() if key != "written"}
    again = CliRunner().invoke(plan_command, [*asked, "--out", str(tmp_path / "made")])
    assert "a draft is there already" in str(again.exception)


@pytest.mark.parametrize(("arguments", "said"), [
    (["team", "--from", "2026-13"], "no month; write it as 2026-12"),
    (["team", "--set", "plan.tax_share=-1"], "tax_share"),
    (["team", "--set", "segment.bulk.images_per_month=-5"], "images_per_month"),
    (["team", "--on", "2020-01-01"], "no price"),
    (["newer.toml"], "written for a newer planner; update the planner"),
    (["nothing"], "nothing"),
])
def test_questions_that_cannot_be_answered_get_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        arguments: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newer.toml").write_text(SCENARIO.read_text().replace("schema = 1", "schema = 2"))
    for command, names in ((plan_command, arguments), (diff, [arguments[0], *arguments])):
        if command is diff and "--set" in arguments:
            continue
        answer = CliRunner().invoke(command, [*names, *([] if "--on" in names else ["--on", "2026-11-25"])])
        assert answer.exit_code != 0
        assert said in str(answer.exception)
        assert "\n" not in str(answer.exception)


def test_planner_diff_prints_steps_and_writes_a_page(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SCENARIO.read_text().replace("40_000", "30_000"))
    page = tmp_path / "steps.html"
    asked = ["team", str(other), "--months", "1", "--from", "2026-12", "--on", "2026-11-25"]
    printed = CliRunner().invoke(diff, [*asked, "--out", str(page)])
    assert printed.exit_code == 0, printed.output
    told = json.loads(CliRunner().invoke(diff, [*asked, "--json"]).output)
    assert [step["part"] for step in told["steps"]] == ["segment"]
    assert Decimal(told["before_usd"]) + Decimal(told["steps"][0]["usd"]) == Decimal(told["after_usd"])
    assert f"{Decimal(told['after_usd']):,.6f}" in page.read_text()
    assert f"{Decimal(told['after_usd']):,.6f}" in printed.output
    failed = CliRunner().invoke(diff, [*asked, "--out", str(tmp_path / "no" / "x.html")])
    assert "cannot be written" in str(failed.exception)
