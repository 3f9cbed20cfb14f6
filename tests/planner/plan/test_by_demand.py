"""Cards by demand and serverless ones in a plan: what `planner mix` expects of them, by month and in the workbook.

Everything happens to the shipped serverless scenario at 1.08 USD an hour, its 60,000 images growing by 3 % a month.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from planner.displaceable import segments_today
from planner.mix.answer import best_mix
from planner.mix.paying import paying_of
from planner.own import own_side
from planner.plan.fleet import LOADS
from planner.plan.lines import OWN
from planner.plan.workbook.write import plan_xlsx
from planner.plan.worlds import drawn_worlds
from planner.uncertainty import Draws

from .cases import OWN_CARDS
from .cases import planned as team
from .plans import BY_DEMAND, EXISTING, SERVERLESS, case_of, planned, replanned
from .spreadsheet import changed, differing, recalculated, values_of

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan.monthly import Plan

LIVE = ("Prices", "Volumes", "Fleet", "Calc", "Bills", "Plan", "Checks")
CHANGES = {
    "rent": ({"usd_per_gpu_s": 0.00037}, (("own.cost.usd_per_gpu_s", "0.00037"),)),
    "volume": ({"images_bulk": 71_000}, (("segment.bulk.images_per_month", "71000"),)),
    "growth": ({"growth_share_per_month": 0.09}, (("traffic.growth_share_per_month", "0.09"),)),
    "fine-tuning": ({"fine_tuning_runs_per_month": 5}, (("own.lora.runs_per_month", "5"),)),
}
RENTED = (("own.cost.usd_per_gpu_h", "0.4"), ("own.lora", "{ runs_per_month = 2, gpu_h_per_run = 3 }"))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(case_of("serverless", SERVERLESS), 6)


@pytest.mark.parametrize("number", [0, 5])
def test_a_serverless_month_costs_what_the_mix_expects(plan: Plan, number: int) -> None:
    usd = best_mix(plan.case, ahead_months=number, with_doubts=False).best.outcome.usd
    error = usd.std(ddof=1) * np.sqrt(1 / len(usd) + 1 / 2)  # a plan's loads are two drawn months each
    assert float(plan.months[number].usd) == pytest.approx(usd.mean(), abs=3 * error)
    assert 3 * error < 0.2 * usd.mean()


def test_the_same_months_are_paid_to_the_second(plan: Plan) -> None:
    fleet, month = plan.fleets[0], plan.months[0]
    way = fleet.mix.best.outcome
    bill, = (bill for bill in month.fixed if bill.kind == "cards")
    assert float(bill.usd) == pytest.approx(way.busy_usd[:2].mean(), abs=1e-4)
    assert (bill.name, bill.unit, bill.quantity) == ("h100-sxm by demand", "GPU-hours", month.gpu_hours)
    assert month.gpu_hours > 2 * float(fleet.busy_seconds(1.0)) / 3600  # cold starts and idle tails
    assert (np.diff(fleet.on_h) > 0).all()
    assert [line.usd for line in month.images_of if line.option == OWN] == [0]


def test_hours_by_demand_follow_the_work_of_each_world(plan: Plan) -> None:
    month, fleet = plan.months[0], plan.fleets[0]
    flat = replace(fleet, on_h=np.full(len(LOADS), fleet.on_hours(1.0)))
    moving, still = (drawn_worlds([month], [one], spreads={}, draws=Draws(500, 1), volume_doubt_share=1.0)
                     for one in (fleet, flat))
    factors = np.exp(Draws(500, 1).normal("volume of month 0") / np.sqrt(12))
    hours = fleet.on_hours(factors) - fleet.on_hours(1.0)
    np.testing.assert_allclose((moving.usd - still.usd)[:, 0], hours * 1.08, atol=1e-6)
    assert np.ptp(hours) > 10


def test_cards_that_stay_on_have_no_hours_by_demand() -> None:
    made = team(*OWN_CARDS, vendors=("openai",), count=1)
    assert made.months[0].most_cards > 0
    assert not made.fleets[0].on_h.any()


@pytest.mark.parametrize(("scenario", "settings"), [
    ("serverless", SERVERLESS), ("serverless", BY_DEMAND), ("h100_always_on", EXISTING), ("h100_always_on", RENTED)])
def test_an_hour_of_fine_tuning_costs_the_same_in_plan_mix_and_break_even(
        scenario: str, settings: tuple[tuple[str, str], ...]) -> None:
    case = case_of(scenario, settings)
    paying, without = paying_of(case), paying_of(case_of(scenario, (*settings, ("own.lora.runs_per_month", "0"))))
    rate, = {bill.usd_each for bill in planned(case, 1).months[0].fixed if bill.kind == "fine-tuning"}
    assert float(rate) == paying.tuning_usd_per_h > 0
    assert paying.fixed_usd - without.fixed_usd == pytest.approx(6 * float(rate))
    moved = [row for row in segments_today(case) if row.own_images]
    assert own_side(case, moved).spreads["rent"].mid == pytest.approx(float(rate))


def test_a_rent_from_the_table_is_that_rent_stated() -> None:
    row = next(row for row in case_of("team").book.rents if row.gpu == "rtx-4090" and not row.superseded)
    named = ("own.cost", f'{{ kind = "rented", rent_row = "{row.id}" }}')
    stated = ("own.cost", f'{{ kind = "rented", usd_per_gpu_h = {row.usd_per_gpu_h} }}')
    found, wanted = (team(*OWN_CARDS, ("own.gpu", '"rtx-4090"'), cost, vendors=("openai",), count=1)
                     for cost in (named, stated))
    assert found.months[0].most_cards > 0
    assert found.months == wanted.months
    assert found.spreads["rent"] == wanted.spreads["rent"]
    assert found.worlds.total == wanted.worlds.total
    assert found.case.scenario.own.cost.usd_per_gpu_h == row.usd_per_gpu_h


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_changed_inputs_give_the_months_of_the_model(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "plan.xlsx").write_bytes(plan_xlsx(plan))
    copies = [tmp_path / f"{number}.xlsx" for number in range(len(CHANGES) + 1)]
    for copy, inputs in zip(copies, ({}, *(inputs for inputs, _ in CHANGES.values())), strict=True):
        changed(tmp_path / "plan.xlsx", copy, inputs)
    same, *anew = recalculated(tmp_path, copies)
    before = values_of(tmp_path / "plan.xlsx")
    assert differing(same, before) == []
    for found, (name, (_, settings)) in zip(anew, CHANGES.items(), strict=True):
        again = replanned(plan, case_of("serverless", (*SERVERLESS, *settings)))
        (tmp_path / "again.xlsx").write_bytes(plan_xlsx(again))
        wanted = values_of(tmp_path / "again.xlsx")
        live = {sheet: found[sheet] for sheet in LIVE}
        assert differing(live, {sheet: wanted[sheet] for sheet in LIVE}) == [], name
        assert differing(live, {sheet: before[sheet] for sheet in LIVE}) != [], name
        assert found["Checks"]["B3"] is True
