"""The whole answer: the published numbers exactly, the ladder's steps, the verdicts, and what never pays."""

from __future__ import annotations

import itertools
import math
from datetime import date
from typing import TYPE_CHECKING

import pytest

from planner.answer import answer
from planner.answer_json import answer_json
from planner.case import Case
from planner.errors import ScenarioError
from planner.scenario_file import load_scenario
from planner.solve import SOLVABLE
from planner.uncertainty import Draws
from router.errors import OutOfReach, PriceError
from tests.tables import DATA, book

if TYPE_CHECKING:
    from pathlib import Path

    from planner.answer import Answer

ON = date(2026, 11, 22)
SHIPPED = sorted(path.stem for path in (DATA / "scenarios").glob("*.toml"))


def asked(name: str, *settings: tuple[str, str], draws: int = 2_000, seed: int = 1) -> Case:
    return Case(load_scenario(DATA / "scenarios" / f"{name}.toml", settings=settings), book(), ON, Draws(draws, seed))


def answered(name: str, *settings: tuple[str, str], draws: int = 2_000, solving: str | None = None) -> Answer:
    return answer(asked(name, *settings, draws=draws), solving=solving)


def what_if(said: Answer, name: str) -> float:
    return next(other.first for other in said.what_ifs if other.name.startswith(name))


def test_the_article_comes_out_as_stated_with_ten_thousand_draws() -> None:
    said = answered("article", draws=10_000)
    assert said.own is not None
    assert said.own.main.first == 10_074
    assert 8_000 <= said.own.main.p50 <= 12_000
    assert what_if(said, "A100 at $1.19/h") == 10_858.75
    assert what_if(said, "H100 at $2.69/h in business hours") == 9_468.8
    assert what_if(said, "legal and measured") == pytest.approx(9_561, abs=10)


def test_everything_the_article_needs_is_printed_as_stated() -> None:
    said = answered("article")
    assert {override.key for override in said.case.scenario.override} >= {
        "segment.bulk.today.usd_per_image", "own.cost.usd_per_gpu_h", "own.seconds_per_image", "licence_waived"}
    assert len(said.case.scenario.not_confirmed) == 4


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_answers(name: str) -> None:
    said = answered(name)
    assert said.verdict
    assert said.rungs[0].name == "today's bill"
    told = answer_json(said)
    assert {"p10", "p50", "p90", "first_crossing", "durable_crossing", "binding"} <= set(told["break_even"])


def test_the_same_seed_gives_the_same_answer() -> None:
    assert answer_json(answered("team")) == answer_json(answered("team"))
    assert (answer_json(answer(asked("team", seed=2)))["break_even"]
            != answer_json(answer(asked("team", seed=3)))["break_even"])


def test_dev_without_a_licence_moves_nothing_and_says_licence() -> None:
    said = answered("like_for_like", ("licence", "[]"), ("what_if", "[]"))
    assert said.own is None
    assert said.stopped
    assert "commercial licence" in said.verdict
    assert answer_json(said)["break_even"]["binding"] == "licence"


def test_where_the_bill_is_smaller_than_a_gpu_month_no_gpu_can_pay() -> None:
    said = answered("article", ("segment.bulk.images_per_month", "1000"))
    assert said.stopped
    assert said.verdict.startswith("No GPU can pay: 50 USD")
    assert [rung.name for rung in said.rungs] == ["today's bill", "right quality", "batch lane", "hosted Flux"]


def test_restricted_work_never_goes_to_another_hosted_vendor() -> None:
    said = answered("team", ("segment.*.data_class", "restricted"), ("segment.*.movable_share", "1"))
    flux = next(rung for rung in said.rungs if rung.name == "hosted Flux")
    assert not flux.taken
    assert flux.saves == 0


def test_text_beyond_the_limit_stays() -> None:
    said = answered("team")
    text = next(row for row in said.today if row.segment.name == "text")
    assert text.own_images == 0
    assert "9 words" in str(text.own_verdict)
    more = answered("team", ("text_words_limit", "9"))
    assert next(row for row in more.today if row.segment.name == "text").own_images > 0


def test_each_rung_starts_where_the_last_taken_one_ended() -> None:
    said = answered("team")
    bill = said.rungs[0].usd_per_year
    for rung in said.rungs[1:-1]:
        assert rung.usd_per_year == pytest.approx(bill - rung.saves, rel=0.02)
        if rung.taken:
            bill = rung.usd_per_year


