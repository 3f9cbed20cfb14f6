"""A mix counts accepted images: what is asked again, who looks, which doubts turn the verdict, whom one may trust."""

from __future__ import annotations

import numpy as np
import pytest

from planner.errors import PlannerError
from planner.mix.answer import best_mix
from planner.mix.documents import settings_document
from planner.mix.files import replayed_month

from .test_mix import busy_team, case

LOOK_USD = 0.05 / 60 * 40  # the team's: three seconds of somebody at 40 US dollars an hour


def test_fewer_accepted_images_are_asked_for_more_often_and_every_one_is_looked_at() -> None:
    made = best_mix(case(segment__bulk__deferrable_share="0"))
    bulk = next(one for one in made.drawn.planned.streams if one.segment == "bulk")
    assert bulk.images_per_month == pytest.approx(40_000 * 0.9 * 0.9 / 0.75)  # movable, accepted today, accepted of own
    assert bulk.hosted_again == 1.0  # the same weights elsewhere
    images = np.array([month.images.sum() for month in made.drawn.months]) * made.drawn.scale
    for way in made.ways:
        assert np.allclose(way.outcome.beside_usd, images * LOOK_USD)


def test_who_hosts_a_better_model_is_asked_less_often_than_own_cards() -> None:
    made = best_mix(case(segment__bulk__deferrable_share="0"), vendors=("openai",))
    bulk = next(one for one in made.drawn.planned.streams if one.segment == "bulk")
    assert bulk.hosted == "openai/gpt-image-2@medium"
    assert bulk.hosted_again == pytest.approx(0.75 / 0.9)
    draft = next(one for one in made.drawn.planned.streams if one.segment == "draft")
    assert draft.hosted_again == pytest.approx(0.75 / 0.5)
    hosted, months = made.hosted.outcome, made.drawn.months
    seen = [np.array([month.images[month.stream == at].sum() for month in months]) * made.drawn.scale
            for at in range(len(made.drawn.planned.streams))]
    asked = sum(count * one.hosted_again for count, one in zip(seen, made.drawn.planned.streams, strict=True))
    paid = sum(count * one.hosted_again * one.usd for count, one in zip(seen, made.drawn.planned.streams, strict=True))
    assert np.allclose(hosted.usd, paid + asked * LOOK_USD)


def test_a_doubt_that_turns_the_verdict_does_so_when_it_comes_true() -> None:
    free = busy_team()
    assert free.own is not None
    worth = free.hosted.usd - free.own.usd
    staff = {"own__staff__usd_per_fte_month": f"{0.9 * worth:.0f}", "segment__bulk__images_per_month": "400000"}

    def with_people(fte: float) -> bool:
        found = best_mix(case(own__staff__fte=f"{fte}", **staff), vendors=("openai", "bfl"))
        return bool(found.best.outcome.cards.any())

    made = best_mix(case(own__staff__fte="1", **staff), vendors=("openai", "bfl"))
    doubt = next(one for one in made.doubts if one.name.startswith("staff"))
    assert doubt.turns
    assert doubt.low_usd < made.best.usd - made.hosted.usd < 0 < doubt.high_usd
    assert (with_people(0.5), with_people(2.0)) == (True, False)


def test_own_time_and_volume_are_doubted_by_simulation_and_cheap_doubts_say_how_to_know() -> None:
    made = busy_team()
    time, volume = made.doubts[0], made.doubts[-1]
    assert made.own is not None
    gap = made.own.usd - made.hosted.usd
    assert time.low_usd <= gap <= time.high_usd  # a faster card replaces more, a slower one less
    assert 0 < time.finds_out_usd < 10
    assert volume.low_usd > gap > volume.high_usd
    assert all(one.finds_out for one in made.doubts)
    assert not any(one.turns for one in (time, volume))  # own cards pay at both ends


def test_confidential_work_goes_to_todays_vendor_alone_and_the_plan_says_what_it_takes_for_granted() -> None:
    changed = case(segment__bulk__data_class='"confidential"', segment__bulk__deferrable_share="0",
                   own__staff__fte="0", segment__bulk__images_per_month="20000")
    made = best_mix(changed)
    bulk = next(one for one in made.drawn.planned.streams if one.segment == "bulk")
    assert (bulk.own, bulk.hosted.partition("/")[0]) == (True, "openai")
    assert any("confidential work may go to openai" in note for note in made.notes)
    backends = settings_document(changed, [0] * 168, vendors=("openai", "fal"), tiers={})["backend"]
    assert [one.get("may_train") for one in backends] == [False, None]
    plain = settings_document(case(), [0] * 168, vendors=("openai", "fal"), tiers={})["backend"]
    assert not any("may_train" in one or "retention_days" in one for one in plain)  # nobody's terms are made up
    replayed = replayed_month(made, made.best)
    planned = float(made.best.outcome.hosted_usd[0] + made.best.outcome.own_usd[0]) / made.drawn.scale
    assert replayed.sums.usd == pytest.approx(planned, rel=0.02)


def test_restricted_work_that_is_kept_with_a_vendor_is_refused_in_one_line() -> None:
    with pytest.raises(PlannerError, match=r"restricted work stays on own cards, and movable_share = 0\.9"):
        best_mix(case(segment__bulk__data_class='"restricted"'))


def test_the_power_of_a_card_that_is_there_already_is_paid_for_once() -> None:
    changed = {"own__cost__power_w": "575", "own__cost__usd_per_kwh": "4", "own__cost__opportunity_usd_per_gpu_h": "0"}
    found = best_mix(case("existing_gpu", **changed))
    way = next(way for way in found.ways if way.outcome.cards.any())
    stream = found.drawn.planned.streams[0]
    images = np.array([month.images.sum() for month in found.drawn.months]) * found.drawn.scale
    kwh = images * way.outcome.own_share * stream.seconds * 575 / 3.6e6
    assert np.allclose(way.outcome.own_usd, kwh * 4, rtol=0.01)
    assert way.outcome.busy_usd.max() == 0.0


def test_work_that_can_wait_is_bought_two_minutes_before_its_vendor_would_be_late() -> None:
    streams = best_mix(case(), vendors=("openai", "bfl"), with_doubts=False).drawn.planned.streams
    bulk, text = (next(one for one in streams if one.can_wait and one.segment == name) for name in ("bulk", "text"))
    assert bulk.patience_s == pytest.approx(2 * 86_400 - bulk.hosted_p95_s - 120)
    assert text.hosted_p95_s > 6000  # a batch lane: a fiftieth of its time instead
    assert text.patience_s == pytest.approx(2 * 86_400 - 1.02 * text.hosted_p95_s)
