"""A month's actuals: the same sums whatever they are added up by, retries apart, and who is charged how much."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from planner.actuals.groups import BY
from planner.errors import PlannerError
from tests.planner.actuals.month_books import GPU, MONTH, OPENAI, SETTINGS, attempt, said, settings, write_books
from tests.planner.actuals.test_focus import CARDS_USD, STORY, focus, ledger_usd, usd

if TYPE_CHECKING:
    from pathlib import Path

CARDS_MICRO = int(CARDS_USD * 1_000_000)


def told(url: str, folder: Path, *options: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said("actuals", "--month", MONTH, "--ledger", url, "--settings",
                                            settings(folder), "--json", *options))
    return found


@pytest.mark.parametrize("by", BY)
def test_ledger_csv_and_focus_have_equal_sums(url: str, tmp_path: Path, by: str) -> None:
    write_books(url, STORY)
    found, out = told(url, tmp_path, "--by", by, "--csv", tmp_path / "out.csv"), tmp_path / "out.csv"
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    ledger, filed = ledger_usd(url), focus(url, tmp_path, "--settings", settings(tmp_path))
    lines = [*found["groups"], *found["idle"]]
    for sum_usd in (Decimal(sum(line["micro_usd"] for line in lines)).scaleb(-6), usd(rows, "usd"),
                    usd(filed, "EffectiveCost")):
        assert sum_usd == ledger + CARDS_USD
    for sum_usd in (Decimal(sum(line["settled_micro_usd"] for line in lines)).scaleb(-6), usd(rows, "ledger_usd"),
                    usd(filed, "x_LedgerCost")):
        assert sum_usd == ledger
    assert sum(line["images"] for line in lines) == found["total"]["images"] == 14


def test_names_and_what_has_none(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1), attempt(2, **OPENAI, request_tenant="", request_project="", request_segment="")])
    names = {by: {line["name"] for line in told(url, tmp_path, "--by", by)["groups"]} for by in BY}
    assert names == {"tenant": {"acme", "uncategorised"}, "project": {"shop", "uncategorised"},
                     "model": {"flux-2-pro", "gpt-image-2@medium"}, "backend": {"bfl", "openai"},
                     "segment": {"bulk", "uncategorised"}}


def test_retries_and_fallbacks_are_told_apart_from_further_parts(url: str, tmp_path: Path) -> None:
    failed = {"images": 0, "state": "possibly_billed"}
    write_books(url, [
        attempt(1, **failed), attempt(2, request_id="r000001", number=2),
        attempt(3, **failed), attempt(4, request_id="r000003", number=2, **OPENAI),
        attempt(5), attempt(6, request_id="r000005", number=2),
        attempt(7, **failed), attempt(8, request_id="r000007", number=2, **OPENAI, images=0, state="free"),
        attempt(9, request_id="r000007", number=3, **OPENAI)])
    total = told(url, tmp_path)["total"]
    # The third of request 7 follows a failure at OpenAI, so it is a retry there.
    assert (total["retries"], total["retries_micro_usd"]) == (2, 30_000 + 52_680)
    assert (total["fallbacks"], total["fallbacks_micro_usd"]) == (2, 2 * 52_680)
    assert (total["images"], total["failures"]) == (5, 4)


def test_an_accepted_image_costs_what_the_rejected_ones_cost_too(url: str, tmp_path: Path) -> None:
    judged = [{"request_id": f"r{number:06}", "image": 0, "verdict": verdict, "reason": "", "at": 0}
              for number, verdict in ((1, "accepted"), (2, "rejected"), (3, "edited"), (4, "rejected"))]
    write_books(url, [attempt(number) for number in range(1, 6)], judged)
    line = told(url, tmp_path)["groups"][0]
    assert (line["accepted"], line["judged"], line["images"]) == (2, 4, 5)
    assert line["usd_per_image"] == "0.030000000"
    assert line["usd_per_accepted_image"] == "0.060000000"
    assert told(url, tmp_path, "--by", "segment")["groups"][0]["judged"] == 4


def test_idle_cards_are_charged_to_nobody(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    back = told(url, tmp_path)["chargeback"]
    assert [line["name"] for line in back["lines"]] == ["4711", "shop"]
    assert sum(line["charged_micro_usd"] for line in back["lines"]) == sum(
        line["cost_micro_usd"] for line in back["lines"])
    assert back["charged_to_nobody_micro_usd"] == back["idle_micro_usd"]
    work = sum(line["cost_micro_usd"] for line in back["lines"])
    assert work + back["idle_micro_usd"] == int(ledger_usd(url) * 1_000_000) + CARDS_MICRO


def test_a_rate_charges_images_and_says_what_is_left(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    back = told(url, tmp_path, "--rate-per-image", "0.04")["chargeback"]
    assert {line["name"]: line["charged_micro_usd"] for line in back["lines"]} == {"4711": 400_000, "shop": 160_000}
    cost = sum(line["cost_micro_usd"] for line in back["lines"]) + back["idle_micro_usd"]
    assert back["charged_to_nobody_micro_usd"] == cost - 560_000


def test_cards_without_a_known_cost_are_named_and_left_out(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, **GPU)])
    text = said("actuals", "--month", MONTH, "--ledger", url)
    assert "note: what the cards of gpu cost is not known and not in it" in text
    found = json.loads(said("actuals", "--month", MONTH, "--ledger", url, "--json"))
    assert (found["total"]["micro_usd"], found["cards_without_a_cost"]) == (16, ["gpu"])


def test_where_settings_state_no_seconds_the_law_tells_the_gpu_time(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, **GPU), attempt(2, **GPU, size="2048x2048", request_segment="hero")])
    path = settings(tmp_path, SETTINGS.replace("seconds_per_image = 5\n", ""))
    found = json.loads(said("actuals", "--month", MONTH, "--ledger", url, "--settings", path, "--by", "segment",
                            "--json"))
    hours = {line["name"]: line["gpu_hours"] for line in found["groups"]}
    # A picture of 4 MP takes more than four times the seconds of one of 1 MP; the books' own times are 9 s for both.
    assert 0 < 4 * hours["bulk"] < hours["hero"]


def test_the_page_for_people(url: str, tmp_path: Path) -> None:
    write_books(url, [*STORY, attempt(20, state="sent", images=0, settled_micro_usd=0, settled_at=None)])
    text = said("actuals", "--month", MONTH, "--ledger", url, "--settings", settings(tmp_path))
    for words in ("2026-10 (provisional, up to", "14 images in 11 attempts", "in it: 0 retries 0.00 USD, 1 fallbacks",
                  "own GPUs: 0.0 hours of work, 528.0 idle (100%)", "gpu, idle", "own GPUs, idle",
                  "note: 1 attempts have no end yet", "note: 0.03 USD are possibly billed, at the full reserve"):
        assert words in text


def test_what_cannot_be_told_is_said_in_a_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1, datetime(2026, 9, 3, tzinfo=UTC))])
    with pytest.raises(PlannerError, match="no attempt in 2026-10; name a month with traffic"):
        said("actuals", "--month", MONTH, "--ledger", url)
    with pytest.raises(PlannerError, match="no ledger is named"):
        said("actuals", "--month", MONTH)
    (tmp_path / "there.csv").write_text("kept")
    with pytest.raises(PlannerError, match=r"--csv = .*give --force"):
        said("actuals", "--month", "2026-09", "--ledger", url, "--csv", tmp_path / "there.csv")
    assert (tmp_path / "there.csv").read_text() == "kept"
