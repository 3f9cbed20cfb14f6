"""Changed inputs: the workbook, computed anew by LibreOffice, is that of the model run again with the same cards.

Everything happens to one plan: cards by the hour at 0.39 USD for 400,000 bulk images that grow by 4 % a month, with a
licence and its overage, commitments, tax, euros, and a server that could be bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from planner.book import open_book
from planner.plan.workbook.write import plan_xlsx

from .plans import HOURS, case_of, planned, replanned, signed_file
from .spreadsheet import changed, differing, recalculated, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from planner.plan.monthly import Plan

    from .spreadsheet import Values

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LIVE = ("Prices", "Accepted", "Volumes", "Fleet", "Calc", "Bills", "Plan", "Purchase", "Checks")
SOURCE = "https://lumenfall.ai/models/black-forest-labs/flux.2-klein-4b/llms.txt"
PRICE_ROW = """\
id,model,operation,component,quality,size,tier,usd,unit,valid_from,valid_to,as_of,confidence,anomaly,source,note
fal-flux-2-klein-4b-generate-output-mp,fal/flux-2-klein-4b,generate,output_mp,,,sync,0.0053,per_mp,2026-01-01,,2026,B,no,{source},
"""


class Change(NamedTuple):
    """Inputs by name, and the same as settings of the scenario or rows of a price table."""

    inputs: Mapping[str, float]
    settings: tuple[tuple[str, str], ...] = ()
    prices: str = ""
    sheets: tuple[str, ...] = LIVE


CHANGES = {
    "a hosted price": Change({"price_fal_flux_2_klein_4b_1024x1024": 0.0053}, prices=PRICE_ROW.format(source=SOURCE)),
    "a volume": Change({"images_bulk": 431_234.5}, (("segment.bulk.images_per_month", "431234.5"),)),
    "a volume far above": Change({"images_bulk": 655_000}, (("segment.bulk.images_per_month", "655000"),)),
    "a volume far below": Change({"images_bulk": 210_000}, (("segment.bulk.images_per_month", "210000"),)),
    "assets": Change({"assets_hero": 171}, (("segment.hero.deliverables.assets_per_month", "171"),)),
    "growth": Change({"growth_share_per_month": 0.046}, (("traffic.growth_share_per_month", "0.046"),)),
    "accepted of own": Change({"accepted_share_of_flux_2_klein_4b": 0.71},
                              (("acceptance.flux-2-klein-4b.accepted_share", "0.71"),)),
    "accepted today": Change({"accepted_share_today_hero": 0.83, "accepted_share_today_bulk": 0.93},
                             (("segment.hero.today.acceptance_share", "0.83"),
                              ("segment.bulk.today.acceptance_share", "0.93"))),
    "rent": Change({"rent_usd_per_gpu_h": 0.47}, (("own.cost.usd_per_gpu_h", "0.47"),)),
    "minutes of a start": Change({"start_minutes": 17}, (("own.start_minutes", "17"),)),
    "staff": Change({"staff_fte": 0.25}, (("own.staff.fte", "0.25"),)),
    "what staff costs": Change({"staff_usd_per_fte_month": 13_210.37}, (("own.staff.usd_per_fte_month", "13210.37"),)),
    "fine-tuning": Change({"fine_tuning_runs_per_month": 7}, (("own.lora.runs_per_month", "7"),)),
    "review": Change({"review_minutes_per_image": 0.07}, (("review.minutes_per_image", "0.07"),)),
    "tax": Change({"tax_share": 0.077}, (("plan.tax_share", "0.077"),)),
    "an exchange rate": Change({"fx_eur_per_usd_2": 0.9731}, (("plan.fx", (
        '[{ valid_from = 2026-06-01, per_usd = 0.87, source = "stated" }, '
        '{ valid_from = 2027-01-15, per_usd = 0.9731, source = "stated" }]')),)),
    "a licence": Change({"licence_1_included_images": 470_000, "licence_1_overage_usd_per_image": 0.0021},
                        (("licence.@vendor.included_images_per_month", "470000"),
                         ("licence.@vendor.overage_usd_per_image", "0.0021"))),
    "a licence without images": Change({"licence_1_included_images": 0},
                                       (("licence.@vendor.included_images_per_month", "0"),)),
    "no people": Change({"staff_fte": 0}, (("own.staff.fte", "0"),)),
    "no volume": Change({"images_draft": 0}, (("segment.draft.images_per_month", "0"),),
                        sheets=("Bills", "Plan", "Purchase", "Checks")),
    "a discount rate": Change({"discount_share_per_year": 0.045}, (("plan.discount_share_per_year", "0.045"),)),
    "a server's price": Change({"buy_capex_usd": 4_321}, (("plan.purchase.capex_usd", "4321"),)),
    "electricity": Change({"buy_usd_per_kwh": 0.31}, (("plan.purchase.usd_per_kwh", "0.31"),)),
}
OUTSIDE = {"images_bulk": 1_300_000.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changes")


@pytest.fixture(scope="module")
def plan(folder: Path) -> Plan:
    return planned(case_of(signed_file(folder), HOURS))


@pytest.fixture(scope="module")
def book(folder: Path, plan: Plan) -> Path:
    (folder / "plan.xlsx").write_bytes(plan_xlsx(plan))
    return folder / "plan.xlsx"


@pytest.fixture(scope="module")
def anew(folder: Path, book: Path) -> dict[str, Values]:
    wanted = {name: change.inputs for name, change in CHANGES.items()} | {"outside": OUTSIDE}
    copies = [folder / f"{number}.xlsx" for number in range(len(wanted))]
    for copy, inputs in zip(copies, wanted.values(), strict=True):
        changed(book, copy, inputs)
    return dict(zip(wanted, recalculated(folder, copies), strict=True))


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_input_gives_the_months_of_the_model(folder: Path, plan: Plan, book: Path, anew: dict[str, Values],
                                                       tmp_path: Path, name: str) -> None:
    change = CHANGES[name]
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "fal.csv").write_text(change.prices)
    tables = open_book(tmp_path if change.prices else None, {})
    again = replanned(plan, case_of(folder / "signed.toml", (*HOURS, *change.settings), book=tables))
    (tmp_path / "again.xlsx").write_bytes(plan_xlsx(again))
    wanted, found, before = values_of(tmp_path / "again.xlsx"), anew[name], values_of(book)
    live = {sheet: found[sheet] for sheet in change.sheets}
    assert differing(live, {sheet: wanted[sheet] for sheet in change.sheets}) == []
    assert differing(live, {sheet: before[sheet] for sheet in change.sheets}) != []
    assert found["Checks"]["B3"] is True


def test_a_volume_beyond_what_was_simulated_turns_the_master_check(anew: dict[str, Values]) -> None:
    checks = anew["outside"]["Checks"]
    assert checks["B3"] is False
    failed = [checks[f"A{place[1:]}"] for place, value in checks.items() if value is False and place != "B3"]
    assert failed == ["every month's work lies within what its fleet was simulated at (Fleet)"]
    assert False in anew["outside"]["Fleet"].values()
