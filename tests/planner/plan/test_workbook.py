"""The workbook of a plan: what LibreOffice computes is what the model found, cell by cell.

Scenarios: the team as shipped; `hours`, cards at 0.39 USD an hour for 400,000 bulk images that grow by 4 % a month;
`bought`, 1.5 million images on a server of eight for 100,000 USD; `serverless` at 1.08 USD an hour, growing by 3 %;
`signed`, with a licence and its overage, commitments, tax, euros and a server that could be bought, under names that
begin as formulas do; `repriced`, with a hosted price that changes in February; `reserved`, cards by the hour over a
reserved base; `by demand`, spot cards that come and go, fail and do work twice; `existing`, two that stand there.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from planner.plan.files import plan_csv
from planner.plan.workbook.write import plan_xlsx

from .plans import BOUGHT, BY_DEMAND, EXISTING, HOURS, RESERVED, SERVERLESS, case_of, planned, repriced, signed_file
from .spreadsheet import changed, differing, formulas_of, literals, recalculated, values_of

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan.monthly import Plan

    from .spreadsheet import Values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAMES = ("team", "hours", "bought", "serverless", "signed", "repriced", "reserved", "by demand", "existing")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    folder = tmp_path_factory.mktemp("scenarios")
    cases = (case_of("team"), case_of("team", HOURS), case_of("owned_8xh100", BOUGHT),
             case_of("serverless", SERVERLESS), case_of(signed_file(folder), HOURS),
             case_of("team", HOURS, book=repriced(folder)), case_of("h100_always_on", RESERVED),
             case_of("serverless", BY_DEMAND), case_of("h100_always_on", EXISTING))
    months = (12, 8, 4, 6, 12, 4, 1, 2, 1)
    return {name: planned(case, count) for name, case, count in zip(NAMES, cases, months, strict=True)}


@pytest.fixture(scope="module")
def books(plans: dict[str, Plan], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("workbooks")
    for name, plan in plans.items():
        (folder / f"{name}.xlsx").write_bytes(plan_xlsx(plan))
    return {name: folder / f"{name}.xlsx" for name in plans}


@pytest.fixture(scope="module")
def anew(books: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    folder = tmp_path_factory.mktemp("anew")
    for name, book in books.items():
        changed(book, folder / f"{name}.xlsx", {})
    return dict(zip(books, recalculated(folder, [folder / f"{name}.xlsx" for name in books]), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_libreoffice_computes_what_the_model_found(books: dict[str, Path], anew: dict[str, Values], name: str) -> None:
    cached = values_of(books[name])
    assert sum(map(len, cached.values())) > 500
    assert differing(anew[name], cached) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_formula_fails_and_every_check_holds(anew: dict[str, Values], name: str) -> None:
    failed = [value for cells in anew[name].values() for value in cells.values()
              if isinstance(value, str) and re.match(r"#[A-Z/0!?]+", value)]
    assert failed == []
    assert anew[name]["Checks"]["B3"] is True
    assert [value for value in anew[name]["Checks"].values() if value is False] == []


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_the_plans_to_the_micro_dollar_and_sum_exactly(plans: dict[str, Plan], books: dict[str, Path],
                                                                  anew: dict[str, Values], name: str) -> None:
    months = _named(books[name], anew[name], "plan_month_usd")
    wanted = [month.usd for month in plans[name].months]
    assert [f"{value:.6f}" for value in months] == [f"{usd:.6f}" for usd in wanted]
    assert f"{sum(months):.6f}" == f"{plans[name].usd:.6f}"
    assert f"{_named(books[name], anew[name], 'plan_total_usd')[0]:.6f}" == f"{plans[name].usd:.6f}"


def _named(book: Path, values: Values, name: str) -> list[Any]:
    file = openpyxl.load_workbook(book)
    (sheet, place), = file.defined_names[name].destinations
    cells = file[sheet][place.replace("$", "")]
    rows = cells if isinstance(cells, tuple) else ((cells,),)
    return [values[sheet][cell.coordinate] for row in rows for cell in row]


def test_the_scenarios_have_what_they_are_for(plans: dict[str, Plan]) -> None:
    kinds = {name: {bill.kind for month in plan.months for bill in month.fixed} for name, plan in plans.items()}
    assert {"cards", "staff", "storage", "fine-tuning", "licence", "licence overage", "review", "commitment",
            "tax"} <= kinds["signed"]
    assert "cards" not in kinds["team"]
    assert len({id(fleet) for fleet in plans["hours"].fleets}) > 1
    assert plans["bought"].months[0].most_cards > 0
    assert len({line.usd_per_image for month in plans["repriced"].months for line in month.images_of
                if line.option == "fal/flux-2-klein-4b"}) == 2
    assert any("reserved" in bill.name for bill in plans["reserved"].months[0].fixed)
    for name in ("serverless", "by demand"):
        assert [bill.usd > 0 for bill in plans[name].months[0].fixed if bill.name.endswith("by demand")] == [True]
    assert plans["existing"].months[0].images_of[0].usd > 0


@pytest.mark.parametrize("name", NAMES)
def test_formulas_hold_no_number_but_0_and_1(books: dict[str, Path], name: str) -> None:
    formulas = [text for cells in formulas_of(books[name]).values() for text in cells.values()]
    assert len(formulas) > 100
    assert {text: found for text in formulas if (found := literals(text))} == {}


def test_names_that_begin_as_formulas_do_stay_text(books: dict[str, Path], anew: dict[str, Values]) -> None:
    assert anew["signed"]["About"]["A1"] == "=HYPERLINK(1)"
    texts = {value for cells in anew["signed"].values() for value in cells.values() if isinstance(value, str)}
    assert {"=1+1", "@vendor", "-storage contract", "=cmd|' /C calc'!A0"} <= texts
    formulas = {text for cells in formulas_of(books["signed"]).values() for text in cells.values()}
    assert not [text for text in formulas if "HYPERLINK" in text or "cmd|" in text or text == "=1+1"]


def test_the_csv_cannot_become_formulas(plans: dict[str, Plan], tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(plan_csv(plans["signed"]))))
    assert {"'=1+1", "'@vendor", "'-storage contract"} <= {row[key] for row in rows for key in ("segment", "name")}
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@"))]
    (tmp_path / "plan.csv").write_text(plan_csv(plans["signed"]))
    opened, = recalculated(tmp_path, [tmp_path / "plan.csv"])
    assert formulas_of(tmp_path / "recalculated" / "plan.xlsx") == {"plan": {}}
    assert len({place for place in opened["plan"] if place.startswith("A")}) == len(rows) + 1
