"""Credits and free images of a contract, in the bill and in the break-even."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from planner.answer import answer
from planner.book import open_book
from planner.case import Case
from planner.scenario_file import load_scenario
from planner.uncertainty import Draws
from tests.tables import DATA

if TYPE_CHECKING:
    from pathlib import Path

    from planner.answer import Answer

CONTRACT = """\
document = "order form 2026-07"
valid_from = 2026-07-01
[[rate]]
model = "openai/gpt-image-2"
discount_share = "0.10"
[[credit]]
vendor = "openai"
usd_per_month = "500"
[[free_quota]]
model = "openai/gpt-image-2"
images_per_month = 1000
"""
LIST_USD = 0.05268


def answered(name: str, folder: Path, *settings: tuple[str, str]) -> Answer:
    scenario = load_scenario(DATA / "scenarios" / f"{name}.toml", settings=settings)
    return answer(Case(scenario, open_book(folder, {}), date(2026, 11, 22), Draws(1_000, 1)))


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    (tmp_path / "contract.toml").write_text(CONTRACT)
    return tmp_path


def test_the_bill_is_net_of_discount_free_images_and_credit(contract: Path) -> None:
    said = answered("h100_always_on", contract)
    usd = 0.9 * LIST_USD
    assert said.displaceable_usd_per_month == pytest.approx(60_000 * usd - 1_000 * usd - 500)
    assert said.rungs[0].usd_per_year == pytest.approx(12 * said.displaceable_usd_per_month)


def test_what_the_contract_gives_moves_the_break_even_up(contract: Path) -> None:
    said = answered("h100_always_on", contract)
    assert said.own is not None
    usd = 0.9 * LIST_USD
    assert said.own.main.first == pytest.approx((2.69 * 730 + 500 + 1_000 * usd) / usd, rel=1e-6)


def test_a_credit_that_the_images_that_stay_use_up_is_not_lost(contract: Path) -> None:
    half = answered("h100_always_on", contract, ("segment.bulk.movable_share", "0.5"))
    assert half.relief_usd_per_month == 0
    assert half.displaceable_usd_per_month == pytest.approx(30_000 * 0.9 * LIST_USD)


def test_list_and_contracted_cost_stand_side_by_side(contract: Path) -> None:
    option = next(row for row in answered("h100_always_on", contract).options
                  if row.label == "openai/gpt-image-2 medium")
    assert option.list_usd_per_image == pytest.approx(LIST_USD)
    assert option.usd_per_image == pytest.approx(0.9 * LIST_USD)


def test_before_the_contract_holds_nothing_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text(CONTRACT.replace("2026-07-01", "2026-11-23"))
    before = answered("h100_always_on", tmp_path)
    assert before.relief_usd_per_month == 0
    assert before.displaceable_usd_per_month == pytest.approx(60_000 * LIST_USD)
