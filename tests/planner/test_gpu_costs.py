"""The month of a card, worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from planner.gpu_costs import Existing, Owned, Rented, Serverless, gpu_month

EIGHT_H100 = Owned(kind="owned", capex_usd=Decimal(350_000), gpus=8, adder_share=0.12, life_months=36,
                   capital_share_per_year=0.08, power_kw=10.2, load_share=0.7, usd_per_kwh=Decimal("0.146"), pue=1.54,
                   colo_usd_per_kw_month=Decimal("194.95"), failures_share_per_year=0.06, failure_cost_share=0.5)


def test_a_rented_card_costs_its_hours() -> None:
    month = gpu_month(Rented(kind="rented", usd_per_gpu_h=Decimal("2.69")))
    assert month.usd_per_gpu_month == pytest.approx(1963.7)
    assert month.hours_per_month == 730


def test_business_hours_are_176() -> None:
    month = gpu_month(Rented(kind="rented", plan="business-hours", usd_per_gpu_h=Decimal("2.69")))
    assert month.usd_per_gpu_month == pytest.approx(473.44)


def test_spot_work_done_twice_takes_capacity_not_money() -> None:
    month = gpu_month(Rented(kind="rented", plan="spot", usd_per_gpu_h=Decimal(1), lost_share=0.1))
    assert (month.usd_per_gpu_month, month.hours_per_month) == (pytest.approx(730), pytest.approx(657))


def test_by_the_job_pays_busy_seconds_and_starting_up() -> None:
    month = gpu_month(Rented(kind="rented", plan="by-the-job", usd_per_gpu_h=Decimal("3.6"), start_h_per_day=0.5))
    assert month.usd_per_busy_s == pytest.approx(0.001)
    assert month.usd_per_gpu_month == pytest.approx(3.6 * 0.5 * 730 / 24)


def test_serverless_spreads_start_and_tail_over_the_images_of_one_start() -> None:
    month = gpu_month(Serverless(kind="serverless", usd_per_gpu_s=Decimal("0.001"), cold_start_s=20, idle_tail_s=5,
                                 images_per_start=10))
    assert (month.usd_per_gpu_month, month.usd_per_image) == (0, pytest.approx(0.0025))


@pytest.mark.parametrize(("life_months", "residual_share", "usd_per_gpu_h"), [
    (36, 0.0, 2.80), (48, 0.25, 2.04), (72, 0.0, 1.87)])
def test_a_bought_server_of_eight(life_months: int, residual_share: float, usd_per_gpu_h: float) -> None:
    server = EIGHT_H100.model_copy(update={"life_months": life_months, "residual_share": residual_share})
    assert server.usd_per_month() / 8 / 730 == pytest.approx(usd_per_gpu_h, abs=0.006)


def test_a_bought_server_term_by_term() -> None:
    invested = 350_000 * 1.12
    by_hand = (invested / 36 + invested / 2 * 0.08 / 12 + 10.2 * 0.7 * 730 * 0.146 * 1.54 + 10.2 * 194.95
               + invested * 0.06 * 0.5 / 12)
    assert EIGHT_H100.usd_per_month() == pytest.approx(by_hand)
    assert round(by_hand) == 16_336
    assert gpu_month(EIGHT_H100).bought_in == 8


def test_a_card_at_hand_costs_power_and_its_other_use() -> None:
    month = gpu_month(Existing(kind="existing", power_w=575, usd_per_kwh=Decimal("0.146"), pue=1.2,
                               opportunity_usd_per_gpu_h=Decimal("0.36")))
    assert month.usd_per_gpu_month == 0
    assert month.usd_per_busy_s == pytest.approx(0.575 * 1.2 * 0.146 / 3600 + 0.0001)