def test_batch_is_half_the_price_of_what_can_wait() -> None:
    said = answered("team", ("segment.*.lowest_quality", "medium"))
    today, batched = (next(rung for rung in said.rungs if rung.name == name) for name in ("today's bill", "batch lane"))
    image = {row.segment.name: row for row in said.today}
    waits = sum(0.5 * image[name].usd_per_month * share for name, share in (("bulk", 0.8), ("text", 0.5)))
    assert batched.saves == pytest.approx(12 * waits, rel=1e-6)
    assert today.saves == 0


def test_more_volume_never_lowers_the_chance_that_own_gpus_win_by_much() -> None:
    said = answered("h100_always_on", draws=5_000)
    assert said.own is not None
    shares = said.own.main.cheaper_share
    assert all(later >= earlier - 0.02 for earlier, later in itertools.pairwise(shares))


@pytest.mark.parametrize("driver", SOLVABLE)
def test_a_solved_value_makes_both_sides_cost_the_same(driver: str) -> None:
    said = answered("team", solving=driver)
    assert said.solved is not None
    assert said.solved.driver == driver
    if said.solved.value is None:
        assert "no " in said.solved.says


def test_the_solved_rent_crosses_at_the_scenarios_own_volume() -> None:
    said = answered("article", solving="rent", draws=1_000)
    assert said.solved is not None
    assert said.solved.value is not None
    again = answered("article", ("own.cost.usd_per_gpu_h", f"{said.solved.value:.9f}"), ("range", "[]"), draws=1_000)
    assert again.own is not None
    assert again.own.main.first == pytest.approx(20_000, rel=1e-4)


def test_a_gain_under_the_stated_share_of_a_person_is_not_worth_it() -> None:
    assert "not worth it" not in answered("existing_gpu", ("worth.person_share", "0")).verdict
    assert "not worth it" in answered("existing_gpu").verdict


def test_review_is_paid_on_both_sides() -> None:
    without, with_review = answered("article"), answered("article", ("review.minutes_per_image", "1"),
                                                          ("review.usd_per_h", "30"))
    assert without.own is not None
    assert with_review.own is not None
    assert with_review.own.main.first == pytest.approx(without.own.main.first)
    assert with_review.options[0].usd_per_accepted_image > without.options[0].usd_per_accepted_image + 0.49


def test_halved_acceptance_doubles_the_cost_per_accepted_image() -> None:
    said = answered("article", ("own.acceptance_share", "0.5"), ("range", "[]"))
    own = next(row for row in said.options if row.label.endswith("at full load"))
    assert own.usd_per_image is not None
    assert own.usd_per_accepted_image == pytest.approx(2 * own.usd_per_image)


def test_a_rent_row_gives_the_price_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    row = next(rent for rent in book().rents if rent.gpu == "h100-sxm")
    text = (DATA / "scenarios" / "h100_always_on.toml").read_text()
    changed = text.replace("usd_per_gpu_h = 2.69", f'rent_row = "{row.id}"')
    assert changed != text
    (tmp_path / "s.toml").write_text(changed)
    case = Case(load_scenario(tmp_path / "s.toml"), book(), ON, Draws(1_000, 1))
    said = answer(case)
    assert said.own is not None
    assert said.own.side.spreads["rent"].mid == pytest.approx(float(row.usd_per_gpu_h))
    (tmp_path / "s.toml").write_text(text.replace("usd_per_gpu_h = 2.69", 'rent_row = "nowhere"'))
    with pytest.raises(ScenarioError, match=r"own\.cost\.rent_row = 'nowhere'.*planner gpus --rents"):
        answer(Case(load_scenario(tmp_path / "s.toml"), book(), ON, Draws(1_000, 1)))


@pytest.mark.parametrize(("key", "value", "error", "says"), [
    ("own.gpu", "rtx-4091", OutOfReach, "rtx-4090"), ("own.model", "flux-9", OutOfReach, "flux-9"),
    ("own.engine", "magic", OutOfReach, "magic"), ("segment.bulk.today.model", "openai/gpt-9", PriceError, "gpt-9"),
    ("segment.bulk.today.quality", "auto", PriceError, "auto")])
def test_a_name_the_tables_do_not_know_is_refused(key: str, value: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        answered("h100_always_on", (key, value))


def test_a_range_that_misses_its_own_value_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"range\.rent = .*does not hold"):
        answered("article", ("own.cost.usd_per_gpu_h", "5"))


def test_never_is_null_in_json_and_names_its_term() -> None:
    said = answered("like_for_like")
    assert said.own is not None
    assert said.own.main.first == math.inf
    told = answer_json(said)["break_even"]
    assert told["first_crossing"] is None
    assert told["binding"] in ("speed", "licence", "price", "staff")


def test_where_it_stops_nothing_of_own_gpus_is_worked_out() -> None:
    said = answered("article", ("segment.bulk.images_per_month", "1000"))
    assert said.own is None
    assert said.binding == "volume"
    assert answer_json(said)["break_even"]["p50"] is None


