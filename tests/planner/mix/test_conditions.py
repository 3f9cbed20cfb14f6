"""Failures, fine-tunes, cards by demand and priorities through a whole plan: what they cost, and what is told."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from planner.case import Case
from planner.commands.mix import mix
from planner.commands.size import size
from planner.errors import PlannerError
from planner.fleet import WEEK_H
from planner.mix.answer import best_mix
from planner.mix.conditions import condition_lines, without_failures
from planner.mix.documents import Rules
from planner.mix.months import Months, draw_months, outcome
from planner.mix.paying import paying_of
from planner.mix.streams import streams_of
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files
from tests.planner.mix.test_mix import BOOK, ON

FAILURES = "{ per_card_month = 20, repair_minutes = 600 }"
SMALL = {"segment.bulk.images_per_month": "30000"}
FINE_TUNES = {"own.switch": "{ p50_s = 8.5, p90_s = 26.8 }", "segment.bulk.fine_tunes": "{ count = 6, share = 0.17 }"}


def case(name: str, changes: dict[str, str]) -> Case:
    path = find_scenario(name, table_files(BOOK.roots, "scenarios/*.toml"))
    return Case(load_scenario(path, settings=list(changes.items())), BOOK, ON, Draws(10_000, 1))


def drawn(name: str, changes: dict[str, str]) -> Months:
    asked, rules = case(name, changes), Rules({"bulk": 30.0})
    return draw_months(streams_of(asked, rules, vendors=("openai", "fal")), rules, count=2, seed=1)


def told(command: Any, name: str, changes: dict[str, str], *more: str) -> str:
    sets = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    result = CliRunner().invoke(command, [name, "--on", str(ON), *sets, *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_not_stated_does_not_happen() -> None:
    months = drawn("h100_always_on", {})
    assert months.conditions == (None, None)
    found = outcome(months, np.full(WEEK_H, 1), paying=paying_of(months.planned.case))
    assert found.happened is None
    assert found.on_h == 0
    assert not list(condition_lines(months, found))


def test_a_cold_start_is_a_wait_and_is_paid_for_by_the_second() -> None:
    months = drawn("serverless", {})
    paying = paying_of(months.planned.case)
    found = outcome(months, np.full(WEEK_H, 1), paying=paying)
    warm = outcome(drawn("serverless", {"own.cost.cold_start_s": "0"}), np.full(WEEK_H, 1), paying=paying)
    assert np.nanmean(found.p95_s) == pytest.approx(np.nanmean(warm.p95_s) + 20, abs=2)
    assert found.happened is not None
    assert found.busy_usd.mean() == pytest.approx(found.on_h * 3600 * 0.00116)
    assert found.on_h * 3600 > found.happened.starts * (20 + 5)
    assert found.cards_usd == 0


def test_cards_by_demand_are_paid_from_start_to_off_and_the_least_of_them_always() -> None:
    hours = []
    for least in (0, 1):
        months = drawn("h100_always_on", {"own.autoscale": f"{{ least = {least}, most = 2, wait_s = 10 }}"})
        found = outcome(months, np.full(WEEK_H, 2), paying=paying_of(months.planned.case))
        assert found.busy_usd.mean() == pytest.approx(found.on_h * 2.69)
        hours.append(found.on_h)
    assert 0 < hours[0] < 2 * 730
    assert 730 <= hours[1] < 2 * 730


def test_a_promise_that_only_failing_cards_break_is_refused_with_that_excuse() -> None:
    steady = json.loads(told(size, "like_for_like", SMALL, "--json"))
    failing = json.loads(told(size, "like_for_like", SMALL | {"own.failures": FAILURES}, "--json"))
    assert failing["cards"] > steady["cards"]
    excuses = {one["cards"]: one["why"].endswith("; only because cards fail") for one in failing["rejected"]}
    assert excuses[steady["cards"]]
    assert not excuses[min(excuses)] or min(excuses) >= steady["cards"]
    assert failing["happened"]["failed"] == pytest.approx(failing["cards"] * 20 * 730 / (730 + 20 * 10), rel=0.2)


def test_failures_are_told_with_what_came_of_them() -> None:
    lines = told(size, "like_for_like", SMALL | {"own.failures": FAILURES})
    assert "Failures: 20 a card-month, repaired in 10 h: " in lines
    assert "images made again, 0.0 sent elsewhere" in lines
    months = drawn("like_for_like", {"own.failures": FAILURES})
    assert months.fails
    assert not without_failures(months).fails


def test_fine_tunes_are_switched_between_and_shared_by_the_parts_of_a_segment() -> None:
    months = drawn("team", FINE_TUNES)
    terms, month = months.conditions[0], months.months[0]
    assert terms is not None
    assert terms.kind is not None
    assert terms.switch_s is not None
    assert set(np.unique(terms.kind)) == set(range(7))  # six, and the model as it is
    bulk = [at for at, one in enumerate(months.planned.streams) if one.segment.startswith("bulk")]
    asks = terms.kind[np.isin(month.stream, bulk)] > 0
    assert asks.mean() == pytest.approx(0.17, abs=0.02)
    assert not terms.kind[~np.isin(month.stream, bulk)].any()
    assert np.percentile(terms.switch_s, [50, 90]) == pytest.approx([8.5, 26.8], rel=0.05)
    found = outcome(months, np.full(WEEK_H, 1), paying=paying_of(months.planned.case))
    assert any(line.startswith("Fine-tunes: 8.5 s to load one (9 of 10 within 26.8 s)")
               for line in condition_lines(months, found))


def test_who_is_served_first_waits_less_and_the_others_more() -> None:
    changes = {"segment.bulk.deferrable_share": "0", "segment.bulk.images_per_month": "900000", "own.staff.fte": "0"}
    plain = drawn("team", changes)
    urgent = drawn("team", changes | {"segment.draft.priority": "5"})
    cards, at = np.full(WEEK_H, 1), [one.segment for one in plain.planned.streams].index("draft")
    before, after = (outcome(one, cards, paying=paying_of(one.planned.case)) for one in (plain, urgent))
    assert np.nanmean(after.p95_s[:, at]) < np.nanmean(before.p95_s[:, at])
    assert "Served first among what waits for a card: draft, " in "\n".join(condition_lines(urgent, after))


def test_a_plan_with_all_of_it_adds_up_and_is_told() -> None:
    changes = FINE_TUNES | {"own.autoscale": "{ most = 3, wait_s = 5, idle_minutes = 15 }",
                            "own.failures": "{ per_card_month = 1 }", "own.start_minutes": "2", "own.staff.fte": "0"}
    made = best_mix(case("team", changes), vendors=("openai", "bfl"))
    for way in made.ways:
        found = way.outcome
        assert np.allclose(found.usd, found.cards_usd + found.fixed_usd + found.hosted_usd + found.own_usd
                           + found.busy_usd + found.beside_usd)
    assert made.own is not None
    assert "at most, by demand" in made.own.name
    lines = told(mix, "team", changes)
    assert [line.split(":")[0] for line in lines.splitlines() if line.split(":")[0] in (
        "Failures", "Fine-tunes", "Cold starts")] == ["Failures", "Fine-tunes", "Cold starts"]


@pytest.mark.parametrize(("changes", "says"), [
    ({"own.switch": "{ p50_s = 8 }"}, "no segment has fine_tunes"),
    ({"segment.bulk.fine_tunes": "{ count = 3 }"}, "say with own.switch how long loading takes"),
    ({"own.autoscale": "{ least = 3, most = 2 }"}, "least is above most; swap them"),
    ({"own.switch": "{ p50_s = 8, p90_s = 2 }"}, "p90_s is below p50_s; swap them"),
    ({"own.failures": "{ per_card_month = 0 }"}, "own.failures.per_card_month = 0"),
    ({"own.autoscale": "{ most = 2 }", "own.cost": '{ kind = "rented", plan = "reserved", usd_per_gpu_h = 1 }'},
     "only cards rented on demand or spot"),
    ({"segment.bulk.priority": "10"}, "segment.bulk.priority = 10"),
])
def test_what_cannot_be_is_one_line(changes: dict[str, str], says: str) -> None:
    with pytest.raises(PlannerError, match=says) as error:
        best_mix(case("team", changes))
    assert "\n" not in str(error.value)


def test_a_serverless_card_has_its_own_idle_tail() -> None:
    with pytest.raises(PlannerError, match="a serverless card stops after own"):
        case("serverless", {"own.autoscale": "{ most = 2, idle_minutes = 3 }"})
