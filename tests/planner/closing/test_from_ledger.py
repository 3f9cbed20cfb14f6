"""A plan that starts from the books: what is taken over, from how many rows, and what stays as stated."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from planner.book import open_book
from planner.case import Case
from planner.closing.recent import last_months
from planner.closing.starting import scenario_text, starting_from
from planner.errors import PlannerError
from planner.plan.document import content_hash
from planner.scenario_file import load_scenario
from planner.uncertainty import Draws
from tests.planner.actuals.month_books import GPU, OPENAI, attempt, said, write_books

if TYPE_CHECKING:
    from pathlib import Path

    from planner.closing.taken import TakenOver

SCENARIO = """
schema = 1
name = "A small shop"
[[segment]]
name = "bulk"
images_per_month = 9_000
today = { model = "bfl/flux-2-pro", acceptance_share = 0.5 }
[[segment]]
name = "hero"
movable_share = 0.0
today = { model = "openai/gpt-image-2", quality = "medium" }
deliverables = { assets_per_month = 100 }
[[segment]]
name = "text"
images_per_month = 10
today = { model = "bfl/flux-2-pro" }
[own]
model = "flux-2-klein-4b"
gpu = "l40s"
seconds_per_image = 9
cost = { kind = "rented", plan = "on-demand", usd_per_gpu_h = 0.79 }
[[override]]
key = "segment.bulk.images_per_month"
value = 7_000
says = "a guess"
"""
ON = datetime(2026, 11, 5, tzinfo=UTC)
SEPTEMBER, OCTOBER = datetime(2026, 9, 10, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC)


def scenario(folder: Path, text: str = SCENARIO) -> Path:
    path = folder / "shop.toml"
    path.write_text(text)
    return path


def taken(url: str, folder: Path, *, count: int = 1, text: str = SCENARIO) -> TakenOver:
    case = Case(load_scenario(scenario(folder, text)), open_book(None, {}), ON.date(), Draws(100, 1))
    return starting_from(case, url, count=count)


def busy_books(url: str) -> None:
    """September and October: bulk and hero, some judged, and forty attempts that had the cards to themselves."""
    rows = [attempt(number, SEPTEMBER + timedelta(minutes=number)) for number in range(1, 31)]
    rows += [attempt(number, OCTOBER + timedelta(minutes=number), n=1 + number % 2) | {"images": 1 + number % 2}
             for number in range(101, 161)]
    rows += [attempt(number, OCTOBER + timedelta(minutes=number), **OPENAI, request_segment="hero-kept")
             for number in range(201, 221)]
    rows += [attempt(number, OCTOBER + timedelta(days=3, minutes=number), **GPU) for number in range(301, 341)]
    rows.append(attempt(401, OCTOBER, request_segment="banners"))
    judged = [{"request_id": f"r{number:06}", "image": 0, "verdict": "accepted" if number % 4 else "rejected",
               "reason": "", "at": 0} for number in (*range(101, 141), *range(201, 211), *range(301, 341))]
    write_books(url, rows, judged)


def test_volumes_mix_acceptance_and_own_seconds_are_taken_over(url: str, tmp_path: Path) -> None:
    busy_books(url)
    found = taken(url, tmp_path)
    made = found.scenario
    volumes = {segment.name: segment.volume for segment in made.segment}
    assert volumes["bulk"] == pytest.approx((90 + 40) / (31 * 24) * 730, abs=0.1)
    assert volumes["hero"] == pytest.approx(20 / (31 * 24) * 730, abs=0.1)
    assert volumes["text"] == 10
    assert made.traffic.images_of_request == pytest.approx({1: 91 / 121, 2: 30 / 121}, abs=1e-6)
    assert made.segment[0].today.acceptance_share == 0.75
    assert made.segment[1].today.acceptance_share == 1.0
    assert [(one.model, one.accepted_share) for one in made.acceptance] == [("flux-2-klein-4b", 0.75)]
    assert made.own.seconds_per_image == 9.0
    assert made.override == ()


def test_what_was_taken_over_names_its_rows_and_the_rest_its_reason(url: str, tmp_path: Path) -> None:
    busy_books(url)
    found = taken(url, tmp_path)
    rows = {one.key: one.rows for one in found.taken}
    assert rows == {"segment.bulk.images_per_month": 100, "segment.hero.images_per_month": 20,
                    "traffic.images_of_request": 121, "segment.bulk.today.acceptance_share": 40,
                    "acceptance.flux-2-klein-4b": 40, "own.seconds_per_image": 40}
    assert {one.key: one.why for one in found.stays} == {
        "segment.text.images_per_month": "the books hold no image of it",
        "segment banners": "the scenario does not have it; 1 images of the books are not in the plan",
        "segment.hero.today.acceptance_share": "10 images were judged, 30 are needed",
        "segment.text.today.acceptance_share": "0 images were judged, 30 are needed"}
    assert "40 of" not in found.source
    assert ", 2026-10, read 20" in found.source
    assert made_source(found) == f"the books: 30 of 40 judged; {found.source}"


def made_source(found: TakenOver) -> str:
    return found.scenario.acceptance[0].source


def test_several_months_are_averaged_from_the_first_request_on(url: str, tmp_path: Path) -> None:
    busy_books(url)
    hours = (20 + 1 + 31) * 24  # the books begin on 10 September
    bulk = {segment.name: segment.volume for segment in taken(url, tmp_path, count=3).scenario.segment}["bulk"]
    assert bulk == pytest.approx((30 + 130) / hours * 730, rel=0.001)
    assert last_months("2026-01", 3) == ("2025-11", "2025-12", "2026-01")


def test_attempts_that_stood_in_line_tell_no_seconds(url: str, tmp_path: Path) -> None:
    at_once = [attempt(number, OCTOBER + timedelta(seconds=number), **GPU) for number in range(1, 60)]
    write_books(url, at_once)
    found = taken(url, tmp_path)
    assert found.scenario.own.seconds_per_image == 9
    assert ("own.seconds_per_image", "0 attempts had the cards to themselves, 30 are needed") in {
        (one.key, one.why) for one in found.stays}


def test_the_laws_seconds_stay_where_sizes_differ(url: str, tmp_path: Path) -> None:
    busy_books(url)
    by_law = SCENARIO.replace("seconds_per_image = 9\n", "")
    sizes = by_law.replace('name = "hero"', 'name = "hero"\nsize = "1536x1024"')
    assert taken(url, tmp_path, text=sizes).scenario.own.seconds_per_image is None
    assert taken(url, tmp_path, text=by_law).scenario.own.seconds_per_image == 9


def test_the_scenario_reads_back_as_it_was_planned(url: str, tmp_path: Path) -> None:
    busy_books(url)
    found = taken(url, tmp_path)
    (tmp_path / "again.toml").write_text(scenario_text(found))
    assert load_scenario(tmp_path / "again.toml") == found.scenario


def planned(url: str, folder: Path, *options: object) -> str:
    return said("plan", scenario(folder), "--on", f"{ON:%Y-%m-%d}", "--months", 1, "--draws", 100, "--from-ledger", url,
                *options)


def test_the_plan_says_what_it_took_over(url: str, tmp_path: Path) -> None:
    busy_books(url)
    text = planned(url, tmp_path, "--last-months", 1, "--out", tmp_path / "plan")
    assert "  segment.bulk.images_per_month = 128, was 7,000: 100 requests" in text
    assert "  segment.text.images_per_month stays as stated: the books hold no image of it" in text
    document: dict[str, Any] = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert {one["key"] for one in document["from_ledger"]["taken"]} >= {"segment.bulk.images_per_month"}
    kept = load_scenario(tmp_path / "plan" / "scenario.toml")
    assert content_hash(kept) == document["scenario_hash"]
    again = json.loads(said("plan", tmp_path / "plan" / "scenario.toml", "--on", f"{ON:%Y-%m-%d}", "--months", 1,
                            "--draws", 100, "--json"))
    assert again["usd"] == document["usd"]
    receipt = json.loads((tmp_path / "plan" / "receipt.json").read_text())
    assert {"plan.json", "scenario.toml"} <= receipt["files"].keys()


def test_books_without_those_months_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1, SEPTEMBER)])
    with pytest.raises(PlannerError, match=r"2026-10, read .*: no request that brought an image"):
        planned(url, tmp_path, "--last-months", 1)
