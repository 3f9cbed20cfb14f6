"""Money of an attempt: the worst case before it, the vendor's own word after it, and exact micro-dollars of both."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.attempts import Kind
from router.backends.protocol import Reply, Usage
from router.charges import EDIT_FACTOR, Charge, Settled, charge_of, settled_by
from router.decide import Candidate, Compiled, Decision, decide
from router.quantities import Size, micro_usd
from router.request import ImageRequest
from router.states import States

from .worlds import HOSTED, ON, OWN, compiled_with, picture, policy_with, settings_with

if TYPE_CHECKING:
    from collections.abc import Iterator

QUALITIES = {"default": {"qualities": {"gpt-image": ["low", "medium", "high"]}, "words_limit": 10_000}}


@cache
def compiled() -> Compiled:
    return compiled_with(settings_with(*HOSTED, OWN), policy_with(segment=QUALITIES))


def candidates(request: ImageRequest) -> Iterator[tuple[Decision, Candidate]]:
    for option in compiled().catalogue.options:
        wished = replace(request, model=option.label, quality=option.quality or "auto")
        decision = decide(compiled(), wished, states=States(), now=0.0)
        if decision.choice is not None:
            yield decision, decision.choice


def one(model: str, request: ImageRequest | None = None, *, n: int = 1) -> tuple[Candidate, Charge]:
    wished = replace(request or ImageRequest("x" * 400), model=model, quality=model.partition("@")[2] or "auto")
    decision = decide(compiled(), wished, states=States(), now=0.0)
    assert decision.choice is not None
    charge = charge_of(compiled().catalogue.prices, decision.choice, request=wished, size=decision.size, n=n, on=ON)
    return decision.choice, charge


def settled(candidate: Candidate, charge: Charge, **told: Any) -> Settled:
    reply = Reply(Kind.OK, (picture(),), **told)
    return settled_by(compiled().catalogue.prices, candidate, reply=reply, charge=charge, on=ON)


def test_gpt_image_2_by_hand() -> None:
    """1756 output tokens at 30 USD and a prompt of 400 bytes at 5 USD a million: 101 tokens, 401 at worst."""
    _, charge = one("openai/gpt-image-2@medium")
    assert charge.quoted_usd == Decimal("0.05268") + Decimal("0.000505")
    assert charge.reserve_usd == Decimal("0.05268") + Decimal("0.002005")
    assert (charge.reserve_micro_usd, charge.price_row) == (54_685, "openai-gpt-image-2-image-output")


def test_tokens_that_openai_counted_become_dollars_by_hand() -> None:
    candidate, charge = one("openai/gpt-image-2@medium")
    plain = settled(candidate, charge, usage=Usage(100, 0, 1756))
    assert (plain.actual_usd, plain.micro_usd, plain.off) == (Decimal("0.05318"), 53_180, False)
    edited = settled(candidate, charge, usage=Usage(20, 1500, 1756))
    assert (edited.actual_usd, edited.off) == (Decimal("0.0001") + Decimal("0.012") + Decimal("0.05268"), False)


@pytest.mark.parametrize(("tokens", "off"), [(1756, False), (1773, False), (1774, True), (1739, False), (1738, True)])
def test_image_tokens_more_than_one_per_cent_off_the_table_are_flagged(tokens: int, off: bool) -> None:
    candidate, charge = one("openai/gpt-image-2@medium")
    assert settled(candidate, charge, usage=Usage(10, 0, tokens)).off is off


def test_a_kind_of_token_without_a_price_is_settled_as_quoted_and_flagged() -> None:
    candidate, charge = one("openai/gpt-image-2@medium")
    told = settled(candidate, charge, usage=Usage(10, 0, 1756, output_text_tokens=500))
    assert (told.actual_usd, told.micro_usd, told.off) == (None, micro_usd(charge.quoted_usd), True)


def test_an_answer_that_says_nothing_is_settled_as_quoted() -> None:
    for model in ("openai/gpt-image-2@medium", "bfl/flux-2-pro", "gpu/flux-2-klein-4b"):
        candidate, charge = one(model)
        assert settled(candidate, charge) == Settled(micro_usd(charge.quoted_usd), None, off=False)


@pytest.mark.parametrize(("usd", "off"), [
    ("0.03", False), ("0.0303", False), ("0.0304", True), ("0.0297", False), ("0.0296", True), ("0", True)])
def test_a_stated_charge_stands_and_a_miss_of_more_than_one_per_cent_is_flagged(usd: str, off: bool) -> None:
    candidate, charge = one("bfl/flux-2-pro")
    assert charge.quoted_usd == Decimal("0.03")
    told = settled(candidate, charge, cost_usd=Decimal(usd))
    assert (told.actual_usd, told.micro_usd, told.off) == (Decimal(usd), micro_usd(Decimal(usd)), off)


def test_a_stated_charge_outranks_counted_tokens() -> None:
    candidate, charge = one("openai/gpt-image-2@medium")
    told = settled(candidate, charge, cost_usd=Decimal("0.07"), usage=Usage(1, 0, 1756))
    assert (told.actual_usd, told.off) == (Decimal("0.07"), True)


def test_tokens_of_a_vendor_that_sells_images_price_nothing() -> None:
    candidate, charge = one("bfl/flux-2-pro")
    assert settled(candidate, charge, usage=Usage(10, 0, 999)) == Settled(30_000, None, off=False)


@pytest.mark.parametrize(("usd", "reserve", "settles"), [
    ("0.0000121", 13, 12), ("0.0000125", 13, 12), ("0.0000135", 14, 14), ("0.00001", 10, 10), ("1E-18", 1, 0),
    ("0", 0, 0)])
def test_a_reserve_is_rounded_up_and_a_settlement_half_to_even(usd: str, reserve: int, settles: int) -> None:
    charge = Charge(Decimal(usd), Decimal(usd), "")
    assert (charge.reserve_micro_usd, micro_usd(Decimal(usd))) == (reserve, settles)


def test_an_edit_reserves_half_as_much_again() -> None:
    edit = ImageRequest("x" * 400, "edit", references=(picture(1024, 1024),))
    for model in ("openai/gpt-image-2@medium", "bfl/flux-2-pro"):
        plain = replace(edit, prompt="x" * 1603)  # its tokens by the estimate are those of the worst case of `edit`
        assert one(model, edit)[1].reserve_usd == one(model, plain)[1].quoted_usd * EDIT_FACTOR
    assert Decimal("1.5") == EDIT_FACTOR


def test_own_power_by_hand() -> None:
    """Two seconds at 350 W and 0.15 USD a kWh; the half second of travel draws nothing."""
    own = {**OWN, "gpus": {"gpu": "l40s", "seconds_per_image": 2.0, "watts": 350}}
    known = compiled_with(settings_with(own), policy_with(segment=QUALITIES))
    decision = decide(known, ImageRequest("x"), states=States(), now=0.0)
    assert decision.choice is not None
    joules = Decimal(2) * 350
    assert decision.choice.usd_per_image == (joules / 3_600_000 * Decimal("0.15")).quantize(Decimal("1e-12"))
    charge = charge_of(known.catalogue.prices, decision.choice, request=decision.request, size=decision.size, n=3,
                       on=ON)
    assert charge == Charge(decision.choice.usd_per_image * 3, decision.choice.usd_per_image * 3, "")
    assert (decision.choice.p50_s, decision.choice.p95_s) == (2.5, 3.0)


def test_own_power_that_nobody_states_is_that_of_the_cards_limit() -> None:
    """An L40S of 350 W, whose power nobody has read, draws 94.6 % of it: the mean of two cards that were read."""
    own = {**OWN, "gpus": {"gpu": "l40s", "seconds_per_image": 2.0}}
    known = compiled_with(settings_with(own), policy_with(segment=QUALITIES))
    decision = decide(known, ImageRequest("x"), states=States(), now=0.0)
    assert decision.choice is not None
    joules = float(decision.choice.usd_per_image / Decimal("0.15") * 3_600_000)
    assert joules == pytest.approx(2.0 * 350 * 0.946, rel=1e-3)


def test_more_images_reserve_as_many_times_as_much() -> None:
    for model in ("openai/gpt-image-2@low", "bfl/flux-2-pro", "gpu/flux-2-klein-4b"):
        once, four = one(model)[1], one(model, n=4)[1]
        assert (four.quoted_usd, four.reserve_usd) == (4 * once.quoted_usd, 4 * once.reserve_usd)


REQUESTS = st.builds(ImageRequest, st.text(min_size=1, max_size=200).filter(lambda text: bool(text.strip())),
                     size=st.sampled_from([None, Size(1024, 1024), Size(1536, 1024), Size(1024, 1536), Size(512, 512)]),
                     partial_images=st.integers(0, 3))


@given(REQUESTS, st.integers(1, 10), st.integers(0, 10_000))
def test_no_answer_by_the_vendor_s_own_count_costs_more_than_was_reserved(request: ImageRequest, n: int,
                                                                         share: int) -> None:
    table, seen = compiled().catalogue.prices, 0
    for decision, candidate in candidates(request):
        charge = charge_of(table, candidate, request=decision.request, size=decision.size, n=n, on=ON)
        assert charge.quoted_usd <= charge.reserve_usd
        assert micro_usd(charge.reserve_usd) <= charge.reserve_micro_usd
        seen += 1
        if candidate.quote is None or candidate.quote.row.unit != "per_million_tokens":
            continue
        made = sum(part.quantity for part in candidate.quote.parts if part.row.component == "image_output")
        text = len(request.prompt.encode()) * share // 10_000
        usage = Usage(text * n, 0, int(made) * n)
        told = settled_by(table, candidate, reply=Reply(Kind.OK, (picture(),) * n, usage=usage), charge=charge, on=ON)
        assert told.micro_usd <= charge.reserve_micro_usd
        assert told.off is False
    assert seen > 10
