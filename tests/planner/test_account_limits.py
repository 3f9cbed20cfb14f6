"""How long vendors take for a month's images: worked by hand, and what stands where nothing is published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from planner.account_limits import AccountPace, account_paces
from planner.answer import answer
from planner.answer_json import answer_json
from planner.case import Case
from planner.hosted import HostedOption, hosted_option
from planner.scenario_file import load_scenario
from planner.uncertainty import Draws
from tests.tables import DATA, book

if TYPE_CHECKING:
    from planner.answer import Answer

ON = date(2026, 11, 24)


def case(*settings: tuple[str, str]) -> Case:
    return Case(load_scenario(DATA / "scenarios" / "team.toml", settings=settings), book(), ON, Draws(100, 1))


def option(model: str, quality: str | None = None, tier: str = "sync") -> HostedOption:
    asked = case()
    found = hosted_option(asked, asked.scenario.segment[1], model=model, quality=quality, tier=tier)
    assert isinstance(found, HostedOption)
    return found


def pace_of(model: str, images: float, quality: str | None = None) -> AccountPace:
    (pace,) = account_paces(book(), [[(option(model, quality), images)]])
    return pace


def test_five_images_a_minute_make_219_000_a_month() -> None:
    pace = pace_of("openai/gpt-image-2", 219_000, "low")
    assert (pace.tier, pace.images_per_minute, pace.hours_at_least, pace.tier_needed) == ("1", 5.0, 730.0, "")
    pace = pace_of("openai/gpt-image-2", 219_001, "low")
    assert (pace.tier_needed, pace.brought_by, pace.enough) == ("2", "50 USD paid and 7 days", True)


def test_beyond_every_tier_none_is_named() -> None:
    pace = pace_of("openai/gpt-image-2", 12e6, "low")
    assert (pace.tier_needed, pace.brought_by, pace.enough) == ("", "", False)


@pytest.mark.parametrize(("model", "vendor", "tier", "per_minute"), [
    ("bfl/flux-2-pro", "bfl", "standard", 24 * 60 / 12), ("fal/flux-2-pro", "fal", "new", 2 * 60 / 17),
    ("replicate/flux-2-pro", "replicate", "granted", 6), ("azure/flux-2-pro", "azure-flux", "low", 15),
    ("azure/flux-2-flex", "azure-flux", "low", 5), ("deepinfra/flux-2-dev", "deepinfra", "default", 200 * 60 / 10),
    ("cloudflare/flux-2-dev", "cloudflare", "default", 720)])
def test_calls_at_once_are_turned_into_images_by_the_vendor_s_median(
        model: str, vendor: str, tier: str, per_minute: float) -> None:
    pace = pace_of(model, 1000)
    assert (pace.vendor, pace.tier, pace.images_per_minute) == (vendor, tier, pytest.approx(per_minute))
    assert pace.hours_at_least == pytest.approx(1000 / per_minute / 60)


def test_where_nothing_is_published_nothing_is_said() -> None:
    assert pace_of("together/flux-2-pro", 1000) == AccountPace("together", 1000)
    unknown = replace(book(), vendors={})
    assert account_paces(unknown, [[(option("bfl/flux-2-pro"), 7.0)]]) == (AccountPace("bfl", 7.0),)


def test_an_account_must_stand_the_largest_plan_and_batches_are_apart() -> None:
    low, medium = option("openai/gpt-image-2", "low"), option("openai/gpt-image-2", "medium")
    waits = option("openai/gpt-image-2", "low", "batch")
    paces = account_paces(book(), [[(low, 300.0), (medium, 400.0)], [(low, 600.0), (waits, 9e6)]])
    assert [(pace.vendor, pace.images_per_month) for pace in paces] == [("openai", 700.0)]


def said_of(*settings: tuple[str, str]) -> Answer:
    return answer(case(*settings))


def test_an_answer_holds_the_paces_of_today_and_of_the_hosted_rungs() -> None:
    said = said_of()
    assert {pace.vendor for pace in said.account_paces} == {"openai", "cloudflare"}
    told = answer_json(said)["account_limits"]
    assert [pace["vendor"] for pace in told] == [pace.vendor for pace in said.account_paces]
