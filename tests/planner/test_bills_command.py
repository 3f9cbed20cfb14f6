"""`planner demand import` from the outside: figures, what is assumed, what is written, what is refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert
from usage_pages import BILLS, COSTS, OCTOBER_1, USAGE, bucket, page, result

from planner.commands.demand_import import import_bill
from planner.errors import PlannerError
from planner.scenario_file import load_scenario
from router.ledger.open import open_books
from router.ledger.tables import requests
from tests.tables import ROOT

PLANNER = Path(sys.executable).with_name("planner")
DAY = 86_400


def said(*arguments: str | Path) -> str:
    answer = CliRunner().invoke(import_bill, [str(one) for one in arguments], standalone_mode=False)
    if answer.exception is not None:
        raise answer.exception
    return answer.output


def told(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return found


def refusal(*arguments: str | Path) -> str:
    with pytest.raises(PlannerError) as error:
        said(*arguments)
    return str(error.value)


def trace(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_usage_and_costs_of_the_same_days_are_one_bill() -> None:
    found = told(USAGE, COSTS)
    pages = json.loads(USAGE.read_text())["data"]
    assert found["images"] == sum(one["images"] for each in pages for one in each["results"]) == 2662
    assert found["images_per_month"] == pytest.approx(2662 / 7 * 730 / 24)
    billed = sum(Decimal(str(one["amount"]["value"])) for each in json.loads(COSTS.read_text())["data"]
                 for one in each["results"] if one["line_item"].startswith("gpt-image-2"))
    lines = found["lines"]
    assert sum(Decimal(line["stated_usd"]) for line in lines) == pytest.approx(billed, abs=Decimal("0.00001"))
    # 0.05268 and 0.04116 USD are the table's medium prices at these sizes.
    assert [(line["size"], line["quality"], line["images"], line["table_usd"]) for line in lines] == [
        ("1024x1024", "medium", 2206, f"{2206 * Decimal('0.05268'):.6f}"),
        ("1536x1024", "medium", 456, f"{456 * Decimal('0.04116'):.6f}")]
    assert found["projects"]["proj_catalogue"]["images"] == 2206
    assert set(found["keys"]) == {"key_...mWpA", "key_...yBgJ"}
    assert found["hour_of_day"] is None
    assert sum(map(Decimal, found["not_images_usd"].values())) > 7


def test_every_assumption_and_no_secret_is_printed() -> None:
    text = said(USAGE, COSTS)
    for words in ("assumed: quality medium, the nearest to the cost an image; the openai-usage export does not say",
                  "cost parted over its rows by list prices", "no tokens of prompts in the table's price",
                  "hour of day: not known", "note: not images: 7.72 USD of the bill, 1 other item"):
        assert words in text
    assert "key_8fQ2vLr0sTz4mWpA" not in text
    mixed = said(BILLS / "litellm.json", "--on", "2026-11-22") + said(BILLS / "replicate.json")
    assert "DO NOT SHOW" not in mixed
    assert "shorttest" not in mixed


def test_without_costs_the_table_alone_speaks() -> None:
    found = told(USAGE, "--quality", "high")
    assert {line["stated_usd"] for line in found["lines"]} == {None}
    assert {line["quality"] for line in found["lines"]} == {"high"}
    assert found["lines"][0]["table_usd"] == f"{2206 * Decimal('0.21072'):.6f}"


def test_the_quality_nearest_to_the_bill_is_taken(tmp_path: Path) -> None:
    usage = page(tmp_path / "usage.json", bucket(result(images=100)))
    for usd, quality in (("0.6", "low"), ("5", "medium"), ("25", "high")):
        costs = page(tmp_path / "costs.json", bucket({
            "object": "organization.costs.result", "line_item": "gpt-image-2 image, output",
            "amount": {"value": usd, "currency": "usd"}}))
        (line,) = told(usage, costs)["lines"]
        assert line["quality"] == quality
        assert Decimal(line["stated_usd"]) == Decimal(usd)


def test_costs_of_some_days_price_all_of_them(tmp_path: Path) -> None:
    days = [bucket(result(images=10), start=OCTOBER_1 + day * DAY, end=OCTOBER_1 + (day + 1) * DAY) for day in range(4)]
    costs = page(tmp_path / "costs.json", bucket({
        "object": "organization.costs.result", "line_item": "gpt-image-2, output",
        "amount": {"value": 2, "currency": "usd"}}))
    found = told(page(tmp_path / "usage.json", *days), costs)
    assert Decimal(found["lines"][0]["stated_usd"]) == 8
    assert "the costs cover 1 of 4 days of usage; the price an image is of these" in found["doubts"]


def test_usage_that_names_no_model_is_that_of_the_only_one_on_the_bill(tmp_path: Path) -> None:
    usage = page(tmp_path / "usage.json", bucket(result(model=None)))
    costs = page(tmp_path / "costs.json", bucket({
        "object": "organization.costs.result", "line_item": "gpt-image-2, output",
        "amount": {"value": "0.1", "currency": "usd"}}))
    (line,) = told(usage, costs)["lines"]
    assert (line["model"], line["stated_usd"]) == ("openai/gpt-image-2", "0.100000")
    assert "model openai/gpt-image-2: the only image model on the bill" in line["assumed"]
    assert told(usage)["lines"][0]["no_price"] == "the price table does not know the model"


def test_money_without_images_is_said(tmp_path: Path) -> None:
    found = told(COSTS)
    assert found["images"] == 0
    assert "137.22 USD of the bill are for openai/gpt-image-2, of which no usage tells an image" in found["doubts"][0]
    costs = page(tmp_path / "costs.json", bucket({"object": "organization.costs.result", "line_item": None,
                                                  "amount": {"value": 3, "currency": "usd"}}))
    assert any("name no line_item" in words for words in told(USAGE, costs)["doubts"])


def test_a_page_given_twice_is_counted_once_and_said(tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(json.dumps(json.loads(USAGE.read_text())))
    found = told(USAGE, again)
    assert found["images"] == 2662
    assert "11 rows stood twice (a page or a file given again) and are counted once" in found["notes"]
    copy = tmp_path / "copy.json"
    copy.write_bytes(USAGE.read_bytes())
    assert told(USAGE, copy)["images"] == 2662
    assert "is another file again; read once" in said(USAGE, copy)


def test_the_same_row_with_other_numbers_is_refused(tmp_path: Path) -> None:
    first = page(tmp_path / "a.json", bucket(result(images=2)))
    second = page(tmp_path / "b.json", bucket(result(images=3)))
    assert "b.json:1: data[0].results[0]: this row stands twice with different numbers" in refusal(first, second)


def test_buckets_over_each_other_are_refused(tmp_path: Path) -> None:
    days = page(tmp_path / "days.json", bucket(result()))
    hours = page(tmp_path / "hours.json", bucket(result(), start=OCTOBER_1 + 3600, end=OCTOBER_1 + 7200))
    text = refusal(days, hours)
    assert "the bucket 2026-10-01 01:00 to 2026-10-01 02:00 overlaps 2026-10-01 00:00 to 2026-10-02 00:00" in text


def test_the_same_bucket_in_two_groupings_is_refused(tmp_path: Path) -> None:
    sizes = page(tmp_path / "sizes.json", bucket(result()))
    projects = page(tmp_path / "projects.json", bucket(result(size=None, project_id="proj_a")))
    assert "is parted in two ways" in refusal(sizes, projects)
    nothing = page(tmp_path / "nothing.json", bucket(result(size=None, model=None)))
    assert "by nothing" in refusal(sizes, nothing)
    users = page(tmp_path / "users.json", bucket(result(user_id="user_1")))
    assert "by model, size, user_id" in refusal(sizes, users)
    both = tmp_path / "both.json"
    both.write_text(f"[{sizes.read_text()},\n{users.read_text()}]")
    assert "both.json:2 by model, size, user_id" in refusal(both)


def test_costs_in_two_groupings_are_refused(tmp_path: Path) -> None:
    item = {"object": "organization.costs.result", "line_item": "gpt-image-2, output",
            "amount": {"value": 1, "currency": "usd"}}
    items = page(tmp_path / "items.json", bucket(item))
    projects = page(tmp_path / "projects.json", bucket(item | {"project_id": "proj_a"}))
    assert "which would count it twice" in refusal(USAGE, items, projects)


def test_pages_in_any_order_say_the_same(tmp_path: Path) -> None:
    days = json.loads(USAGE.read_text())["data"]
    first, second = page(tmp_path / "1.json", *days[:3], more=True), page(tmp_path / "2.json", *days[3:])
    assert told(second, first) == told(first, second) == told(USAGE)
    alone = told(first)
    assert any("a page says that more follow" in words for words in alone["doubts"])
    gap = told(page(tmp_path / "a.json", *days[:2]), page(tmp_path / "b.json", *days[5:]))
    assert any("3.0 days between the first bucket and the last are in no file" in words for words in gap["doubts"])
    assert gap["covered"]["openai-usage"]["days"] == 4


def test_hours_are_told_where_buckets_allow() -> None:
    found = told(BILLS / "openai_usage.csv", BILLS / "openai_costs.csv")
    assert found["hour_of_day"] == [0] * 9 + [14, 6] + [0] * 13
    assert "hour of day, UTC: [         █▃             ]" in said(BILLS / "openai_usage.csv")


def test_a_gateways_images_do_not_thin_out_the_bill() -> None:
    alone, beside = told(USAGE, COSTS), told(USAGE, COSTS, BILLS / "litellm.json", "--on", "2026-10-11")
    prices = [{line["stated_usd_per_image"] for line in found["lines"] if line["source"] == "openai-usage"}
              for found in (alone, beside)]
    assert prices[0] == prices[1]


def test_a_quality_that_no_model_has_is_refused() -> None:
    text = refusal(USAGE, "--quality", "hgih")
    assert text == "--quality = 'hgih': no model here has it; use one of high, low, medium"


def test_a_gateway_and_its_vendor_may_tell_of_the_same_images() -> None:
    found = told(USAGE, BILLS / "litellm.json")
    assert any("told of by litellm and openai-usage" in words for words in found["doubts"])


def test_a_scenario_is_written_that_the_planner_takes(tmp_path: Path) -> None:
    path = tmp_path / "today.toml"
    assert f"written: {path}; next: planner breakeven {path}" in said(USAGE, COSTS, "--write-scenario", path)
    scenario = load_scenario(path)
    assert [segment.name for segment in scenario.segment] == [
        "gpt-image-2-1024x1024-medium", "gpt-image-2-1536x1024-medium"]
    assert scenario.images_per_month == pytest.approx(2662 / 7 * 730 / 24, abs=0.1)
    # The segments at their stated prices come to the bill, carried to a month.
    month = sum(segment.volume * float(segment.today.usd_per_image or 0) for segment in scenario.segment)
    assert month == pytest.approx(137.22 / 7 * 730 / 24, rel=1e-4)
    assert any(words.startswith("assumed: quality medium") for words in scenario.not_confirmed)
    assert "# assumed: quality medium, the nearest to the cost an image" in path.read_text()
    answer = subprocess.run([PLANNER, "breakeven", path, "--on", "2026-11-22", "--json"], capture_output=True,
                            text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["ladder"][0]["usd_per_year"] == pytest.approx(12 * month, rel=1e-3)


def test_a_scenario_leaves_out_what_has_no_price(tmp_path: Path) -> None:
    usage = page(tmp_path / "usage.json", bucket(result(), result(model='x"y\u202e=1+1', images=9)))
    path = tmp_path / "today.toml"
    said(usage, "--write-scenario", path)
    scenario = load_scenario(path)
    assert [segment.today.model for segment in scenario.segment] == ["openai/gpt-image-2"]
    assert any(words.startswith("left out, without a price: openai/x") for words in scenario.not_confirmed)
    only = page(tmp_path / "only.json", bucket(result(model="dall-e-3")))
    assert "no image was counted whose model and price are known" in refusal(
        only, "--write-scenario", tmp_path / "none.toml")
    assert not (tmp_path / "none.toml").exists()


def test_a_price_of_next_to_nothing_is_left_to_the_table(tmp_path: Path) -> None:
    rows = tmp_path / "bfl.csv"
    rows.write_text("date,model,images,credits\n2026-10-01,flux-2-pro,400,0.0000001\n2026-10-02,flux-2-max,10,70\n")
    said(rows, "--write-scenario", tmp_path / "today.toml")
    pro, top = load_scenario(tmp_path / "today.toml").segment
    assert (pro.today.usd_per_image, top.today.usd_per_image) == (None, Decimal("0.07"))
    rows.write_text("date,model,images,credits\n2026-10-01,flux-2-pro,999999999,1\n")
    assert "more than a scenario holds" in refusal(rows, "--write-scenario", tmp_path / "many.toml")


def test_a_trace_is_spread_by_its_seed_and_says_so(tmp_path: Path) -> None:
    first, again, other = (tmp_path / f"{name}.csv" for name in ("first", "again", "other"))
    text = said(USAGE, "--write-trace", first)
    assert "arrivals are not measured: spread over each bucket by chance, seed 1; hours of the day are not" in text
    said(USAGE, "--write-trace", again)
    said(USAGE, "--write-trace", other, "--seed", "2")
    assert first.read_text() == again.read_text() != other.read_text()
    rows = trace(first)
    assert list(rows[0]) == ["arrived_at", "n", "width", "height", "model", "segment"]
    assert len(rows) == 2493
    assert sum(int(row["n"]) for row in rows) == 2662
    assert [row["arrived_at"] for row in rows] == sorted(row["arrived_at"] for row in rows)
    days = json.loads(USAGE.read_text())["data"]
    for each in days:
        inside = [row for row in rows if each["start_time"] <= datetime.fromisoformat(row["arrived_at"]).timestamp()
                  < each["end_time"]]
        assert sum(int(row["n"]) for row in inside) == sum(one["images"] for one in each["results"])


def test_a_trace_of_requests_has_their_own_instants(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    assert "arrivals as the export states them" in said(BILLS / "litellm.json", "--write-trace", path)
    assert [(row["arrived_at"], row["n"], row["model"]) for row in trace(path)] == [
        ("2026-10-01T08:00:00.120Z", "1", "openai/gpt-image-2"), ("2026-10-01T20:00:00.000Z", "2", "fal/flux-2-pro"),
        ("2026-10-02T08:00:00.000Z", "1", "azure/gpt-image-2")]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "today.toml"
    path.write_text("mine")
    assert "it is there already" in refusal(USAGE, "--write-scenario", path)
    assert path.read_text() == "mine"
    said(USAGE, "--write-scenario", path, "--force")
    assert tomllib.loads(path.read_text())["schema"] == 1
    copy = tmp_path / "usage.json"
    copy.write_bytes(USAGE.read_bytes())
    assert "an export that is read" in refusal(copy, "--write-trace", copy, "--force")
    assert copy.read_bytes() == USAGE.read_bytes()
    assert "name the same file" in refusal(USAGE, "--write-trace", tmp_path / "a", "--write-scenario", tmp_path / "a")
    assert "make it first" in refusal(USAGE, "--write-trace", tmp_path / "none" / "a.csv")


def test_bad_input_writes_nothing_and_exits_with_two(tmp_path: Path) -> None:
    bad = page(tmp_path / "bad.json", bucket(result()), bucket(result(images=-1), start=OCTOBER_1 + DAY,
                                                               end=OCTOBER_1 + 2 * DAY))
    answer = subprocess.run([PLANNER, "demand", "import", bad, "--write-trace", tmp_path / "t.csv", "--write-scenario",
                             tmp_path / "s.toml"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 2
    assert answer.stderr == (f"planner: {bad}:1: data[1].results[0]: images = -1: negative; take credits and refunds "
                             "out of the export; it must hold what was used\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json"]


def test_nothing_to_read_and_nothing_found_are_said(tmp_path: Path) -> None:
    answer = subprocess.run([PLANNER, "demand", "import"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (answer.returncode, answer.stderr) == (
        2, "planner demand import: nothing to read; give export files, or --ledger URL\n")
    path = tmp_path / "chat.jsonl"
    path.write_text('{"call_type": "acompletion", "startTime": "2026-10-01", "spend": 1, "model": "gpt-5-mini"}\n')
    assert "no image and no cost of one in it (1 calls that make no image)" in refusal(path)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    books = open_books(f"sqlite:///{path}")
    row = {"received_at": OCTOBER_1 * 1_000_000, "tenant": "proj_a", "operation": "generate", "size_asked": "auto",
           "state": "ok", "backend": "openai", "model": "gpt-image-2", "quality": "low", "size_delivered": "1024x1024",
           "n_delivered": 2, "usd_micro": 11_800, "prompt": "DO NOT SHOW THIS"}
    with books.writes.begin() as connection:
        connection.execute(insert(requests), [
            {**row, "id": f"r{number:04}", "received_at": row["received_at"] + number * 1_000_000_000}
            for number in range(1_500)])
        connection.execute(insert(requests), {**row, "id": "refused", "state": "refused", "n_delivered": 0})
        connection.execute(insert(requests), {**row, "id": "running", "state": ""})
    books.dispose()
    return path


def test_the_routers_own_books_are_read_and_left_alone(ledger: Path) -> None:
    before = ledger.read_bytes()
    found = told("--ledger", f"sqlite:///{ledger}")
    assert (found["images"], found["requests"]) == (3000, 1500)
    (line,) = found["lines"]
    assert (line["model"], line["quality"], line["size"]) == ("openai/gpt-image-2", "low", "1024x1024")
    assert Decimal(line["stated_usd"]) == Decimal("17.7")
    assert found["projects"]["proj_a"]["images"] == 3000
    assert "passed over in ledger: 1 requests without an image" in found["notes"]
    assert ledger.read_bytes() == before
    assert told(ledger)["images"] == 3000
    assert "DO NOT SHOW" not in said(ledger)
