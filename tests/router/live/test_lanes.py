"""Work that can wait: idle own GPUs first, then a batch lane at half the price, and neither for work that cannot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router.decide import decide
from router.options import price_ask
from router.prices import quote
from router.request import ImageRequest
from router.states import BackendState, States
from router.verdicts import Reason

from .worlds import HOSTED, ON, OWN, compiled_with, policy_with, settings_with

DAY_S = 86_400.0
FLUX = policy_with(segment={"default": {"qualities": {"gpt-image": ["medium", "low"]}}})
BUSY = States({"gpu": BackendState(in_flight=1)})
GPT = compiled_with(settings_with(*HOSTED), FLUX)
BOTH = compiled_with(settings_with(*HOSTED, OWN), FLUX)


def decided(compiled: Any = GPT, states: States | None = None, **wishes: Any) -> Any:
    known = {"prompt": "a red bicycle", "model": "gpt-image-2", "urgency": "can_wait", "deadline_s": 2 * DAY_S} | wishes
    return decide(compiled, ImageRequest(**known), states=states or States(), now=0.0)


def reasons(decision: Any) -> dict[str, Reason | None]:
    return {option.label: verdict.reason for option, verdict, _ in decision.verdicts()}


def test_the_batch_lane_is_an_option_of_its_own_at_half_the_price() -> None:
    decision = decided()
    assert decision.choice.option.label == "openai/gpt-image-2@medium+batch"
    sync = next(candidate for _, _, candidate in decision.verdicts()
                if candidate and candidate.option.label == "openai/gpt-image-2@medium")
    assert decision.choice.usd_per_image * 2 == sync.usd_per_image
    assert decision.choice.p95_s == DAY_S


def test_every_batch_quote_of_openai_is_half_the_quote_on_the_line() -> None:
    batched = [option for option in GPT.catalogue.options if option.is_batched and option.backend.name == "openai"]
    assert len(batched) >= 3
    request = ImageRequest("a cat", n=3)
    for option in batched:
        ask = price_ask(option, request, size=request.size or FLUX.segment("").size, n=3, prompt_tokens=50)
        line = ask.__class__(**{**ask.__dict__, "tier": "sync"})
        assert quote(GPT.catalogue.prices, ask, on=ON).usd * 2 == quote(GPT.catalogue.prices, line, on=ON).usd


@pytest.mark.parametrize(("wishes", "reason"), [
    ({"urgency": "now"}, Reason.LANE), ({"partial_images": 2}, Reason.LANE), ({"deadline_s": 3600.0}, Reason.DEADLINE)])
def test_what_cannot_wait_so_long_is_made_on_the_line(wishes: dict[str, Any], reason: Reason) -> None:
    decision = decided(**wishes)
    assert decision.choice.option.label == "openai/gpt-image-2@medium"
    assert reasons(decision)["openai/gpt-image-2@medium+batch"] is reason


def test_limits_of_the_line_do_not_bind_a_batch() -> None:
    states = States({"openai": BackendState(in_flight=99, images_left=0, closed_until=50.0, why_closed="rate limit")})
    assert decided(states=states).choice.option.is_batched
    money = States({"openai": BackendState(closed_until=50.0, why_closed="money")})
    assert decided(states=money).choice is None


@pytest.mark.parametrize(("after", "fallbacks"), [("stop", 0), ("sync", 1)])
def test_what_a_batch_failed_to_make_is_bought_again_only_where_the_policy_says_so(after: str, fallbacks: int) -> None:
    policy = policy_with(segment={"default": {"qualities": {"gpt-image": ["medium"]}, "after_batch": after}})
    decision = decided(compiled_with(settings_with(*HOSTED), policy))
    assert decision.choice.option.is_batched
    rest = [candidate.option for candidate in decision.candidates()[1:]]
    assert len(rest) >= fallbacks
    assert (not rest) == (after == "stop")
    assert not any(option.is_batched for option in rest)


def test_idle_cards_of_ours_are_filled_before_anything_is_bought() -> None:
    idle = decided(BOTH, model="auto")
    assert idle.choice.option.backend.name == "gpu"
    waiting = decided(BOTH, BUSY, model="auto")
    assert waiting.choice is None
    told = reasons(waiting)
    assert told["gpu/flux-2-klein-4b"] is Reason.NOT_IDLE
    assert {told[label] for label in told if told[label] in (None, Reason.WAITS)} == {Reason.WAITS}
    assert decided(BOTH, BUSY, model="auto", urgency="now").choice is not None


def test_at_the_last_moment_it_is_bought_all_the_same() -> None:
    soon = decided(BOTH, BUSY, model="auto", deadline_s=100.0)
    assert soon.choice is not None
    assert not soon.choice.option.backend.is_own
    day = decided(BOTH, BUSY, model="gpt-image-2", deadline_s=DAY_S + 600)
    assert day.choice.option.is_batched  # own GPUs cannot make it: nothing is waited for


def test_a_broken_own_backend_is_not_waited_for() -> None:
    broken = States({"gpu": BackendState(in_flight=1, closed_until=60.0, why_closed="outage")})
    assert decided(BOTH, broken, model="auto").choice is not None


def test_the_budget_sees_the_price_of_the_lane() -> None:
    line = decided(urgency="now").choice.usd_per_image
    decision = decided(max_usd=line / 2)
    assert decision.choice.option.label == "openai/gpt-image-2@medium+batch"
    assert decided(max_usd=line / 2 - Decimal("0.000001"), quality="medium").choice is None
