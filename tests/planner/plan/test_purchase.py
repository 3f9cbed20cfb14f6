"""Buying instead of renting, against values worked out by hand with the usual functions' definitions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.gpu_costs import Owned
from planner.plan.document import plan_json
from planner.plan.purchase import cash_flows, payback_months, present_value, purchase_of, rate_of_return

from .cases import OWN_CARDS, planned

SERVER = Owned(kind="owned", capex_usd=Decimal(1000), adder_share=0.1, life_months=4, residual_share=0.2, power_kw=1.0,
               load_share=0.5, usd_per_kwh=Decimal("0.1"), pue=1.2, colo_usd_per_kw_month=Decimal(10),
               failures_share_per_year=0.12, failure_cost_share=0.5)
RUNNING = 1.0 * 0.5 * 730 * 0.1 * 1.2 + 1.0 * 10 + 1100 * 0.12 * 0.5 / 12  # 43.80 power, 10 space, 5.50 repairs


def test_cash_flows_are_the_rent_saved_less_what_a_server_costs_to_run() -> None:
    assert pytest.approx(59.3) == RUNNING
    assert cash_flows(SERVER, [400.0, 300.0]) == pytest.approx(
        [-1100, 400 - RUNNING, 300 - RUNNING, 300 - RUNNING, 300 - RUNNING + 220])
    assert len(cash_flows(SERVER, [400.0] * 9)) == 5  # no longer than it lives


def test_present_value_of_known_flows() -> None:
    yearly = [-1000.0, *([0.0] * 11), 600.0, *([0.0] * 11), 600.0]
    assert present_value(yearly, rate_per_year=0.10) == pytest.approx(-1000 + 600 / 1.1 + 600 / 1.21)
    assert present_value([-100.0, 50.0, 60.0], rate_per_year=0.0) == pytest.approx(10)


def test_rate_of_return_of_known_flows() -> None:
    assert rate_of_return([-100.0, *([0.0] * 11), 110.0]) == pytest.approx(0.10, abs=1e-9)
    two_years = [-1000.0, *([0.0] * 11), 600.0, *([0.0] * 11), 600.0]  # 1000 x² - 600 x - 600 = 0
    assert rate_of_return(two_years) == pytest.approx((0.6 + (0.36 + 2.4) ** 0.5) / 2 - 1, abs=1e-9)
    assert rate_of_return([100.0, 5.0]) is None
    assert rate_of_return([-100.0, -5.0]) is None
    assert rate_of_return([-100.0, 1e9]) is None  # beyond any rate that could be meant


@given(st.floats(10, 1000), st.lists(st.floats(1, 200), min_size=2, max_size=40))
def test_nothing_is_left_at_the_rate_of_return(paid: float, saved: list[float]) -> None:
    flows = [-paid, *saved]
    rate = rate_of_return(flows)
    if rate is not None:
        assert present_value(flows, rate_per_year=rate) == pytest.approx(0, abs=1e-5 * paid)
        assert (rate > 0) == (sum(flows) > 0)


def test_payback_is_the_first_month_that_owes_nothing() -> None:
    assert payback_months([-100.0, 50.0, 50.0, 50.0]) == 2
    assert payback_months([-100.0, 50.0, 49.0]) is None
    assert payback_months([0.0]) == 0
    bought = purchase_of(SERVER, [400.0], rate_per_year=0.2)
    assert (bought.payback, bought.discounted_payback) == (4, 4)
    assert bought.npv_usd == pytest.approx(present_value(bought.flows, rate_per_year=0.2))
    assert purchase_of(SERVER, [RUNNING], rate_per_year=0.2).payback is None


def test_a_plan_holds_its_own_rents_against_the_purchase() -> None:
    server = ('{ kind = "owned", capex_usd = 4000, gpus = 1, adder_share = 0.1, life_months = 24, '
              'residual_share = 0.1, power_kw = 0.4, usd_per_kwh = 0.15 }')
    plan = planned(*OWN_CARDS, ("plan.purchase", server), vendors=("openai",))
    told = plan_json(plan)["purchase"]
    rent = float(sum(bill.usd for bill in plan.months[0].fixed if bill.kind == "cards"))
    assert told["flows"][0] == pytest.approx(-4400)
    assert told["flows"][1] == pytest.approx(rent - 0.4 * 0.7 * 730 * 0.15)
    assert len(told["flows"]) == 25
    assert plan_json(planned())["purchase"] is None
