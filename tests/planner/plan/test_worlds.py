"""How sure a plan is: joint draws, the same for the same seed, and nothing but the plan where nothing is in doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.plan.document import plan_json
from planner.plan.fleet import LOADS
from planner.plan.lines import OWN
from planner.plan.worlds import drawn_worlds, range_of
from planner.uncertainty import Draws

from .cases import LICENCE, OWN_CARDS, planned, sure

TAXED = (("plan.tax_share", "0.1"), ("licence", LICENCE))
ALONE = ("openai",)


SERVERLESS = '{ kind = "serverless", usd_per_gpu_s = 0.0004, cold_start_s = 5, idle_tail_s = 5 }'


@pytest.mark.parametrize(("settings", "certain"), [
    ((), {}), (OWN_CARDS, {"staff": 0}), ((*OWN_CARDS, *TAXED), {"staff": 0}),
    ((*OWN_CARDS, ("own.cost", SERVERLESS)), {"staff": 0, "rent": 0.0004 * 3600})])
def test_every_percentile_is_the_plan_where_nothing_is_in_doubt(settings: tuple[tuple[str, str], ...],
                                                                certain: dict[str, float]) -> None:
    plan = sure(*settings, **certain)
    for month, found in zip(plan.months, plan.worlds.months, strict=True):
        assert [found.p10, found.p50, found.p80, found.p90] == pytest.approx([float(month.usd)] * 4, abs=1e-3)
    assert plan.worlds.total.p10 == pytest.approx(float(plan.usd), abs=1e-2)
    assert plan.worlds.drivers == ()
    assert plan_json(plan)["contingency_usd"] == pytest.approx(0, abs=1e-6)


def test_a_years_percentiles_are_those_of_joint_draws() -> None:
    plan = planned(*OWN_CARDS, vendors=ALONE, count=12, draws=4_000)
    total, months = plan.worlds.total, plan.worlds.months
    assert total.p90 < sum(month.p90 for month in months)
    assert total.p10 > sum(month.p10 for month in months)
    spread = plan.worlds.usd.sum(axis=1).std()
    independent = np.sqrt((plan.worlds.usd.std(axis=0) ** 2).sum())
    assert 1.5 * independent < spread < plan.worlds.usd.std(axis=0).sum()
    assert total.p10 < total.p50 < total.p80 < total.p90


def test_volume_doubt_grows_with_the_root_of_time() -> None:
    plan = planned(count=12, draws=4_000)
    review = float(sum(bill.usd for bill in plan.months[0].fixed if bill.kind == "review"))
    hosted = float(plan.months[0].usd) - review
    logs = np.log(plan.worlds.usd / (review + hosted))  # all hosted, mostly looking: the bill is the volume
    assert logs[:, -1].std() == pytest.approx(0.25, rel=0.06)
    assert logs[:, 2].std() == pytest.approx(0.25 / 2, rel=0.06)
    assert np.exp(np.median(logs[:, -1])) == pytest.approx(1, abs=0.02)


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    arguments = (*OWN_CARDS, ("plan.fiscal_year_starts", "4"))
    first, again = (plan_json(planned.__wrapped__(*arguments, vendors=ALONE, count=2)) for _ in range(2))
    other = plan_json(planned(*arguments, vendors=ALONE, count=2, seed=2))
    assert first == again
    assert other["p90_usd"] != first["p90_usd"]
    assert other["usd"] != first["usd"]


def test_contingency_is_what_makes_four_of_five_worlds_fit() -> None:
    plan = planned(*OWN_CARDS, vendors=ALONE)
    document, sums = plan_json(plan), plan.worlds.usd.sum(axis=1)
    assert document["contingency_usd"] == pytest.approx(np.percentile(sums, 80) - np.percentile(sums, 50))
    assert (sums <= document["p50_usd"] + document["contingency_usd"]).mean() == pytest.approx(0.8, abs=0.001)


def test_a_driver_moves_the_sum_and_the_shares_come_to_one() -> None:
    calm = ("plan.volume_doubt_share", "0.01")
    rent = ("range", '[{ driver = "rent", low = 0.3, high = 3.0, source = "a test" }]')
    plan = planned(*OWN_CARDS, calm, rent, vendors=ALONE)
    assert plan.worlds.drivers[0][0] == "rent"
    assert sum(share for _, share in plan.worlds.drivers) == pytest.approx(1)
    bills = [bill for month in plan.months for bill in month.fixed]
    cards = float(sum(bill.usd for bill in bills if bill.kind in ("cards", "fine-tuning")))
    assert plan.worlds.total.p90 - plan.worlds.total.p50 == pytest.approx(
        cards * (3.0 / 0.99) ** (1.2816 / 1.6449) - cards, rel=0.1)


def test_work_beyond_the_included_images_is_paid_for_only_in_the_worlds_that_have_it() -> None:
    held = LICENCE.replace("52000", "60000")
    with_, without = (planned(*OWN_CARDS, ("licence", text), vendors=ALONE, count=1)
                      for text in (held, held.replace("0.01", "0")))
    assert [bill for bill in with_.months[0].fixed if bill.kind == "licence overage"] == []
    more = with_.worlds.usd[:, 0] - without.worlds.usd[:, 0]
    assert more.min() == pytest.approx(0, abs=1e-6)
    assert 0 < (more > 0.01).mean() < 0.5


def test_what_fits_the_cards_as_planned_overflows_in_busier_worlds() -> None:
    plan = planned(*OWN_CARDS, vendors=ALONE, count=1)
    month, fleet = plan.months[0], plan.fleets[0]
    ours = {key for key, shares in fleet.own_shares.items() if shares.any()}
    known = {(line.segment, line.can_wait) for line in (*month.images_of, *month.idle) if line.option != OWN}
    assert ours <= known  # a hosted line stands by for each, whatever the cards make as planned
    ends, always = (fleet.own_shares | {key: np.where(np.array(LOADS) <= 1, 1.0, beyond) for key in ours}
                    for beyond in (0.5, 1.0))
    dear, cheap = (drawn_worlds([month], [replace(fleet, own_shares=shares)], spreads={}, draws=Draws(2_000, 1),
                                volume_doubt_share=1.5) for shares in (ends, always))
    more = dear.usd - cheap.usd
    assert more.min() == 0
    assert more.max() > 0.05 * dear.usd.max()
    assert ((more > 0).mean(), dear.outside_share) > (0.3, 0)


def test_percentiles_of_a_range() -> None:
    found = range_of(np.arange(101.0))
    assert (found.p10, found.p50, found.p80, found.p90) == (10, 50, 80, 90)
