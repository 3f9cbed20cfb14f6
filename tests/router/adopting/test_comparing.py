"""Both sides added up: mix, cost, what was not made, times; and what is not compared."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from live.worlds import compiled_with

from router.adopting.actual import Actual
from router.adopting.comparing import OTHERS, Comparison
from router.adopting.comparison_report import comparison_json, comparison_lines
from router.adopting.times import PredictedTimes, SeenTimes
from router.adopting.traffic import RecordedRequest
from router.adopting.watched import unfit_row, watched_row
from router.decide import decide
from router.errors import BadRequest
from router.ledger.shadow_protocol import ShadowRow
from router.states import States

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROW = ShadowRow("s1", AT, "acme", "bulk", "generate", 2, "public", "c" * 16, "bfl/flux-2-pro", "", 60_000, 8.0, 20.0,
                "gpt-image-2", "ok", 105_360, 31.5)


def added(*rows: ShadowRow) -> Comparison:
    told = Comparison()
    for row in rows:
        told.add(row)
    return told


def test_both_sides_are_added_up_and_only_like_is_compared_with_like() -> None:
    told = added(
        ROW, replace(ROW, option="", reason="text", usd_micro=0, p50_s=None, p95_s=None),
        replace(ROW, actual_state="refused", actual_usd_micro=0, n=1),
        replace(ROW, actual_state="", actual_usd_micro=None),
        replace(ROW, actual_usd_micro=None), replace(ROW, actual_state="failed", actual_usd_micro=7))
    document = comparison_json(told)
    assert (told.requests, told.images) == (6, 11)
    assert document["would_have"]["requests"] == 5
    assert document["would_have"]["not_made"] == {"text": 1}
    assert document["would_have"]["usd"] == "0.300000"
    assert document["really"] | {"p50_s": 0, "p95_s": 0, "usd_per_image": 0} == {
        "requests": 3, "images": 6, "images_with_a_cost": 4, "usd": "0.210727", "usd_per_image": 0,
        "not_made": {"refused": 1, "failed": 1}, "mix": {
            "gpt-image-2": {"requests": 3, "images": 6, "usd": "0.210720"}},
        "not_said": 1, "p50_s": 0, "p95_s": 0}
    assert document["on_the_same_images"] == {"images": 2, "would_have_usd": "0.060000", "really_usd": "0.105360",
                                              "saved_usd": "0.045360"}
    assert (document["made_here_but_not_really"], document["made_really_but_not_here"]) == (2, 1)
    assert document["really"]["p50_s"] == pytest.approx(31.5, rel=0.01)


def test_the_page_says_both_sides_and_what_is_not_known() -> None:
    page = "\n".join(comparison_lines(added(ROW, replace(ROW, actual_state="refused", actual_usd_micro=0))))
    for part in ("would have", "really", "bfl/flux-2-pro", "gpt-image-2", "was really not made: refused 1",
                 "0.060000 USD in place of 0.105360, 0.045360 saved (43.1%)", "not known:", "accepted", "spelt",
                 "happened again"):
        assert part in page
    dearer = "\n".join(comparison_lines(added(replace(ROW, usd_micro=210_720))))
    assert "0.105360 more (100.0%)" in dearer
    empty = "\n".join(comparison_lines(added()))
    assert "nothing can be said of a saving" in empty


def test_names_are_counted_without_end_but_not_kept_without_end() -> None:
    told = added(*(replace(ROW, actual_model=f"m{number}", option="" if number % 2 else "o", reason=f"r{number}")
                   for number in range(1_000)))
    assert len(told.really.mix) == len(told.would.unmade) == 201
    assert told.really.mix[OTHERS].requests == 800
    assert told.would.unmade.total() == 500


def test_times_are_right_to_half_a_per_cent() -> None:
    chance, seen = random.Random(3), SeenTimes()
    times = sorted(chance.lognormvariate(2.0, 0.8) for _ in range(20_001))
    for seconds in times:
        seen.add(seconds)
    for share in (0.5, 0.95):
        found = seen.at(share)
        assert found is not None
        assert found == pytest.approx(times[int(share * 20_000)], rel=0.02)
    assert (SeenTimes().at(0.5), PredictedTimes().at(0.5)) == (None, None)


def test_predicted_times_are_a_mixture_through_each_options_own_percentiles() -> None:
    one = PredictedTimes()
    one.add(8.0, 20.0)
    assert one.at(0.5) == pytest.approx(8.0, rel=0.01)
    assert one.at(0.95) == pytest.approx(20.0, rel=0.01)
    both = PredictedTimes()
    for _ in range(90):
        both.add(2.0, 2.5)
    for _ in range(10):
        both.add(60.0, 140.0)
    assert both.at(0.5) == pytest.approx(2.0, rel=0.05)
    assert both.at(0.95) == pytest.approx(60.0, rel=0.02)
    still = PredictedTimes()
    still.add(5.0, 5.0)
    assert still.at(0.95) == pytest.approx(5.0, rel=0.02)


def test_a_row_says_what_the_routers_own_decision_says() -> None:
    compiled = compiled_with()
    request = RecordedRequest("a red bicycle", n=3, tenant="acme")
    decision = decide(compiled, request, states=States(), now=0.0)
    assert decision.choice is not None
    row = watched_row(decision, Actual("x", Decimal("0.1234567"), "ok", 3.0), row_id="s", at=AT)
    assert (row.option, row.reason, row.policy_digest) == (decision.choice.option.label, "", compiled.digest)
    assert row.usd_micro == pytest.approx(3 * decision.choice.usd_micro, abs=2)
    assert (row.actual_usd_micro, row.tenant, row.n) == (123_457, "acme", 3)
    text = RecordedRequest("x", data_class="restricted", stated_words=9)
    nowhere = watched_row(decide(compiled, text, states=States(), now=0.0), Actual(), row_id="s", at=AT)
    assert (nowhere.option, nowhere.reason, nowhere.usd_micro, nowhere.actual_usd_micro) == ("", "text", 0, None)
    unfit = unfit_row(request, BadRequest("x", param="n", code="invalid_value"), actual=Actual(), compiled=compiled,
                      row_id="s", at=AT)
    assert (unfit.option, unfit.reason) == ("", "invalid_value")
