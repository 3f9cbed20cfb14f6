"""What is made of the books' sums: limits, chance, unlike work, the window."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from router.adopting.intervals import Z_ONE_IN_A_THOUSAND, least_difference, wilson
from router.adopting.judging import Judgement, judge
from router.adopting.likeness import compare_cost
from router.adopting.rollout import Terms
from router.ledger.arm_values import ArmSums

TERMS = Terms(share=0.1)
SEGMENTS = {"default", "bulk", "hero"}


def sums(requests: int, usd_each: float = 0.05, *, refused: int = 0, failed: int = 0, n: int = 1,
         **changed: Any) -> ArmSums:
    """Requests of n images at one price; those refused or failed cost nothing."""
    made = requests - refused - failed
    cost = usd_each * n
    row = ArmSums("bulk", "generate", "1024x1024", "auto", "auto", 0, requests, refused, failed, made * n, made * cost,
                  made * cost * cost, made * cost * n, made * n * n)
    return replace(row, **changed)


def judged(control: list[ArmSums], candidate: list[ArmSums], *, at_s: float = 600.0,
           terms: Terms = TERMS) -> Judgement:
    return judge(terms, control, candidate=candidate, elapsed_s=at_s, segments=SEGMENTS)


def test_equal_policies_are_kept_and_stay_after_the_window() -> None:
    early, late = judged([sums(900)], [sums(100)]), judged([sums(900)], [sums(100)], at_s=3_600)
    assert (early.action, late.action) == ("keep", "keep")
    assert "stays on trial until it is promoted" in late.why
    assert late.facts()["cost_more_share"] == 0.0


@pytest.mark.parametrize(("candidate", "word"), [
    (sums(50, 0.1), "cost"), (sums(60, refused=30), "refused"), (sums(60, failed=30), "failed"),
])
def test_what_is_plainly_worse_is_taken_back_with_its_numbers(candidate: ArmSums, word: str) -> None:
    found = judged([sums(450)], [candidate])
    assert (found.action, found.why.startswith(word)) == ("roll_back", True)


def test_fewer_than_least_are_awaited_but_at_the_end_of_the_window() -> None:
    assert judged([sums(450)], [sums(40, 0.2)]).action == "keep"
    assert judged([sums(450)], [sums(12, 0.2)], at_s=3_600).action == "roll_back"
    assert judged([sums(450)], [sums(4, 0.2)], at_s=3_600).action == "keep"


def test_twenty_without_an_image_are_enough_unless_the_control_is_as_badly_off() -> None:
    nothing = [sums(20, failed=12, refused=8)]
    assert "ended without an image" in judged([sums(180, failed=2)], nothing).why
    assert judged([], nothing).action == "roll_back"
    assert judged([sums(180, failed=150)], nothing).action == "keep"
    assert judged([sums(180)], [sums(19, failed=19)]).action == "keep"


def test_a_small_excess_is_within_chance_and_a_limit_itself_is_no_breach() -> None:
    assert judged([sums(450, refused=9)], [sums(50, refused=6)]).action == "keep"
    assert judged([sums(4_500, refused=90)], [sums(500, refused=60)]).action == "roll_back"
    assert judged([sums(450)], [sums(50, 0.06)]).action == "keep"
    assert judged([sums(450)], [sums(50, 0.0601)]).action == "roll_back"


def test_a_dearer_mix_is_not_a_dearer_policy() -> None:
    control = [sums(800, 0.03), sums(40, 0.21, segment="hero", quality_asked="high")]
    dear_work = [sums(40, 0.03), sums(40, 0.21, segment="hero", quality_asked="high")]
    found = judged(control, dear_work)
    assert found.candidate.usd_per_image is not None
    assert found.control.usd_per_image is not None
    assert found.candidate.usd_per_image > 2 * found.control.usd_per_image
    assert (found.action, found.facts()["cost_more_share"]) == ("keep", 0.0)


def test_a_cheaper_mix_hides_no_dearer_policy() -> None:
    control = [sums(400, 0.03), sums(400, 0.21, segment="hero")]
    found = judged(control, [sums(95, 0.06), sums(5, 0.21, segment="hero")])
    assert found.candidate.usd_per_image is not None
    assert found.control.usd_per_image is not None
    assert found.candidate.usd_per_image < found.control.usd_per_image
    assert found.action == "roll_back"


def test_a_segment_that_one_policy_does_not_know_is_compared_as_the_default_one() -> None:
    found = judged([sums(450, segment="default")], [sums(60, 0.2, segment="new")])
    assert found.action == "roll_back"
    assert found.cost.covered_share == 1.0


def test_what_the_control_never_did_is_left_out_and_said() -> None:
    found = judged([sums(450)], [sums(30), sums(30, 0.9, operation="edit")])
    assert (found.action, found.cost.covered_share) == ("keep", 0.5)
    assert judged([sums(4)], [sums(60, 0.9)]).cost.more_share is None


def test_auto_sizes_are_the_policys_own_doing() -> None:
    cost = compare_cost([sums(100, 0.03, size_asked="auto"), sums(100, 0.2)], [sums(10, 0.2, size_asked="auto")],
                        segments=SEGMENTS)
    assert cost.more_share is not None
    assert cost.more_share == pytest.approx(0.2 / 0.03 - 1)


def test_costs_that_vary_take_more_requests() -> None:
    def varying(requests: int, mean: float) -> ArmSums:
        """Half of them at nothing, half at twice the mean."""
        return sums(requests, mean, usd_squared=requests / 2 * (2 * mean) ** 2)
    assert judged([varying(450, 0.05)], [varying(50, 0.08)]).action == "keep"
    assert judged([varying(45_000, 0.05)], [varying(5_000, 0.08)]).action == "roll_back"


def test_a_hundredth_of_a_cent_more_is_no_loss() -> None:
    assert judged([sums(450, 0.00002)], [sums(50, 0.00004)]).action == "keep"
    assert judged([sums(450, 0.0)], [sums(50, 0.05)]).action == "roll_back"


def test_several_images_a_request_are_compared_by_the_image() -> None:
    assert judged([sums(450, 0.05)], [sums(50, 0.05, n=4)]).facts()["cost_more_share"] == pytest.approx(0.0)


def test_it_promotes_by_itself_only_where_that_was_agreed_and_enough_have_ended() -> None:
    terms = replace(TERMS, promote_after_window=True)
    assert judged([sums(450)], [sums(60)], at_s=3_599, terms=terms).action == "keep"
    assert judged([sums(450)], [sums(60)], at_s=3_600, terms=terms).action == "promote"
    few = judged([sums(450)], [sums(49)], at_s=9_000, terms=terms)
    assert (few.action, "only 49 of 50" in few.why) == ("keep", True)
    assert judged([sums(450)], [sums(60, 0.2)], at_s=3_600, terms=terms).action == "roll_back"


def test_nothing_at_all_is_kept() -> None:
    for at_s in (1.0, 9_000.0):
        found = judged([], [], at_s=at_s)
        assert (found.action, found.facts()["cost_more_share"]) == ("keep", None)


def test_wilsons_interval_against_published_values() -> None:
    low, high = wilson(15, 148, z=1.959963985)
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
    assert wilson(0, 20, z=1.959963985)[0] == 0.0
    assert round(wilson(0, 20, z=1.959963985)[1], 4) == 0.1611
    assert wilson(0, 0, z=2.0) == (0.0, 1.0)


def test_newcombes_lower_limit_against_published_values() -> None:
    # Newcombe 1998, table II: 56/70 against 48/80, method 10: 0.0524 to 0.3339
    assert round(least_difference(56, 70, other_count=48, other_total=80, z=1.959963985), 4) == 0.0524
    assert least_difference(3, 3, other_count=0, other_total=0, z=Z_ONE_IN_A_THOUSAND) < 0
    assert math.isfinite(least_difference(0, 0, other_count=0, other_total=0, z=3.0))
