"""`planner mix` and `planner size`: a plan's own arithmetic, its policy replayed, and what is refused in one line."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from planner.book import open_book
from planner.case import Case
from planner.commands.mix import mix
from planner.commands.size import size
from planner.drawing import draw_month
from planner.errors import PlannerError
from planner.fleet import WEEK_H, Work, serve
from planner.mix.answer import best_mix
from planner.mix.documents import planned_policy, planned_settings, policy_document, settings_document
from planner.mix.files import replayed_month
from planner.mix.months import draw_months, outcome
from planner.mix.paying import paying_of
from planner.mix.schedule import best_schedule
from planner.queueing import waits
from planner.scenario_file import find_scenario, load_scenario
from planner.traffic import Campaign, Traffic, shape_of
from planner.uncertainty import Draws
from router.catalog import table_files

if TYPE_CHECKING:
    from pathlib import Path

    from planner.mix.answer import Mix

ON = date(2026, 11, 22)
BOOK = open_book(None, {})


def case(name: str = "team", **changes: str) -> Case:
    path = find_scenario(name, table_files(BOOK.roots, "scenarios/*.toml"))
    return Case(load_scenario(path, settings=[(key.replace("__", "."), value) for key, value in changes.items()]), BOOK,
                ON, Draws(10_000, 1))


def busy_team(**changes: str) -> Mix:
    """A team whose own cards pay: bulk pictures on GPT Image 2 alone, no staff."""
    return best_mix(case(own__staff__fte="0", own__model='"flux-2-klein-4b"', segment__bulk__images_per_month="400000",
                         **changes), vendors=("openai", "bfl"))


def test_a_fleet_without_overflow_is_the_exact_queue() -> None:
    rng = np.random.default_rng(1)
    at, service = np.cumsum(rng.exponential(4.0, 5_000)), rng.lognormal(2.0, 0.5, 5_000)
    ones, no = np.ones(5_000, np.int64), np.zeros(5_000, np.bool_)
    work = Work(at, ones, service, ones, ~no, no, no, np.zeros(5_000), np.full(5_000, 1e9))
    for cards in (2, 3, 7):
        served = serve(work, np.full(WEEK_H, cards))
        assert np.allclose(served.waited, waits(at, service, servers=cards))
        assert served.own_images.sum() == 5_000
        assert served.busy_s.sum() == pytest.approx(service.sum())


def test_more_cards_never_make_less_and_no_card_makes_nothing() -> None:
    shape = shape_of(Traffic(), BOOK.archetypes)
    month = draw_month([(60_000.0, shape)], np.random.default_rng(2))
    size_ = month.at.size
    yes, no = np.ones(size_, np.bool_), np.zeros(size_, np.bool_)
    work = Work(month.at, month.images, np.full(size_, 10.0), np.ones(size_, np.int64), yes, yes, no, np.zeros(size_),
                np.full(size_, 30.0))
    made = [int(serve(work, np.full(WEEK_H, cards)).own_images.sum()) for cards in range(8)]
    assert made[0] == 0
    assert made == sorted(made)
    whole = serve(work, np.full(WEEK_H, 2), by_image=False)
    assert set(np.unique(whole.own_images / month.images)) <= {0.0, 1.0}
    by_image = serve(work, np.full(WEEK_H, 2))
    assert by_image.waited.max() <= 30.5 < whole.waited.max()  # a whole request stands in its own line


def test_a_drawn_month_has_the_volume_the_shape_and_the_campaigns_it_was_drawn_from() -> None:
    plain = shape_of(Traffic(archetype="studio", hour_shape=1e6, day_cv=0), BOOK.archetypes)
    month = draw_month([(300_000.0, plain)], np.random.default_rng(3))
    assert month.images.sum() == pytest.approx(300_000, rel=0.02)
    assert (np.diff(month.at) >= 0).all()
    by_hour = np.bincount(month.hour_of_week, minlength=WEEK_H)
    assert by_hour[2] == 0  # nobody works at two on a Monday morning
    assert np.corrcoef(by_hour, plain.hour_of_week)[0, 1] > 0.98
    loud = plain.model_copy(update={"campaign": (Campaign(name="sale", first_day=8, days=7, factor=3.0),)})
    sale = draw_month([(300_000.0, loud)], np.random.default_rng(3))
    weeks = [month.images[(month.at // 604_800).astype(int) == week].sum() for week in (0, 1)]
    sales = [sale.images[(sale.at // 604_800).astype(int) == week].sum() for week in (0, 1)]
    assert sales[1] / sales[0] == pytest.approx(3 * weeks[1] / weeks[0], rel=0.05)


@pytest.mark.parametrize("changes", [
    {}, {"segment__bulk__deferrable_share": "0"}, {"own__cost__usd_per_gpu_h": "0.2"},
    {"traffic__archetype": '"studio"'}])
def test_the_policy_a_plan_writes_costs_what_the_plan_says(changes: dict[str, str]) -> None:
    made = best_mix(case(own__staff__fte="0", segment__bulk__images_per_month="20000",
                         segment__draft__images_per_month="5000", **changes), vendors=("openai", "bfl"))
    for way in made.ways:
        replayed = replayed_month(made, way)
        planned = float(way.outcome.hosted_usd[0] + way.outcome.own_usd[0])
        assert replayed.sums.usd == pytest.approx(planned, rel=0.02), way.name
        own = sum(place.images for name, place in replayed.sums.places.items() if name.startswith("own/"))
        assert own / replayed.sums.images == pytest.approx(way.outcome.own_share[0], abs=0.01), way.name


def test_the_best_way_is_the_cheapest_of_those_allowed_and_its_parts_add_up() -> None:
    made = busy_team()
    allowed = [way.usd for way in made.ways if not way.refused]
    assert made.best.usd == min(allowed)
    assert made.best.outcome.cards.any()
    for way in made.ways:
        found = way.outcome
        assert np.allclose(found.usd, found.cards_usd + found.fixed_usd + found.hosted_usd + found.own_usd
                           + found.busy_usd + found.beside_usd)
    assert made.hosted.outcome.fixed_usd == 0.0  # who rents no card needs nobody to keep it
    assert made.hosted.outcome.own_share.max() == 0.0


def test_staff_turns_the_verdict_and_the_answer_says_how_much_would_turn_it_back() -> None:
    made = busy_team()
    staffed = best_mix(case(own__staff__fte="1", segment__bulk__images_per_month="400000"), vendors=("openai", "bfl"))
    assert made.best.outcome.cards.any()
    assert not staffed.best.outcome.cards.any()
    assert any("for staff, licence and storage instead of" in change for change in staffed.changes)


def test_work_that_may_go_nowhere_else_is_sized_with_one_more_card() -> None:
    made = best_mix(case(segment__bulk__data_class='"restricted"', segment__bulk__movable_share="1"))
    assert made.least_cards == 2
    assert made.best.outcome.cards.min() == 2
    assert "may not leave own cards" in made.hosted.refused
    assert made.best.outcome.lost.max() == 0


def test_a_reserved_card_pays_beyond_its_share_of_the_hours() -> None:
    pay = paying_of(case("h100_always_on"))
    hourly = pay.__class__(**{**pay.__dict__, "usd_per_h": 4.0, "reserved_usd_per_h": 2.0, "start_usd": 0.0})
    for hours_needed, reserved in ((80, 0), (90, 1)):  # half of 168 is 84
        saved = np.zeros((WEEK_H, 2))
        saved[:hours_needed, 1] = 100.0
        cards, found = best_schedule(saved, hourly)
        assert found == reserved
        assert cards[:hours_needed].min() == 1
        assert reserved or cards.sum() == hours_needed


def test_switching_on_is_paid_for_so_that_short_gaps_stay_on() -> None:
    pay = paying_of(case("h100_always_on"))
    hourly = pay.__class__(**{**pay.__dict__, "usd_per_h": 1.0, "reserved_usd_per_h": None, "start_usd": 3.0})
    saved = np.zeros((WEEK_H, 2))
    saved[10:14, 1] = saved[16:20, 1] = saved[100:104, 1] = 50.0
    cards, _ = best_schedule(saved, hourly)
    assert cards[14:16].tolist() == [1, 1]  # two idle hours cost less than another start
    assert cards[20:100].max() == 0


def ran(command: Any, *args: object) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*map(str, args), "--on", str(ON), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def test_the_command_writes_files_the_router_reads_and_overwrites_nothing(tmp_path: Path) -> None:
    policy, settings, trace = (tmp_path / name for name in ("policy.toml", "router.toml", "month.csv"))
    args = ("team", "--write-policy", policy, "--write-settings", settings, "--write-trace", trace, "--check")
    told = ran(mix, *args)
    assert abs(told["check"]["off_share"]) < 0.02
    assert planned_policy(tomllib.loads(policy.read_text())).segment("bulk").overflow_by == "image"
    document = tomllib.loads(settings.read_text())
    assert [one["name"] for one in document["backend"]][:3] == ["openai", "bfl", "fal"]
    assert trace.read_text().startswith("arrived_at,n,size,segment")
    again = CliRunner().invoke(mix, [str(arg) for arg in args])
    assert isinstance(again.exception, PlannerError)
    assert "is there already" in str(again.exception)


@pytest.mark.parametrize(("changes", "says"), [
    ({"segment__bulk__data_class": '"restricted"', "segment__bulk__movable_share": "1",
      "segment__bulk__promise": "{ p95_s = 0.9 }"}, "service time alone is 1.1 s"),
    ({"traffic__archetype": '"nobody"'}, "use one of user-app"),
    ({"segment__*__images_per_month": "0", "segment__hero__deliverables__assets_per_month": "1"}, "images_per_month"),
])
def test_what_cannot_be_planned_is_one_line(changes: dict[str, str], says: str) -> None:
    with pytest.raises(Exception, match=says) as told:
        best_mix(case(**changes))
    assert "\n" not in str(told.value)


def test_the_smallest_fleet_keeps_the_promise_and_every_smaller_one_says_why_not() -> None:
    told = ran(size, "like_for_like")
    assert told["cards"] > told["rejected"][-1]["cards"]
    assert all("promised" in one["why"] for one in told["rejected"])
    assert told["segments"][0]["p95_s"]["high"] <= 60
    assert told["foresight_gpu_h"] < told["cards"] * 730


def test_a_promise_below_the_service_time_is_refused_with_that_time() -> None:
    result = CliRunner().invoke(size, ["like_for_like", "--set", "segment.bulk.promise={p95_s=8}"])
    assert isinstance(result.exception, PlannerError)
    assert "no fleet meets p95 8 s: service time alone is" in str(result.exception)


def test_what_a_fleet_can_do_by_model_and_precision() -> None:
    told = ran(size, "team", "--fleet", "2xl40s@0.99", "--models", "flux-2-klein-4b,flux-2-dev")
    rooms = {(room["model"], room["engine"], room["precision"]): room for room in told["rooms"]}
    small = rooms["flux-2-klein-4b", "diffusers", "bf16"]
    assert small["images_per_month"] > 100_000
    assert small["p95_s"] <= 60
    assert small["usd_per_image"] == pytest.approx((2 * 730 * 0.99 + 1525.94) / small["images_per_month"], rel=0.01)
    assert "needs" in rooms["flux-2-dev", "diffusers", "bf16"]["why_not"]
    assert CliRunner().invoke(size, ["team", "--fleet", "two"]).exit_code == 2


def test_an_account_that_is_too_small_at_its_highest_tier_is_named_and_the_plan_still_holds() -> None:
    made = best_mix(case("owned_8xh100"))
    lane = next(one for one in made.lanes if one.vendor == "fal")
    assert "no published tier is enough" in str(lane)
    replayed = replayed_month(made, made.best)
    assert replayed.sums.usd == pytest.approx(made.best.outcome.hosted_usd[0] / made.drawn.scale, rel=0.02)


def test_a_day_without_prices_and_a_card_nobody_knows_are_one_line() -> None:
    early = CliRunner().invoke(mix, ["team", "--on", "2020-01-01"])
    assert "no price of openai, bfl, fal is known" in str(early.exception)
    nothing = CliRunner().invoke(size, ["team", "--fleet", "2xnothing@3"])
    assert "gpu = 'nothing': unknown" in str(nothing.exception)


def test_documents_are_read_back_by_the_router() -> None:
    made = busy_team()
    planned = made.drawn.planned
    settings = planned_settings(planned.case, settings_document(
        planned.case, [1] * 84 + [2] * 84, vendors=planned.vendors, tiers={"openai": "3"}))
    own = next(one for one in settings.backends if one.own is not None)
    assert own.own is not None
    assert (own.own.cards, own.own.cards_at(0), own.own.cards_at(100)) == (2, 1, 2)
    assert next(one for one in settings.backends if one.name == "openai").images_per_minute == 50
    assert planned_policy(policy_document(planned.case, made.rules)).segment("hero-kept").models == ("gpt-image-2",)


def test_the_same_seed_draws_the_same_months_and_another_seed_others() -> None:
    planned, rules = busy_team().drawn.planned, busy_team().rules
    first, same, other = (draw_months(planned, rules, count=1, seed=seed, hours=WEEK_H) for seed in (1, 1, 2))
    assert np.array_equal(first.months[0].at, same.months[0].at)
    assert not np.array_equal(first.months[0].at, other.months[0].at)
    paid = outcome(first, np.full(WEEK_H, 1), paying=paying_of(planned.case))
    assert paid.usd.shape == (1,)
