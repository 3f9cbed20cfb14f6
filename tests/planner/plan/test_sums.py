"""Sums that are exact to the micro-dollar wherever they are made, and a first month that is the mix's own."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.mix.answer import best_mix
from planner.plan.document import plan_json
from planner.plan.files import CSV_COLUMNS, plan_csv
from planner.plan.lines import OWN, FixedLine, ImageLine, rounded_images, rounded_usd
from planner.plan.months import first_of, next_month, plan_months

from .cases import FIRST, LICENCE, OWN_CARDS, case, planned

if TYPE_CHECKING:
    from planner.plan.monthly import Plan

GROWING = ("traffic.growth_share_per_month", "0.06")
BILLS = (("plan.tax_share", "0.07"), ("licence", LICENCE), ("plan.commitment", (
    '[{ name = "rack", usd_per_month = 33.333333, first_month = "2027-01", months = 2, exit_usd = 50 }]')))


def own_plan(*settings: tuple[str, str]) -> Plan:
    return planned(*OWN_CARDS, *settings, vendors=("openai",))


@pytest.mark.parametrize("settings", [(), (GROWING,), BILLS, (GROWING, *BILLS)])
def test_document_rows_and_total_are_the_same_to_the_micro_dollar(settings: tuple[tuple[str, str], ...]) -> None:
    plan = own_plan(*settings)
    document = plan_json(plan)
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert {row["kind"] for row in rows} >= {"own images", "hosted images", "cards", "review"}
    assert sum(Decimal(row["usd"]) for row in rows) == plan.usd == Decimal(document["usd"])
    for month, told in zip(plan.months, document["months"], strict=True):
        mine = [row for row in rows if row["month"] == month.month.label]
        parts = [Decimal(line["usd"]) for line in (*told["images_of"], *told["fixed"])]
        assert sum(Decimal(row["usd"]) for row in mine) == month.usd == Decimal(told["usd"]) == sum(parts)
        assert sum(Decimal(row["accepted_images"] or 0) for row in mine) == month.accepted == Decimal(told["accepted"])
        assert -month.usd.as_tuple().exponent == 6


@pytest.mark.parametrize("settings", [(), BILLS])
def test_every_amount_can_be_made_again_from_the_quantity_and_price_beside_it(
        settings: tuple[tuple[str, str], ...]) -> None:
    for row in csv.DictReader(io.StringIO(plan_csv(own_plan(*settings)))):
        assert rounded_usd(Decimal(row["quantity"]) * Decimal(row["usd_each"])) == Decimal(row["usd"]), row


@given(st.integers(0, 10**12), st.booleans())
def test_halves_are_rounded_away_from_zero(halves: int, below: bool) -> None:
    sign = -1 if below else 1
    half = sign * (2 * halves + 1)
    assert rounded_usd(Decimal(half) / 2 / 1_000_000) == Decimal(half + sign) / 2 / 1_000_000
    assert rounded_usd(Decimal(half) / 2 / 1_000_000 - sign * Decimal("1e-9")) == Decimal(half - sign) / 2 / 1_000_000


def test_lines_are_rounded_where_they_are_made() -> None:
    assert rounded_images(0.0005) == Decimal("0.001")
    assert rounded_images(2.6745) == Decimal("2.675")  # the text of the number counts, not its bits
    line = ImageLine(segment="bulk", can_wait=True, option="bfl/flux-2-flex", asked=1000.0, share=1 / 3, times=1.0,
                     usd_per_image=Decimal("0.0125"), accepted_share=0.9, source="a test")
    assert (line.images, line.usd, line.accepted) == (Decimal("333.333"), Decimal("4.166663"), Decimal("300.000"))
    assert FixedLine("staff", "people", 0.1, "FTE", Decimal(15000), "a test").usd == Decimal("1500.000000")


@pytest.mark.parametrize("settings", [(), OWN_CARDS, (*OWN_CARDS, ("own.acceptance_share", "0.5")),
                                      (*OWN_CARDS, ("licence", LICENCE)), (("traffic.archetype", '"studio"'),)])
def test_the_first_month_costs_what_the_mix_expects(settings: tuple[tuple[str, str], ...]) -> None:
    plan = planned(*settings, vendors=("openai",), count=1)
    mix = best_mix(case(*settings), vendors=("openai",), with_doubts=False)
    drawn = mix.best.outcome.usd
    overage = float(sum(bill.usd for bill in plan.months[0].fixed if bill.kind == "licence overage"))  # no router's
    volumes = np.array([month.images.sum() for month in mix.drawn.months]) * mix.drawn.scale
    spread = (drawn.std(ddof=1) + 0.5 * drawn.mean() * volumes.std(ddof=1) / volumes.mean()) / np.sqrt(len(drawn))
    assert float(plan.usd) - overage == pytest.approx(drawn.mean(), abs=4 * spread + 0.005 * drawn.mean())


@pytest.mark.parametrize("cost", [
    '{ kind = "rented", plan = "on-demand", usd_per_gpu_h = 0.4 }',
    '{ kind = "rented", plan = "reserved", usd_per_gpu_h = 0.3 }',
    '{ kind = "owned", capex_usd = 4000, gpus = 2, power_kw = 1, usd_per_kwh = 0.2 }'])
def test_lines_of_cards_come_to_what_the_mix_pays_for_them(cost: str) -> None:
    plan = planned(*OWN_CARDS, ("own.cost", cost), ("own.start_minutes", "20"), vendors=("openai",), count=1)
    way, paying = plan.fleets[0].mix.best.outcome, plan.fleets[0].mix.paying
    bills = [float(bill.usd) for bill in plan.months[0].fixed if bill.kind == "cards"]
    assert way.cards.any()
    assert sum(bills) == pytest.approx(paying.cards_usd(way.cards, reserved=way.reserved), abs=1e-5)
    others = [float(bill.usd) for bill in plan.months[0].fixed if bill.kind in ("storage", "fine-tuning")]
    assert sum(others) == pytest.approx(paying.fixed_usd, abs=1e-5)


@pytest.mark.parametrize("starts", range(1, 13))
def test_a_fiscal_year_begins_in_its_month_and_is_named_by_the_year_it_ends_in(starts: int) -> None:
    months = plan_months(date(2026, 11, 17), count=30, fiscal_year_starts=starts)
    assert [month.first for month in months[:3]] == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    for month in months:
        assert (month.fiscal_month == 1) == (month.first.month == starts)
        ends = next(later for later in plan_months(month.first, count=12, fiscal_year_starts=starts)
                    if later.fiscal_month == 12)
        assert month.fiscal_year == ends.first.year
        assert month.fiscal_label == f"FY{ends.first.year} M{month.fiscal_month:02d}"


def test_months_in_words() -> None:
    assert next_month(None, date(2026, 12, 31)) == date(2027, 1, 1)
    assert next_month("2026-12", date(2020, 1, 1)) == FIRST
    months = plan_months(date(2028, 1, 1), count=4, fiscal_year_starts=1)
    assert [month.last.day for month in months] == [31, 29, 31, 30]
    for wrong in ("2026-13", "December", "2026-12-01", "", "26-1"):
        with pytest.raises(PlannerError, match=r"no month; write it as 2026-12"):
            first_of(wrong)


def test_own_cards_make_what_no_hosted_line_makes() -> None:
    plan = own_plan()
    for month in plan.months:
        for line in month.images_of:
            if line.option == OWN:
                away = [one.share for one in month.images_of
                        if (one.segment, one.can_wait) == (line.segment, line.can_wait) and one.option != OWN]
                assert line.share + sum(away) == pytest.approx(1)
