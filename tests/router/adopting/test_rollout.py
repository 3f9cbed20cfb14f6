"""Which requests a policy on trial decides, and on what terms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from router.adopting.rollout import Rollout, Terms, arm_of, new_rollout_id, read_rollout
from router.adopting.terms_text import read_terms
from router.errors import SettingsError

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLLOUT = Rollout("roll-1", 2, "b" * 16, "a" * 16, Terms(share=0.1), AT, "ann", "try")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_is_that_share_of_different_requests(share: float) -> None:
    tried = replace(ROLLOUT, terms=Terms(share=share))
    count = sum(arm_of(tried, tenant="acme", identity=str(number)) == "candidate" for number in range(20_000))
    assert abs(count / 20_000 - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_the_same_request_always_has_the_same_arm_and_another_roll_out_draws_others() -> None:
    arms = [arm_of(ROLLOUT, tenant="acme", identity=str(number)) for number in range(2_000)]
    assert arms == [arm_of(ROLLOUT, tenant="acme", identity=str(number)) for number in range(2_000)]
    other = replace(ROLLOUT, id=new_rollout_id())
    assert arms != [arm_of(other, tenant="acme", identity=str(number)) for number in range(2_000)]
    assert arms != [arm_of(ROLLOUT, tenant="shop", identity=str(number)) for number in range(2_000)]


def test_tenants_are_decided_for_whole() -> None:
    tried = replace(ROLLOUT, terms=Terms(tenants=("acme",)))
    assert {arm_of(tried, tenant="acme", identity=str(number)) for number in range(50)} == {"candidate"}
    assert {arm_of(tried, tenant="shop", identity=str(number)) for number in range(50)} == {"control"}


def test_a_roll_out_is_read_as_it_was_written() -> None:
    for terms in (Terms(share=0.1), Terms(tenants=("acme", "shop"), promote_after_window=True, least=7)):
        tried = replace(ROLLOUT, terms=terms)
        assert read_rollout(tried.document(), "x") == tried


@pytest.mark.parametrize("change", [
    {"started_at": "soon"}, {"started_at": "2026-11-24T12:00:00"}, {"version": "two"}, {"terms": 3}, {"id": None},
    {"terms": {"share": 0.1, "surprise": 1}}, {"terms": {}}, {"terms": {"share": "0.1"}}, {"terms": {"share": 5}},
])
def test_what_is_no_roll_out_is_said(change: dict[str, Any]) -> None:
    document = {name: value for name, value in (ROLLOUT.document() | change).items() if value is not None}
    with pytest.raises(SettingsError):
        read_rollout(document, "rollout.json")


@pytest.mark.parametrize(("said", "meant"), [
    ({"share": "10%"}, Terms(share=0.1)), ({"share": "0.25"}, Terms(share=0.25)), ({"share": 0.25}, Terms(share=0.25)),
    ({"share": "10%", "window": "90m", "most_cost": "+30%", "most_refused": "+4pp", "most_failed": "0"},
     Terms(share=0.1, window_s=5_400, most_cost_share=0.3, most_refused_share=0.04, most_failed_share=0.0)),
    ({"tenants": ["acme"], "window": 60, "least": 5}, Terms(tenants=("acme",), window_s=60, least=5)),
    ({"share": "1%", "window": "2d", "promote_after_window": True, "tenants": None},
     Terms(share=0.01, window_s=172_800, promote_after_window=True)),
])
def test_terms_are_read_as_people_write_them(said: dict[str, Any], meant: Terms) -> None:
    found = read_terms(said)
    assert found == meant or abs((found.share or 0) - (meant.share or 0)) < 1e-12


@pytest.mark.parametrize("said", [
    {}, {"share": "0"}, {"share": "100%"}, {"share": "-1%"}, {"share": "1e-1"}, {"share": "10%", "window": "-1h"},
    {"share": "10%", "window": "40d"}, {"share": "10%", "most_cost": float("nan")}, {"share": "10%", "least": 1.5},
    {"share": "10%", "most_failed": [1]}, {"tenants": [""]}, {"tenants": ["a\nb"]}, {"tenants": [1]},
    {"share": "10%", "promote_after_window": "yes"}, {"share": "10%", "x": 1},
])
def test_other_terms_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        read_terms(said)
