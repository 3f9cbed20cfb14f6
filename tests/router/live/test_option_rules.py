"""The rules of a decision one by one: what closes an option, and that what nobody stated closes it too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router.decide import Decision, decide
from router.errors import BadRequest
from router.quantities import Size
from router.request import ImageRequest, Lora
from router.states import BackendState, States
from router.verdicts import Reason

from .worlds import HOSTED, OWN, compiled_with, picture, policy_with, settings_with

TERMS: dict[str, Any] = {"region": "eu", "retention_days": 0, "may_train": False}


def decided(request: ImageRequest, *backends: dict[str, Any], states: States | None = None, now: float = 100.0,
            **policy: Any) -> Decision:
    compiled = compiled_with(settings_with(*backends), policy_with(**policy))
    return decide(compiled, request, states=states or States(), now=now)


def asked(**wishes: Any) -> ImageRequest:
    return ImageRequest("a red bicycle", **wishes)


def reasons(decision: Decision) -> set[Reason | None]:
    return {verdict.reason for _, verdict, _ in decision.verdicts()}


def reason(decision: Decision, label: str) -> Reason | None:
    return next(verdict.reason for option, verdict, _ in decision.verdicts() if option.label == label)


def backends_open(decision: Decision) -> set[str]:
    return {candidate.backend for candidate in decision.candidates()}


def closed(why: str = "outage", **fields: Any) -> BackendState:
    return BackendState(closed_until=200.0, why_closed=why, **fields)


def test_restricted_data_never_leaves_own_hosts() -> None:
    assert backends_open(decided(asked(data_class="restricted"))) == {"gpu"}
    terms = {"bfl": {"name": "bfl", "vendor": "bfl", **TERMS}}
    decision = decided(asked(data_class="restricted"), terms["bfl"])
    assert decision.choice is None
    assert reasons(decision) == {Reason.DATA_CLASS}


@pytest.mark.parametrize("left_out", [None, "retention_days", "may_train"])
def test_confidential_data_needs_every_term_stated(left_out: str | None) -> None:
    terms = {name: value for name, value in TERMS.items() if name != left_out}
    decision = decided(asked(data_class="confidential"), {"name": "bfl", "vendor": "bfl", **terms})
    assert (decision.choice is not None) == (left_out is None)
    assert left_out is None or reasons(decision) == {Reason.TERMS}


@pytest.mark.parametrize(("term", "value"), [("retention_days", 30), ("may_train", True)])
def test_confidential_data_needs_terms_that_are_good_enough(term: str, value: object) -> None:
    decision = decided(asked(data_class="confidential"), {"name": "bfl", "vendor": "bfl", **TERMS, term: value})
    assert reasons(decision) == {Reason.TERMS}


@pytest.mark.parametrize("region", ["", "us"])
def test_a_region_nobody_stated_is_not_the_right_one(region: str) -> None:
    rule = {"regions": ["eu"], "most_retention_days": 0}
    backend = {"name": "bfl", "vendor": "bfl", **TERMS, "region": region}
    assert reasons(decided(asked(data_class="confidential"), backend, data_class={"confidential": rule})) == {
        Reason.TERMS}
    assert reasons(decided(asked(residency="eu"), backend)) == {Reason.RESIDENCY}
    assert decided(asked(residency="eu"), backend | {"region": "eu"}).choice is not None


def test_residency_binds_own_hosts_too() -> None:
    assert reason(decided(asked(residency="eu"), OWN), "gpu/flux-2-klein-4b") is Reason.RESIDENCY
    assert decided(asked(residency="eu"), OWN | {"region": "eu"}).choice is not None


@pytest.mark.parametrize("model", ["flux-2-dev", "flux-2-klein-9b"])
def test_own_hosts_run_no_model_without_its_licence(model: str) -> None:
    own = OWN | {"models": [model]}
    assert reasons(decided(asked(), own)) == {Reason.NO_LICENCE}
    assert Reason.NO_LICENCE not in reasons(decided(asked(), own, licences_held=[model]))
    assert Reason.NO_LICENCE not in reasons(decided(asked(), *HOSTED))


def test_without_a_key_nothing_is_sent() -> None:
    assert reasons(decided(asked(), {"name": "bfl", "vendor": "bfl", "key_env": "NOT_SET"})) == {Reason.NO_KEY}


def test_what_the_budget_cannot_pay_steps_down_where_the_policy_says_so() -> None:
    wanted, short = asked(model="gpt-image-2"), States(left_micro_usd=20_000, budget="all")
    ladder = {"qualities": {"gpt-image": ["medium", "low"]}}
    refused = decided(wanted, states=short, segment={"default": ladder | {"at_limit": "refuse"}})
    assert refused.choice is None
    assert reason(refused, "openai/gpt-image-2@medium") is Reason.BUDGET
    lower = decided(wanted, states=short, segment={"default": ladder | {"at_limit": "downgrade"}})
    assert lower.choice is not None
    assert (lower.choice.option.quality, lower.stepped_down) == ("low", True)


def test_no_other_reason_than_money_steps_down() -> None:
    ladder = {"qualities": {"gpt-image": ["medium", "low"]}, "at_limit": "downgrade"}
    decision = decided(asked(model="gpt-image-2"), states=States({"openai": closed()}), segment={"default": ladder})
    assert decision.choice is None
    assert reason(decision, "openai/gpt-image-2@low") is Reason.CLOSED


def test_the_caller_s_own_limit_steps_down_like_a_budget() -> None:
    ladder = {"qualities": {"gpt-image": ["medium", "low"]}, "at_limit": "downgrade"}
    decision = decided(asked(model="gpt-image-2", max_usd=Decimal("0.02")), segment={"default": ladder})
    assert reason(decision, "openai/gpt-image-2@medium") is Reason.MAX_USD
    assert decision.choice is not None
    assert decision.choice.option.quality == "low"


def test_a_ladder_of_a_card_outranks_its_family_s() -> None:
    ladders = {"qualities": {"gpt-image": ["medium"], "gpt-image-2": ["high"]}}
    decision = decided(asked(), segment={"default": ladders})
    assert reason(decision, "openai/gpt-image-2@high") is None
    assert reason(decision, "openai/gpt-image-2@medium") is Reason.NOT_IN_LADDER


def test_an_explicit_quality_is_kept_and_stands_on_no_ladder() -> None:
    decision = decided(asked(quality="high", model="gpt-image-2"))
    assert {candidate.option.quality for candidate in decision.candidates()} == {"high"}
    assert not decision.stepped_down
    assert reason(decision, "openai/gpt-image-2@low") is Reason.QUALITY


def test_what_would_come_too_late_is_not_asked() -> None:
    decision = decided(asked(deadline_s=30.0))
    assert reason(decision, "openai/gpt-image-2@medium") is Reason.DEADLINE
    assert reason(decision, "gpu/flux-2-klein-4b") is None
    queued = decided(asked(deadline_s=30.0), states=States({"gpu": BackendState(queued_s=29.9)}))
    assert reason(queued, "gpu/flux-2-klein-4b") is Reason.DEADLINE


def test_the_minute_s_headroom_is_counted_in_images() -> None:
    states = States({"openai": BackendState(images_left=2)})
    assert reason(decided(asked(n=2), states=states), "openai/gpt-image-2@medium") is None
    assert reason(decided(asked(n=3), states=states), "openai/gpt-image-2@medium") is Reason.RATE


def test_calls_at_once_bind_hosted_backends_and_queues_bind_own_ones() -> None:
    states = States({"fal": BackendState(in_flight=2), "gpu": BackendState(in_flight=99)})
    decision = decided(asked(), states=states)
    assert reason(decision, "fal/flux-2-pro") is Reason.CONCURRENT
    assert reason(decision, "gpu/flux-2-klein-4b") is None


def test_what_is_closed_is_left_alone_until_then() -> None:
    states = States({"gpu": closed("money")})
    assert reason(decided(asked(), states=states), "gpu/flux-2-klein-4b") is Reason.CLOSED
    assert reason(decided(asked(), states=states, now=200.0), "gpu/flux-2-klein-4b") is None


def test_a_lora_goes_only_where_it_is_loaded() -> None:
    decision = decided(asked(lora=Lora("brand")), *HOSTED, OWN | {"loras": ["brand"]})
    assert backends_open(decision) == {"gpu"}
    assert decided(asked(lora=Lora("other")), OWN | {"loras": ["brand"]}).choice is None


@pytest.mark.parametrize("name", ["gpt-image-2", "GPT Image 2", "openai/gpt-image-2", "openai/gpt-image-2@low"])
def test_a_model_by_name_is_the_only_one_asked(name: str) -> None:
    quality = "low" if "@" in name else "auto"
    decision = decided(asked(model=name, quality=quality))
    assert {candidate.option.card.id for candidate in decision.candidates()} == {"gpt-image-2"}
    assert reason(decision, "bfl/flux-2-pro") is Reason.OTHER_MODEL


def test_a_model_nobody_here_makes_is_the_caller_s_mistake() -> None:
    with pytest.raises(BadRequest, match="no-such-model"):
        decided(asked(model="no-such-model"))
    with pytest.raises(BadRequest, match="no backend here makes it"):
        decided(asked(model="gpt-image-2"), OWN)


def test_a_named_model_outranks_the_segment_s_choice() -> None:
    segment = {"default": {"models": ["gpt-image-2"]}}
    assert reason(decided(asked(), segment=segment), "bfl/flux-2-pro") is Reason.SEGMENT
    assert reason(decided(asked(model="flux-2-pro"), segment=segment), "bfl/flux-2-pro") is None


def test_named_fallbacks_are_the_only_ones_and_in_their_order() -> None:
    names = {"flux-2-klein-4b": ["fal/flux-2-pro", "bfl/flux-2-pro"]}
    decision = decided(asked(), fallbacks=names)
    assert [one.option.label for one in decision.candidates()] == [
        "gpu/flux-2-klein-4b", "fal/flux-2-pro", "bfl/flux-2-pro"]
    assert len(decided(asked(), fallbacks={"flux-2-klein-4b": []}).candidates()) == 1


def test_words_beyond_the_limit_go_to_a_model_without_one() -> None:
    poster = ImageRequest('a poster that reads "one two three four five"')
    decision = decided(poster)
    assert {one.option.card.text_words for one in decision.candidates()} == {None}
    assert reason(decision, "bfl/flux-2-pro") is Reason.TEXT
    assert reason(decided(asked(text="exact")), "bfl/flux-2-pro") is Reason.TEXT


def test_sizes_are_delivered_as_asked_or_refused() -> None:
    assert reason(decided(asked(size=Size(1000, 1001))), "openai/gpt-image-2@medium") is Reason.SIDES
    assert reason(decided(asked(size=Size(3840, 2160))), "bfl/flux-2-pro") is Reason.TOO_LARGE


@pytest.mark.parametrize(("size", "model", "why"), [
    (Size(1024, 1024), "flux-2-dev", None), (Size(1008, 1024), "flux-2-dev", Reason.SIDES),
    (Size(1024, 1472), "flux-2-dev", Reason.SIDE_TOO_LONG), (Size(224, 1024), "flux-2-dev", Reason.SIDE_TOO_SHORT),
    (Size(1008, 1024), "flux-2-pro", None), (Size(1024, 1472), "flux-2-pro", None)])
def test_a_vendor_may_take_fewer_sizes_than_the_model(size: Size, model: str, why: Reason | None) -> None:
    decision = decided(asked(size=size), {"name": "replicate", "vendor": "replicate", "simulated": True})
    assert reason(decision, f"replicate/{model}") is why


@pytest.mark.parametrize(("sides", "why"), [
    ((511, 64), None), ((64, 512), Reason.REFERENCE_TOO_LARGE), ((1024, 1024), Reason.REFERENCE_TOO_LARGE)])
def test_a_vendor_may_take_small_references_alone(sides: tuple[int, int], why: Reason | None) -> None:
    edit = asked(operation="edit", references=(picture(64, 64), picture(*sides)))
    decision = decided(edit, *HOSTED, {"name": "cf", "vendor": "cloudflare", "simulated": True})
    assert reason(decision, "cf/flux-2-klein-4b") is why
    assert reason(decision, "bfl/flux-2-pro") is None


def test_what_is_priced_and_not_routable_is_no_option() -> None:
    decision = decided(asked(), {"name": "replicate", "vendor": "replicate", "simulated": True})
    assert {option.label for option, _, _ in decision.verdicts()} == {
        f"replicate/flux-2-{name}" for name in ("dev", "dev-fast", "pro", "max", "flex")}


def test_one_vendor_may_need_two_backends() -> None:
    flux = decided(asked(), {"name": "flux", "vendor": "azure-flux", "simulated": True})
    assert {option.label for option, _, _ in flux.verdicts()} == {"flux/flux-2-pro", "flux/flux-2-flex"}
    gpt = decided(asked(), {"name": "gpt", "vendor": "azure", "simulated": True,
                            "deployments": {"gpt-image-2": "pictures"}})
    assert {option.wire_model for option, _, _ in gpt.verdicts()} == {
        "pictures", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst"}


def test_azure_makes_no_webp() -> None:
    decision = decided(asked(output_format="webp"), *HOSTED, {"name": "gpt", "vendor": "azure", "simulated": True})
    assert reason(decision, "gpt/gpt-image-2@medium") is Reason.NO_FORMAT
    assert reason(decision, "openai/gpt-image-2@medium") is None


def test_edits_and_masks_go_where_they_are_understood() -> None:
    edit = asked(operation="edit", references=(picture(),), mask=picture())
    decision = decided(edit)
    assert reason(decision, "bfl/flux-2-pro") is Reason.NO_MASK
    assert all(one.option.card.family == "gpt-image" for one in decision.candidates())


@pytest.mark.parametrize(("wish", "why"), [({"output_format": "webp"}, Reason.NO_FORMAT),
                                           ({"background": "transparent"}, Reason.NO_TRANSPARENCY)])
def test_a_format_is_kept(wish: dict[str, Any], why: Reason) -> None:
    assert reason(decided(asked(**wish)), "bfl/flux-2-pro") is why


def test_steps_go_where_they_are_taken() -> None:
    assert reason(decided(asked(steps=4)), "openai/gpt-image-2@medium") is Reason.NO_STEPS


def test_the_share_of_accepted_images_weighs_the_price() -> None:
    pair = ({"name": "bfl", "vendor": "bfl", "models": ["flux-2-pro", "flux-2-max"]},)
    plain, weighed = decided(asked(), *pair), decided(asked(), *pair, segment={"default": {
        "accepted_share": {"flux-2-pro": 0.01}}})
    assert [one.option.card.id for one in plain.candidates()] == ["flux-2-pro", "flux-2-max"]
    assert [one.option.card.id for one in weighed.candidates()] == ["flux-2-max", "flux-2-pro"]
