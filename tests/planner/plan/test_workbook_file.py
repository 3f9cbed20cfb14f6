"""The file of the workbook, without a spreadsheet program: its bytes, its names, and what holds no number."""

from __future__ import annotations

import io
import shutil
import time
from typing import TYPE_CHECKING

import openpyxl
import pytest

from planner.plan.workbook.pages import slug
from planner.plan.workbook.write import plan_xlsx

from .plans import SERVERLESS, case_of, planned
from .spreadsheet import MISSING, formulas_of, literals, soffice

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan.monthly import Plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(case_of("serverless", SERVERLESS), count=2)


def test_the_same_plan_gives_the_same_bytes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    first = plan_xlsx(plan)
    later = time.time() + 100_000
    monkeypatch.setattr(time, "time", lambda: later)
    assert plan_xlsx(plan) == first
    assert openpyxl.load_workbook(io.BytesIO(first)).properties.created.date() == plan.case.on


def test_every_sheet_is_there_and_its_formulas_hold_no_number(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "plan.xlsx").write_bytes(plan_xlsx(plan))
    formulas = formulas_of(tmp_path / "plan.xlsx")
    assert list(formulas) == ["About", "Assumptions", "Prices", "Accepted", "Volumes", "Fleet", "Calc", "Bills", "Plan",
                              "Uncertainty", "Events", "Checks", "Change log"]
    assert {text: found for cells in formulas.values() for text in cells.values() if (found := literals(text))} == {}


def test_every_input_has_a_name_that_leads_to_it(plan: Plan) -> None:
    book = openpyxl.load_workbook(io.BytesIO(plan_xlsx(plan)))
    sheet = book["Assumptions"]
    named = [(row[0].value, f"$C${row[0].row}") for row in sheet.iter_rows(min_row=4) if row[8].value is not None]
    assert len(named) > 20
    assert all(list(book.defined_names[name].destinations) == [("Assumptions", place)] for name, place in named)


def test_a_number_in_a_formula_is_seen() -> None:
    assert literals("=ROUND(A1*12,usd_digits)+1-0") == ["12"]


def test_names_differ_whatever_their_case_and_signs() -> None:
    taken: set[str] = set()
    assert [slug(text, taken) for text in ("a b", "A-B", "=", "+", "a_b_2")] == ["a_b", "a_b_2", "unnamed", "unnamed_2",
                                                                                "a_b_2_2"]


@pytest.mark.parametrize(("in_ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_libreoffice_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, in_ci: str,
                                                   outcome: type[BaseException]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setenv("CI", in_ci)
    with pytest.raises(outcome) as told:
        soffice()
    assert str(told.value) == MISSING
