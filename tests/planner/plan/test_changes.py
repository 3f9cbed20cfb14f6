"""What changes inside a plan: models that are shut down, licences, commitments, tax and other currencies."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from planner.book import open_book
from planner.case import Case
from planner.errors import PlannerError
from planner.plan.bills import overage_usd
from planner.plan.document import plan_json, reported
from planner.plan.events import events_of
from planner.plan.monthly import monthly_plan
from planner.plan.report import plan_lines
from planner.plan.successors import orphans, succeeded
from planner.plan.tables import tables_of
from tests.tables import DATA

from .cases import FIRST, LICENCE, OWN_CARDS, case, planned

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan.monthly import Plan

GONE = ("segment.draft.today", '{ model = "azure/flux-2-pro", acceptance_share = 0.5 }')
NAMED = ("plan.successor", ('[{ model = "azure/flux-2-pro", by = "openai/gpt-image-2", qualities = { "" = "low" }, '
                           'source = "a test" }]'))


def told(plan: Plan, kind: str) -> list[tuple[str, str]]:
    return [(event.month, event.text) for event in events_of(plan) if event.kind == kind]


def test_a_plan_stops_at_the_month_in_which_a_model_goes_and_nobody_follows() -> None:
    plan = planned(GONE, count=4)
    assert [month.month.label for month in plan.months] == ["2026-12"]
    assert plan.stopped.startswith("2027-01: azure/flux-2-pro shuts down on 2027-01-20; name its successor")
    assert told(plan, "stop") == [("2027-01", plan.stopped.removeprefix("2027-01: "))]
    assert any(line.startswith("The plan stops before 2027-01: azure/flux-2-pro") for line in plan_lines(plan))
    assert plan_json(plan)["stopped"] == plan.stopped
    assert plan.worlds.usd.shape[1] == 1


def test_a_plan_that_cannot_begin_is_refused_in_one_line() -> None:
    with pytest.raises(PlannerError, match=r"^2027-02: azure/flux-2-pro shuts down on 2027-01-20") as refused:
        monthly_plan(case(GONE), first=date(2027, 2, 1), count=2)
    assert "\n" not in str(refused.value)


def test_a_plan_goes_on_with_the_successor_at_the_quality_that_stands_for_the_old_one() -> None:
    plan = planned(GONE, NAMED, count=3)
    assert (len(plan.months), plan.stopped) == (3, "")
    assert told(plan, "successor") == [("2027-01", ("azure/flux-2-pro shuts down on 2027-01-20; openai/gpt-image-2 "
                                                   "takes over"))]
    then = {day: next(one.today for one in succeeded(case(GONE, NAMED), day).segment if one.name == "draft")
            for day in (date(2026, 12, 31), date(2027, 1, 31))}
    assert [(one.model, one.quality) for one in then.values()] == [
        ("azure/flux-2-pro", None), ("openai/gpt-image-2", "low")]


def overlaid(tmp_path: Path, settings: list[tuple[str, str]], gone: dict[str, str]) -> Case:
    with (DATA / "prices" / "offers.csv").open(encoding="utf-8") as file:
        head, *rows = list(csv.reader(line for line in file if not line.startswith("#")))
    at = {name: head.index(name) for name in ("model", "shutdown_on")}
    changed = [[gone[row[at["model"]]] if column == at["shutdown_on"] else cell for column, cell in enumerate(row)]
               for row in rows if row[at["model"]] in gone]
    (tmp_path / "prices").mkdir()
    with (tmp_path / "prices" / "offers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *changed])
    plain = case(*settings)
    return Case(plain.scenario, open_book(tmp_path, {}), plain.on, plain.draws)


def test_successors_follow_one_another_and_an_overlay_may_say_who_goes(tmp_path: Path) -> None:
    chain = ("plan.successor", ('[{ model = "azure/flux-2-pro", by = "openai/gpt-image-2", qualities = { "" = "low" }, '
                                'source = "a test" }, { model = "openai/gpt-image-2", source = "a test", '
                                'by = "openai/gpt-image-2.5-flare" }]'))
    later = overlaid(tmp_path, [GONE, chain], {"openai/gpt-image-2": "2027-03-10"})
    models = [{one.today.model for one in succeeded(later, day).segment}
              for day in (date(2026, 12, 31), date(2027, 2, 28), date(2027, 3, 31))]
    assert models == [{"openai/gpt-image-2", "azure/flux-2-pro"}, {"openai/gpt-image-2"},
                      {"openai/gpt-image-2.5-flare"}]
    assert list(orphans(later, date(2027, 3, 31))) == []
    first = Case(case(GONE, NAMED).scenario, later.book, later.on, later.draws)
    assert [text.split(";")[0] for text in orphans(first, date(2027, 3, 31))] == [
        "openai/gpt-image-2 shuts down on 2027-03-10"]


def test_successors_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    circle = ("plan.successor", ('[{ model = "azure/flux-2-pro", by = "openai/gpt-image-2", source = "a test" }, '
                                '{ model = "openai/gpt-image-2", by = "azure/flux-2-pro", source = "a test" }]'))
    later = overlaid(tmp_path, [GONE, circle], {"openai/gpt-image-2": "2027-01-10"})
    with pytest.raises(PlannerError, match="leads back to where it began; name a model that stays"):
        succeeded(later, date(2027, 1, 31))


def test_licences_are_paid_for_beyond_what_they_include() -> None:
    held = case(("licence", LICENCE))
    assert list(overage_usd(held, np.array([0.0, 52_000.0, 52_100.0, 104_000.0]))) == pytest.approx([0, 0, 1, 520])
    nothing = case(("licence", LICENCE.replace("52000", "0")))
    assert list(overage_usd(nothing, np.array([0.0, 100.0]))) == pytest.approx([0, 1])
    plan = planned(*OWN_CARDS, ("licence", LICENCE), ("traffic.growth_share_per_month", "0.04"), vendors=("openai",))
    beyond = [sum(bill.quantity for bill in month.fixed if bill.kind == "licence overage") for month in plan.months]
    own = [float(sum(line.images for line in month.images_of if line.option == "own")) for month in plan.months]
    assert beyond == pytest.approx([max(0.0, made - 52_000) for made in own])
    assert beyond[0] == 0 < beyond[-1]
    first = next(month.month.label for month, over in zip(plan.months, beyond, strict=True) if over)
    assert [month for month, _ in told(plan, "licence")] == [first]


def test_commitments_begin_and_end_and_their_end_is_said() -> None:
    signed = ("plan.commitment", ('[{ name = "rack", usd_per_month = 33.333333, first_month = "2027-01", months = 2, '
                                 'exit_usd = 50 }, { name = "old", usd_per_month = 7, first_month = "2025-01", '
                                  'months = 24 }, { name = "later", usd_per_month = 1, first_month = "2030-01", '
                                  'months = 1 }]'))
    plan = planned(signed, count=4)
    paid = [{bill.name: bill.usd for bill in month.fixed if bill.kind == "commitment"} for month in plan.months]
    rack = {"rack": Decimal("33.333333")}
    assert paid == [{"old": Decimal(7)}, rack, rack, {}]
    assert told(plan, "commitment") == [("2027-01", "old has ended"), ("2027-03", "rack has ended")]


def test_tax_is_on_bills_and_not_on_people() -> None:
    plan = planned(*OWN_CARDS, ("plan.tax_share", "0.07"), ("licence", LICENCE), vendors=("openai",), count=1)
    month = plan.months[0]
    taxed = sum(line.usd for line in month.images_of if line.option != "own") + sum(
        bill.usd for bill in month.fixed if bill.kind in ("cards", "licence", "licence overage"))
    tax = next(bill for bill in month.fixed if bill.kind == "tax")
    assert tax.usd == (taxed * Decimal("0.07")).quantize(Decimal("0.000001"), "ROUND_HALF_UP")


def test_other_currencies_take_the_rate_in_force_on_the_months_first_day() -> None:
    rates = ("plan.fx", ('[{ valid_from = 2027-01-01, per_usd = 0.86, source = "a desk" }, '
                        '{ valid_from = 2027-02-02, per_usd = 0.9, source = "a desk" }]'))
    plan = planned(("plan.currency", '"EUR"'), rates, count=4)
    amounts = [reported(plan, month.usd, day=month.month.first) for month in plan.months]
    wanted = [None, *(month.usd * Decimal(rate) for month, rate in zip(plan.months[1:], ("0.86", "0.86", "0.9"),
                                                                      strict=True))]
    assert amounts == wanted
    assert [month["reported"] for month in plan_json(plan)["months"]] == [
        None if usd is None else f"{usd:f}" for usd in wanted]
    assert "In EUR: no rate is in force for some months; add [[plan.fx]] rows" in list(plan_lines(plan))
    shown = next(table for table in tables_of(plan) if table.columns[-1] == "Bill, EUR")
    assert [row[-1] for row in shown.rows][:2] == ["no rate is in force", f"{amounts[1]:,.2f}"]


@pytest.mark.parametrize(("key", "value", "said"), [
    ("plan.currency", '"EUR"', "needs \\[\\[plan.fx\\]\\] rows"),
    ("plan.fx", ('[{ valid_from = 2027-01-01, per_usd = 1, source = "a" }, '
                '{ valid_from = 2027-01-01, per_usd = 2, source = "b" }]'), "given twice"),
    ("plan.tax_share", "-0.1", "greater than or equal to 0"),
    ("plan.fiscal_year_starts", "13", "less than or equal to 12"),
    ("plan.commitment", '[{ name = "x", usd_per_month = -1, first_month = "2027-01", months = 2 }]', "usd_per_month"),
    ("plan.commitment", '[{ name = "x", usd_per_month = 1, first_month = "2027-13", months = 2 }]', "first_month"),
    ("plan.volume_doubt_share", "nan", "volume_doubt_share"),
])
def test_terms_that_make_no_sense_are_refused_in_one_line(key: str, value: str, said: str) -> None:
    with pytest.raises(PlannerError, match=said) as refused:
        case((key, value))
    assert "\n" not in str(refused.value)


def test_the_first_month_is_the_one_that_was_asked_for() -> None:
    assert planned(count=1).months[0].month.first == FIRST
