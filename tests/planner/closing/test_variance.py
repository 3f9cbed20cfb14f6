"""A month against its plan: parts that add up to the micro-dollar whatever the plan and the books."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.closing.bills import stated_bills
from planner.closing.forecasts import ForecastMonth
from planner.closing.made import Key, Made, MadeMonth
from planner.closing.variance import Variance, variance
from planner.closing.variance_line import PARTS
from planner.errors import PlannerError
from router.acceptance import Looked
from tests.planner.actuals.month_books import GPU, MONTH, attempt, said, settings, write_books
from tests.planner.actuals.month_books import OPENAI as OPENAI_ROW
from tests.planner.actuals.test_focus import STORY
from tests.planner.closing.plan_folders import BFL, OPENAI, bill, image_line, month_of, plan_folder

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ("own", BFL, "fal/flux-2-klein-4b", OPENAI, f"{OPENAI}+batch")
SEGMENTS = ("hero", "bulk", "draft")
AMOUNT = st.integers(0, 10**9)
KEYS = st.tuples(st.sampled_from(SEGMENTS), st.sampled_from(OPTIONS))


def forecast(images_of: list[dict[str, Any]], fixed: list[dict[str, Any]] = ()) -> ForecastMonth:  # type: ignore[assignment]
    row = month_of("2026-10", images_of, fixed)
    return ForecastMonth(row["month"], int(Decimal(row["usd"]).scaleb(6)), 0, 1e9, Decimal(row["images"]),
                         tuple(images_of), tuple(fixed))


def made_of(work: dict[Key, Made], idle: int = 0) -> MadeMonth:
    month = MadeMonth(idle_micro_usd=idle, attempts=1)
    month.work.update(work)
    return month


def compare(planned: ForecastMonth, made: MadeMonth, looked: dict[Key, Looked] | None = None,
            **stated: int) -> Variance:
    return variance(planned, made, looked=looked or {}, stated=stated)


@st.composite
def plans(draw: st.DrawFn) -> ForecastMonth:
    lines = []
    for segment, option in draw(st.lists(KEYS, unique=True, max_size=8)):
        images = draw(st.integers(0, 10**9))
        each = draw(st.integers(0, 10**6))
        accepted = draw(st.integers(0, images))
        lines.append(image_line(f"{segment}{draw(st.sampled_from(('', '-kept')))}", option, f"{images / 1000:.3f}",
                                price=f"{each / 10**6:.6f}", accepted=f"{accepted / 1000:.3f}"))
    kinds = draw(st.lists(st.sampled_from(("cards", "staff", "review", "tax", "licence")), unique=True))
    return forecast(lines, [bill(kind, f"{draw(AMOUNT) / 10**6:.6f}", each="0.0333") for kind in kinds])


@st.composite
def books(draw: st.DrawFn) -> tuple[MadeMonth, dict[Key, Looked]]:
    work, looked = {}, {}
    for key in draw(st.lists(KEYS, unique=True, max_size=8)):
        settled = draw(AMOUNT)
        work[key] = Made(draw(st.integers(0, 10**6)), settled, draw(st.integers(0, settled)),
                         draw(AMOUNT) if key[1] == "own" else 0)
        judged = draw(st.sampled_from((0, 29, 30, 1000)))
        looked[key] = Looked(draw(st.integers(0, judged)), judged)
    return made_of(work, draw(AMOUNT)), looked


@given(plans(), books(), st.dictionaries(st.sampled_from(("staff", "storage", "cards", "review", "tax")), AMOUNT))
def test_parts_add_up_to_the_difference_line_by_line(
        planned: ForecastMonth, actual: tuple[MadeMonth, dict[Key, Looked]], stated: dict[str, int]) -> None:
    found = compare(planned, *actual, **stated)
    for line in (*found.lines, found.total):
        assert sum(line.parts.values()) == line.micro_usd - line.planned_micro_usd
    assert found.total.planned_micro_usd == planned.micro_usd
    images = sum(one.settled_micro_usd for one in actual[0].work.values())
    bills = sum(line.micro_usd for line in found.lines if line.kind not in ("images", "cards"))
    cards = stated.get("cards", actual[0].cards_micro_usd)
    in_price = sum(line.micro_usd for line in found.lines if line.kind == "images") - images
    if "cards" not in stated:
        assert found.total.micro_usd == images + cards + bills
    assert 0 <= in_price <= actual[0].cards_micro_usd


@given(plans(), books())
def test_each_part_is_what_it_says(planned: ForecastMonth, actual: tuple[MadeMonth, dict[Key, Looked]]) -> None:
    for line in compare(planned, *actual).lines:
        if line.kind != "images" or not line.planned_images or not line.planned_micro_usd:
            continue
        price = Fraction(line.planned_micro_usd) / line.planned_images
        cost = line.micro_usd - line.retries
        assert abs(line.price - (cost - price * line.images)) <= 2
        assert abs(line.volume + line.accepted_yield + line.mix - price * (line.images - line.planned_images)) <= 2


@given(plans(), books())
def test_within_a_segment_the_mix_moves_no_images(planned: ForecastMonth,
                                                  actual: tuple[MadeMonth, dict[Key, Looked]]) -> None:
    """At one price for everything, whoever makes an image makes no difference."""
    lines = [line | {"usd": f"{Decimal(line['images']) * Decimal('0.02'):.6f}", "usd_per_image": "0.02"}
             for line in planned.images_of]
    made, looked = actual
    work = {key: Made(one.images, one.images * 20_000) for key, one in made.work.items()}
    found = compare(forecast(lines), made_of(work), looked)
    for segment in {line.segment for line in found.lines if line.planned_images}:
        mine = [line for line in found.lines if line.segment == segment]
        assert abs(sum(line.mix for line in mine)) <= len(mine)
        assert abs(sum(line.price for line in mine)) <= 3 * len(mine)


def test_the_books_as_planned_differ_in_nothing() -> None:
    planned = forecast([image_line("bulk", BFL, "100.000", price="0.03")], [bill("staff", "15.000000")])
    found = compare(planned, made_of({("bulk", BFL): Made(100, 3_000_000)}))
    assert [line.difference for line in found.lines] == [0, 0]
    assert set(found.total.parts.values()) == {0}


def test_a_month_worked_by_hand() -> None:
    planned = forecast([image_line("bulk", BFL, "100.000", price="0.03", accepted="90.000"),
                        image_line("bulk", OPENAI, "100.000", price="0.05", accepted="90.000")])
    made = made_of({("bulk", BFL): Made(300, 10_000_000, 100_000), ("bulk", OPENAI): Made(100, 5_500_000)})
    found = compare(planned, made, {("bulk", BFL): Looked(60, 100), ("bulk", OPENAI): Looked(90, 100)})
    # Accepted 180 + 90 = 270 of 180 planned: half as many again; images 400 of 200: twice.
    assert found.lines[0].parts == {"price": 9_900_000 - 9_000_000, "volume": 1_500_000, "accepted_yield": 1_500_000,
                                    "mix": 3_000_000, "retries": 100_000, "fixed": 0}
    assert found.lines[1].parts == {"price": 500_000, "volume": 2_500_000, "accepted_yield": 2_500_000,
                                    "mix": -5_000_000, "retries": 0, "fixed": 0}


def test_bills_go_by_what_the_books_tell() -> None:
    planned = forecast([image_line("bulk", BFL, "100.000", price="0.03"), image_line("bulk", "own", "50.000",
                                                                                     price="0.001")],
                       [bill("cards", "20.000000"), bill("staff", "100.000000"), bill("tax", "2.300000", each="0.1"),
                        bill("review", "3.000000", each="0.02")])
    made = made_of({("bulk", BFL): Made(200, 6_000_000), ("bulk", "own"): Made(50, 50_000, 0, 4_000_000)}, 18_000_000)
    found = compare(planned, made, staff=90_000_000)
    assert {line.name: line.micro_usd for line in found.lines if line.kind != "images"} == {
        "cards": 22_000_000, "staff": 90_000_000, "tax": 2_800_000, "review": 5_000_000}
    assert "staff" not in " ".join(found.notes)
    assert "as planned, since the books do not hold it: staff" in " ".join(compare(planned, made).notes)


def test_cards_that_a_plan_pays_for_with_the_image_are_part_of_its_price() -> None:
    planned = forecast([image_line("bulk", "own", "100.000", price="0.04")])
    found = compare(planned, made_of({("bulk", "own"): Made(100, 0, 0, 5_000_000)}, 1_000_000))
    assert [(line.name, line.micro_usd, line.price, line.fixed) for line in found.lines] == [
        ("own", 5_000_000, 1_000_000, 0), ("cards", 1_000_000, 0, 1_000_000)]


@pytest.mark.parametrize(("text", "why"), [
    ("staff", "no amount"), ("staff=", "no amount"), ("staff=much", "no amount"), ("staff=NaN", "no amount"),
    ("coffee=3", "no such bill")])
def test_a_bill_that_cannot_be_read_is_refused(text: str, why: str) -> None:
    with pytest.raises(PlannerError, match=f"--bill .*{why}"):
        stated_bills([text])
    with pytest.raises(PlannerError, match="given twice"):
        stated_bills(["staff=1", "staff=2"])


PLANNED = [image_line("bulk", BFL, "8.000", price="0.03"), image_line("hero-kept", OPENAI, "2.000", price="0.05")]


def actuals(url: str, folder: Path, *options: object) -> str:
    return said("actuals", "--month", MONTH, "--ledger", url, "--settings", settings(folder), "--plan",
                folder / "plans", *options)


def test_text_json_and_csv_hold_the_same_sums(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    plan_folder(tmp_path / "plans" / "oct", [month_of(MONTH, PLANNED, [bill("staff", "10.000000")])])
    found = json.loads(actuals(url, tmp_path, "--json", "--csv", tmp_path / "out.csv"))
    total = found["variance"]["total"]
    assert total["micro_usd"] == found["total"]["micro_usd"] + 10_000_000
    assert sum(total["parts_micro_usd"].values()) == total["difference_micro_usd"]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name, micro in (("usd", total["micro_usd"]), ("difference_usd", total["difference_micro_usd"]),
                        *((f"{part}_usd", total["parts_micro_usd"][part]) for part in PARTS)):
        assert sum(Decimal(row[name]) for row in rows) == Decimal(micro).scaleb(-6)
    text = actuals(url, tmp_path)
    assert "plan in force: oct (approved), made for 2026-09-25, approved by Ada on 2026-09-25, " in text
    assert f"{Decimal(total['difference_micro_usd']).scaleb(-6):+,.6f}" in text


def test_acceptance_comes_from_what_was_judged_in_the_books(url: str, tmp_path: Path) -> None:
    judged = [{"request_id": f"r{number:06}", "image": 0, "verdict": "accepted" if number % 2 else "rejected",
               "reason": "", "at": 0} for number in range(1, 41)]
    write_books(url, [attempt(number) for number in range(1, 81)], judged)
    plan_folder(tmp_path / "plans" / "oct", [month_of(MONTH, [image_line("bulk", BFL, "80.000", price="0.03")])])
    line = json.loads(actuals(url, tmp_path, "--json"))["variance"]["lines"][0]
    # Half of them accepted: as many images as planned, for half of the need.
    assert line["parts_micro_usd"] | {"price": 0} == {"price": 0, "volume": -1_200_000, "accepted_yield": 1_200_000,
                                                      "mix": 0, "retries": 0, "fixed": 0}


def test_the_newest_approved_plan_from_before_the_month_is_in_force(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1), attempt(2, **GPU), attempt(3, **OPENAI_ROW)])
    plans, months = tmp_path / "plans", [month_of(MONTH, PLANNED)]
    assert "no plan was in force: there is none" in (plans.mkdir() or actuals(url, tmp_path))
    plan_folder(plans / "draft", months, state="draft", made_on="2026-09-29")
    plan_folder(plans / "late", months, made_on="2026-10-01")
    plan_folder(plans / "other", [month_of("2026-11", PLANNED)], made_on="2026-09-30")
    text = actuals(url, tmp_path)
    assert "no plan was in force: 1 only drafted, 1 made after it began, 1 of other months" in text
    assert json.loads(actuals(url, tmp_path, "--json"))["variance"] is None
    plan_folder(plans / "old", months, made_on="2026-08-20")
    plan_folder(plans / "deep" / "newer", months, made_on="2026-09-20", state="frozen", by="Grace")
    assert "plan in force: newer (frozen), made for 2026-09-20, approved by Grace" in actuals(url, tmp_path)


def test_a_plan_that_was_changed_after_its_approval_is_refused(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1)])
    folder = plan_folder(tmp_path / "plans" / "oct", [month_of(MONTH, PLANNED)])
    text = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(text.replace("0.03", "0.04"))
    with pytest.raises(PlannerError, match="is not what was approved"):
        actuals(url, tmp_path)
    (folder / "plan.json").write_text(text[:40])
    with pytest.raises(PlannerError, match="cannot be read as a plan"):
        actuals(url, tmp_path)
    with pytest.raises(PlannerError, match="no such folder"):
        said("actuals", "--month", MONTH, "--ledger", url, "--plan", tmp_path / "nowhere")
