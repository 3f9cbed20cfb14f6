"""Where a request goes: equal to the slow way for any request, policy and moment, and the rules one by one."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.decide import Compiled, compile_policy, decide
from router.errors import BadRequest
from router.quantities import Size
from router.request import ImageRequest, Lora
from router.states import BackendState, States

from . import naive
from .worlds import HOSTED, ON, OWN, OWN_GPUS, compiled_with, picture, policy_with, settings_with

NOW = 100.0
TERMS: dict[str, Any] = {"region": "eu", "retention_days": 0, "may_train": False}
BACKENDS: tuple[dict[str, Any], ...] = (
    *HOSTED, {"name": "bfl-eu", "vendor": "bfl", **TERMS}, {"name": "openai-2", "vendor": "openai", "concurrent": 3},
    {"name": "fal-2", "vendor": "fal", "retention_days": 30, "loras": ["brand"]},
    {"name": "nokey", "vendor": "openai", "key_env": "NOT_SET"}, {**OWN, "loras": ["brand"]},
    {**OWN, "name": "big", "models": ["flux-2-klein-9b", "flux-2-dev", "flux-2-klein-4b"], "gpus": {
        **OWN_GPUS, "cards": 2}})
SIZES = (None, Size(1024, 1024), Size(1536, 1024), Size(1000, 1000), Size(2048, 2048), Size(3840, 2160), Size(64, 64),
         Size(1008, 1344), Size(512, 3840), Size(1040, 784))
MODELS = ("auto", "auto", "auto", "gpt-image-2", "flux-2-pro", "bfl/flux-2-pro", "flux-2-klein-4b", "FLUX.2 dev",
          "openai-2/gpt-image-2@low", "no-such-model")


@cache
def catalogue() -> Any:
    return compiled_with(settings_with(*BACKENDS)).catalogue


def compiled(**policy: Any) -> Compiled:
    return compile_policy(policy_with(**policy), catalogue(), on=ON)


QUALITIES = st.lists(st.sampled_from(["high", "medium", "low"]), min_size=1, max_size=3, unique=True)
SEGMENT = st.fixed_dictionaries({}, optional={
    "models": st.lists(st.sampled_from(["gpt-image-2", "flux-2-pro", "flux-2-klein-4b"]), max_size=2, unique=True),
    "qualities": st.fixed_dictionaries({"gpt-image": QUALITIES}, optional={"gpt-image-2": QUALITIES}),
    "size": st.sampled_from(["1024x1024", "1536x1024"]), "deadline_s": st.sampled_from([5, 30, 180]),
    "words_limit": st.sampled_from([0, 4]), "at_limit": st.sampled_from(["refuse", "downgrade", "queue"]),
    "accepted_share": st.fixed_dictionaries({}, optional={
        "gpt-image-2": st.sampled_from([0.5, 0.95]), "flux-2-pro": st.sampled_from([0.3, 0.9])})})
RULE = st.fixed_dictionaries({}, optional={
    "own_only": st.booleans(), "regions": st.sampled_from([[], ["eu"], ["us", "eu"]]),
    "most_retention_days": st.sampled_from([0, 30]), "may_train": st.booleans()})
POLICIES = st.fixed_dictionaries({"segment": st.fixed_dictionaries({"default": SEGMENT}, optional={"draft": SEGMENT})},
                                 optional={
    "data_class": st.fixed_dictionaries({}, optional={"public": RULE, "confidential": RULE}),
    "licences_held": st.sampled_from([[], ["flux-2-dev"], ["flux-2-dev", "flux-2-klein-9b"]]),
    "fallbacks": st.sampled_from([{}, {"flux-2-klein-4b": ["flux-2-pro", "gpt-image-2"]},
                                  {"openai/gpt-image-2@low": ["openai-2/gpt-image-2@low"], "flux-2-pro": []}])})
MEANT_FOR_EDITS = st.builds(
    lambda sizes, masked: {"operation": "edit", "references": tuple(picture(*size) for size in sizes),
                           "mask": picture(*sizes[0]) if masked else None},
    st.lists(st.sampled_from([(64, 64), (512, 640)]), min_size=1, max_size=9), st.booleans())
REQUESTS = st.builds(
    lambda fields, edit: ImageRequest(**fields, **(edit or {})),
    st.fixed_dictionaries({"prompt": st.sampled_from([
        "a red bicycle", 'a poster that reads "GRAND OPENING"',
        'a sign that says "no dogs, no cats, no children on the lawn today"'])}, optional={
            "model": st.sampled_from(MODELS), "size": st.sampled_from(SIZES), "n": st.integers(1, 10),
            "quality": st.sampled_from(["auto", "low", "high"]),
            "output_format": st.sampled_from(["png", "jpeg", "webp"]),
            "background": st.sampled_from(["auto", "transparent"]), "seed": st.sampled_from([None, 7]),
            "steps": st.sampled_from([None, 4, 50]), "partial_images": st.integers(0, 3),
            "lora": st.sampled_from([None, Lora("brand"), Lora("other")]),
            "data_class": st.sampled_from(["public", "confidential", "restricted"]),
            "residency": st.sampled_from(["", "eu", "us"]),
            "deadline_s": st.sampled_from([None, 1.0, 20.0, 60.0, 900.0]),
            "max_usd": st.sampled_from([None, Decimal("0.01"), Decimal("0.05"), Decimal("0.2")]),
            "segment": st.sampled_from(["", "draft", "unknown"]), "urgency": st.sampled_from(["now", "can_wait"]),
            "text": st.sampled_from(["auto", "exact", "none"])}),
    st.one_of(st.none(), st.none(), MEANT_FOR_EDITS))
STATE = st.builds(BackendState, st.integers(0, 6), st.sampled_from([0.0, 12.5, 90.0]),
                  st.sampled_from([None, 0, 3, 20]), st.sampled_from([0.0, 0.0, 99.0, 130.0]), st.just("outage"))
STATES = st.builds(States, st.dictionaries(st.sampled_from([one["name"] for one in BACKENDS]), STATE),
                   st.sampled_from([None, None, 0, 20_000, 60_000, 10_000_000]), st.just("all"))


@given(POLICIES, st.lists(st.tuples(REQUESTS, STATES), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_it_equals_the_slow_way(document: Any, moments: list[tuple[ImageRequest, States]]) -> None:
    policy = compiled(**document)
    for request, states in moments:
        if request.model == "no-such-model":
            with pytest.raises(BadRequest, match="no-such-model"):
                decide(policy, request, states=states, now=NOW)
            continue
        decision = decide(policy, request, states=states, now=NOW)
        expected = naive.rows(policy, request, states, NOW)
        assert [one.option.label for one in decision.candidates()] == naive.candidates(policy, request, states, NOW)
        assert (decision.choice.option.label if decision.choice else "") == next(
            iter(naive.candidates(policy, request, states, NOW)), "")
        assert decision.codes() == " ".join(
            f"{option.label}:{verdict.reason.name.lower() if verdict.reason else 'ok'}"
            for option, verdict, _ in decision.verdicts())
        assert {option.label: verdict.reason for option, verdict, _ in decision.verdicts()} == naive.told(
            policy, request, states, NOW)
        assert [option.label for option, _, candidate in decision.verdicts() if candidate] == [
            row.option.label for row in sorted((row for row in expected if row.ranked),
                                               key=lambda row: row.verdict.reason is not None)]


@given(POLICIES, REQUESTS, STATES)
@settings(max_examples=100, deadline=None)
def test_the_same_question_has_the_same_answer_whatever_was_asked_before(
        document: Any, request: ImageRequest, states: States) -> None:
    if request.model == "no-such-model":
        return
    used, fresh = compiled(**document), compiled(**document)
    for asked in (ImageRequest("a"), request, request):
        last = decide(used, asked, states=states, now=NOW)
    first = decide(fresh, request, states=states, now=NOW)
    assert [(option.label, str(verdict)) for option, verdict, _ in last.verdicts()] == [
        (option.label, str(verdict)) for option, verdict, _ in first.verdicts()]
    assert [one.option.label for one in last.candidates()] == [one.option.label for one in first.candidates()]