def test_wages_that_fewer_tries_save_count_against_the_gpu_month() -> None:
    """A bill of 24 USD a month, but people look at 4,000 images of which 1,200 are accepted."""
    settings = (("segment.drafts.images_per_month", "4000"), ("segment.drafts.today.acceptance_share", "0.3"),
                ("own.acceptance_share", "0.9"), ("review.minutes_per_image", "1"), ("review.usd_per_h", "60"),
                ("own.cost", '{kind = "rented", usd_per_gpu_h = 0.5}'), ("what_if", "[]"))
    said = answered("existing_gpu", *settings)
    assert not said.stopped
    own = said.rungs[-1]
    assert own.usd_per_year == pytest.approx(12 * (365 + 4_000 * 0.3 / 0.9), rel=1e-6)


def test_more_work_than_the_cards_there_can_do_is_said() -> None:
    said = answered("existing_gpu", ("segment.drafts.images_per_month", "5_000_000"), ("what_if", "[]"))
    assert said.own is not None
    assert said.own.main.cheaper_share_now < 0.5
    assert not said.rungs[-1].taken
    assert "more cards are needed than there are" in said.verdict


def test_a_crossing_beyond_the_horizon_is_named_with_its_volume() -> None:
    said = answered("article", ("horizon_images_per_month", "5000"), ("what_if", "[]"))
    assert "only from 10,074 images a month, beyond the 5,000 looked at" in said.verdict


def test_own_gpus_dearer_than_todays_bill_are_said_to_be() -> None:
    assert "more than today's bill" in answered("team").verdict


def test_a_crossing_that_does_not_last_names_what_ends_it() -> None:
    """With the overage of the licence an own image costs more than it replaces."""
    said = answered("like_for_like", ("segment.bulk.today.usd_per_image", "0.03"), ("own.staff.fte", "0"),
                    ("licence.*.overage_usd_per_image", "0.02"),
                    ("what_if", "[]"))
    assert said.own is not None
    assert math.isfinite(said.own.main.first)
    assert said.own.main.durable == math.inf
    assert said.own.main.binding == "licence"
    assert "not durably (licence)" in said.verdict


def test_a_quality_nobody_sells_is_refused_on_the_ladder() -> None:
    with pytest.raises(ScenarioError, match=r"segment\.bulk\.lowest_quality = 'Medium'"):
        answered("h100_always_on", ("segment.bulk.today.quality", "high"), ("segment.bulk.lowest_quality", "Medium"))


def test_a_licence_for_a_model_nobody_knows_is_refused() -> None:
    licence = '[{vendor = "bfl", models = ["flux-2-dve"], usd_per_month = 100, document = "x"}]'
    with pytest.raises(OutOfReach, match="flux-2-dve"):
        answered("like_for_like", ("licence", licence), ("what_if", "[]"))


def test_a_price_range_must_hold_the_price() -> None:
    with pytest.raises(ScenarioError, match=r"range\.price"):
        answered("article", ("segment.bulk.today.usd_per_image", "0.5"))


def test_a_mean_over_many_segments_is_no_reason_to_refuse(tmp_path: Path) -> None:
    segments = "".join(f'[[segment]]\nname = "s{at}"\nimages_per_month = {1000 + at}\n'
                       'today = {model = "bfl/flux-2-flex", usd_per_image = 0.05}\n' for at in range(11))
    (tmp_path / "many.toml").write_text(f'base = "{DATA / "scenarios" / "article.toml"}"\nwhat_if = []\n{segments}')
    said = answer(Case(load_scenario(tmp_path / "many.toml"), book(), ON, Draws(1_000, 1)))
    assert said.own is not None


def test_the_ladder_reconciles_to_the_dollar() -> None:
    said = answered("article")
    hosted, own = said.rungs[-2:]
    assert own.saves == pytest.approx(hosted.usd_per_year - own.usd_per_year)
    assert hosted.usd_per_year == pytest.approx(12 * 20_000 * 0.001148)
    assert own.usd_per_year == pytest.approx(12 * 0.69 * 730)


def test_a_plan_uses_no_vendor_that_the_router_would_refuse_for_the_size() -> None:
    said = answered("article", ("segment.bulk.size", "2048x1024"))
    cloudflare = next(row for row in said.options if row.label == "cloudflare/flux-2-klein-4b")
    assert not cloudflare.routable
    assert "priced, not routable: 2048x1024 asked, a side has 1920 px at most here" in cloudflare.note
    assert said.own is not None
    assert not any("cloudflare" in price.against.says for price in said.own.others)
