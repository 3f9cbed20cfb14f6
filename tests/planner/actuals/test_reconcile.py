"""Statements against the books: what is left, what explains it, the verdict, and statements that cannot be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from planner.actuals.lines import Key, Side
from planner.actuals.reconcile import Tolerance, reconciled
from planner.cli import planner
from planner.errors import PlannerError
from tests.planner.actuals.month_books import BEGIN, GPU, MONTH, OPENAI, attempt, settings, write_books
from tests.planner.actuals.test_focus import focus

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
# Three images of BFL on each of the first four days, and two of OpenAI on the first.
BOOKS = [attempt(day * 10 + number, BEGIN + day * DAY + timedelta(hours=number)) for day in range(4)
         for number in range(3)] + [attempt(90, **OPENAI), attempt(91, **OPENAI)]


def ran(*arguments: object) -> tuple[int, str]:
    answer = CliRunner().invoke(planner, [str(one) for one in arguments], standalone_mode=False)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.output


def told(url: str, *invoices: Path, options: tuple[object, ...] = ()) -> tuple[int, dict[str, Any]]:
    files = [part for path in invoices for part in ("--invoice", path)]
    status, text = ran("reconcile", "--month", MONTH, "--ledger", url, *files, *options, "--json")
    return status, json.loads(text)


def bfl(path: Path, *days: tuple[int, int, str], extra: str = "") -> Path:
    """A statement of BFL: day of October, images, credits of one."""
    lines = [f"{day}-{number},2026-10-{day:02}T{number:02}:30:00Z,flux-2-pro,{credit}\n"
             for day, images, credit in days for number in range(images)]
    path.write_text(f"id,created_at,model,credits\n{''.join(lines)}{extra}")
    return path


WHOLE = tuple((day, 3, "3") for day in range(1, 5))


def test_equal_sides_are_within(url: str, tmp_path: Path) -> None:
    write_books(url, BOOKS)
    status, found = told(url, bfl(tmp_path / "bfl.csv", *WHOLE))
    assert (status, found["within"]) == (0, True)
    vendor = found["vendors"][0]
    assert (vendor["vendor"], vendor["stated_usd"], vendor["booked_usd"]) == ("bfl", "0.360000", "0.360000")
    assert not any(Decimal(usd) for usd in vendor["causes_usd"].values())


@pytest.mark.parametrize(("days", "cause", "usd"), [
    (WHOLE[:3], "days not on the statement", "-0.090000"),
    ((*WHOLE, (9, 2, "3")), "days not in the books", "0.060000"),
    ((*WHOLE[:3], (4, 5, "3")), "images not in the books", "0.060000"),
    ((*WHOLE[:3], (4, 2, "3")), "images not on the statement", "-0.030000"),
    (tuple((day, 3, "4") for day in range(1, 5)), "price an image", "0.120000"),
    ((*WHOLE[:3], (4, 3, "3.1")), "rounding", "0.003000"),
])
def test_each_cause_has_its_dollars(url: str, tmp_path: Path, days: tuple[tuple[int, int, str], ...], cause: str,
                                    usd: str) -> None:
    write_books(url, BOOKS)
    status, found = told(url, bfl(tmp_path / "bfl.csv", *days), options=("--tolerance-usd", "0.02"))
    vendor = found["vendors"][0]
    assert {name: one for name, one in vendor["causes_usd"].items() if Decimal(one)} == {cause: usd}
    assert vendor["residual_usd"] == usd
    assert status == (0 if cause == "rounding" else 1)


def test_what_stands_as_possibly_billed_and_is_not_charged_is_a_cause(url: str, tmp_path: Path) -> None:
    write_books(url, [*BOOKS, attempt(70, images=0, state="possibly_billed")])
    vendor = told(url, bfl(tmp_path / "bfl.csv", *WHOLE))[1]["vendors"][0]
    assert {name: usd for name, usd in vendor["causes_usd"].items() if Decimal(usd)} == {
        "possibly billed in the books and not charged": "-0.030000"}


def test_the_page_for_people_and_the_status(url: str, tmp_path: Path) -> None:
    write_books(url, BOOKS)
    file = bfl(tmp_path / "bfl.csv", *WHOLE[:3])
    status, text = ran("reconcile", "--month", MONTH, "--ledger", url, "--invoice", file, "--tolerance-usd", "0.01")
    assert status == 1
    for words in ("bfl: -0.09 USD days not on the statement (2026-10-04)", "bfl/flux-2-pro  2026-10-04",
                  "note: no statement of openai; the books hold 0.11 USD",
                  "verdict: outside 1.0 % or 0.01 USD a vendor, whichever is more: bfl"):
        assert words in text
    assert ran("reconcile", "--month", MONTH, "--ledger", url, "--invoice", file)[0] == 0


def bucket(results: list[dict[str, Any]], day: int = 1) -> dict[str, Any]:
    begin = int((BEGIN + (day - 1) * DAY).timestamp())
    return {"object": "bucket", "start_time": begin, "end_time": begin + 86_400, "results": results}


def page(path: Path, *buckets: dict[str, Any], more: bool = False) -> Path:
    path.write_text(json.dumps({"object": "page", "data": list(buckets), "has_more": more}))
    return path


def usage(images: int) -> dict[str, Any]:
    return {"object": "organization.usage.images.result", "images": images, "num_model_requests": 1,
            "model": "gpt-image-2-2026-04-21"}


def costs(usd: float, currency: str = "usd") -> dict[str, Any]:
    return {"object": "organization.costs.result", "amount": {"value": usd, "currency": currency},
            "line_item": "gpt-image-2 image, output"}


def test_openais_usage_and_costs_are_one_statement(url: str, tmp_path: Path) -> None:
    write_books(url, BOOKS)
    both = page(tmp_path / "u.json", bucket([usage(3)])), page(tmp_path / "c.json", bucket([costs(0.15804)]))
    vendor = told(url, *both)[1]["vendors"][0]
    assert vendor["causes_usd"]["images not in the books"] == "0.052680"
    assert (vendor["images_not_booked"], vendor["residual_usd"]) == (1, "0.052680")
    alone = told(url, both[1])[1]["vendors"][0]
    either = "price or number, which the statement does not tell apart"
    assert {cause: usd for cause, usd in alone["causes_usd"].items() if Decimal(usd)} == {either: "0.052680"}


def test_a_statement_without_money_is_held_to_its_images(url: str, tmp_path: Path) -> None:
    write_books(url, BOOKS)
    status, found = told(url, page(tmp_path / "u.json", bucket([usage(2)])))
    assert (status, found["vendors"][0]["names_money"], found["vendors"][0]["residual_usd"]) == (0, False, "0.000000")
    assert told(url, page(tmp_path / "u.json", bucket([usage(3)])))[0] == 1
    unknown = page(tmp_path / "v.json", bucket([usage(2)]), bucket([usage(1)], day=5))
    assert told(url, unknown)[0] == 1


def test_our_own_focus_file_reconciles_with_the_books_it_came_from(url: str, tmp_path: Path) -> None:
    write_books(url, [*BOOKS, attempt(95, **GPU)])
    path = settings(tmp_path)
    focus(url, tmp_path, "--settings", path)
    status, found = told(url, tmp_path / "focus.csv", options=("--settings", path))
    vendors = {one["vendor"]: one for one in found["vendors"]}
    assert {name: vendors[name]["residual_usd"] for name in ("bfl", "openai")} == {"bfl": "0.000000",
                                                                                  "openai": "0.000000"}
    # Nobody bills our own cards, so a file of ours states nothing for what the settings say they cost.
    assert (status, vendors["own GPUs"]["stated_usd"]) == (1, "0.000000")


CUR = ("lineItem/UsageStartDate,lineItem/UnblendedCost,lineItem/CurrencyCode,lineItem/LineItemType,"
       "product/instanceType\n")


def test_rent_of_gpus_against_what_the_settings_say(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, **GPU)])
    bill, path = tmp_path / "cur.csv", settings(tmp_path)
    days = [BEGIN + day * DAY for day in range(31) if (BEGIN + day * DAY).weekday() < 5]
    lines = [f"{day:%Y-%m-%d}T08:00:00Z,18.96,USD,Usage,g6e.xlarge\n" for day in days]
    bill.write_text(CUR + "".join(lines) + "2026-10-05T00:00:00Z,99,USD,Usage,m7i.large\n"
                    "2026-10-05T00:00:00Z,-5,USD,Credit,g6e.xlarge\n")
    status, found = told(url, bill, options=("--settings", path))
    vendor = found["vendors"][0]
    assert (status, vendor["vendor"], vendor["residual_usd"]) == (0, "own GPUs", "0.000000")
    assert "passed over in aws-cur: 99.00 USD, lines of no GPU instance" in found["notes"]
    assert "passed over in aws-cur: -5.00 USD, credits, fees and taxes of GPU instances" in found["notes"]
    with pytest.raises(PlannerError, match="rent of GPUs, and what our cards cost is not known; give --settings"):
        told(url, bill)


def refused(url: str, path: Path) -> str:
    with pytest.raises(PlannerError) as error:
        told(url, path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_statement_that_cannot_be_used_is_said_in_a_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, BOOKS)
    half = bfl(tmp_path / "half.csv", *WHOLE, extra="5-1,2026-10-05T0")
    assert "the line is cut off or broken" in refused(url, half)
    cut = tmp_path / "cut.json"
    cut.write_text(page(tmp_path / "p.json", bucket([costs(1)])).read_text()[:-20])
    assert "the JSON is cut off" in refused(url, cut)
    assert "a page says that more follow" in refused(url, page(tmp_path / "m.json", bucket([costs(1)]), more=True))
    other = tmp_path / "other.csv"
    other.write_text(bfl(other, *WHOLE).read_text().replace("2026-10", "2026-09"))
    assert "covers 2026-09-01 to 2026-09-04, nothing of 2026-10" in refused(url, other)
    assert "not US dollars" in refused(url, page(tmp_path / "e.json", bucket([costs(1, "eur")])))
    bill = tmp_path / "cur.csv"
    bill.write_text(f"{CUR}2026-10-05T00:00:00Z,1,EUR,Usage,g6e.xlarge\n")
    assert "not US dollars" in refused(url, bill)
    bill.write_text(f"{CUR}2026-10-05T00:00:00Z,one,USD,Usage,g6e.xlarge\n")
    assert "no number" in refused(url, bill)
    assert "cannot be read" in refused(url, tmp_path / "none.csv")


amounts = st.dictionaries(
    st.tuples(st.sampled_from(["bfl", "fal"]), st.sampled_from(["", "a", "b"]), st.integers(1, 4)),
    st.tuples(st.none() | st.integers(0, 50), st.none() | st.decimals(0, 100, places=6)), min_size=1, max_size=12)


def side(found: dict[tuple[str, str, int], tuple[int | None, Decimal | None]], *, whole: bool) -> Side:
    made = Side()
    for (vendor, model, day), (images, usd) in found.items():
        key = Key(vendor, model, datetime(2026, 10, day, tzinfo=UTC).date())
        made.amounts[key].add((images or 0) if whole else images, (usd or Decimal(0)) if whole else usd)
    return made


@given(amounts, amounts)
def test_causes_add_up_to_the_residual_and_nothing_is_lost(stated: Any, booked: Any) -> None:
    statement, books = side(stated, whole=False), side(booked, whole=True)
    for one in reconciled(statement, books):
        assert sum(one.causes.values()) == pytest.approx(one.residual_usd, abs=Decimal("1e-18"))
        assert one.booked_usd == sum((amount.usd or 0 for key, amount in books.amounts.items()
                                      if key.vendor == one.vendor), Decimal(0))
        assert one.within(Tolerance(Decimal(0), abs(one.residual_usd))) or not one.has_money
