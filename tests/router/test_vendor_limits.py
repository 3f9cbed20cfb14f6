"""Limits of accounts: what a tier may do, that vendors' defaults are the lowest tier, and rows nobody could keep to."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from router.errors import TableError
from router.vendor_limits import AccountLimits, limits_at, load_limits, tiers_of
from router.vendors import load_vendors
from tests.tables import DATA

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "id,vendor,model,limit,tier,value,lifts,source,as_of,note"
ROW = "mine,acme,,images_per_minute,1,7,money,acme.example,2026-11,"
VENDORS, LIMITS = load_vendors([DATA]), load_limits([DATA])


def overlay(folder: Path, *rows: str) -> Path:
    (folder / "backends").mkdir()
    path = folder / "backends" / "limits.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


@pytest.mark.parametrize("vendor", [name for name, row in VENDORS.items() if not row.own and name != "sandbox"])
def test_a_vendor_starts_in_its_lowest_tier(vendor: str) -> None:
    row, rows = VENDORS[vendor], LIMITS.get(vendor, ())
    lowest = limits_at(rows, tiers_of(rows)[0]) if rows else AccountLimits(None, None)
    assert (row.images_per_minute, row.concurrent) == (lowest.images_per_minute, lowest.concurrent)


def test_every_row_names_a_vendor_and_tiers_only_rise() -> None:
    assert set(LIMITS) <= set(VENDORS)
    for rows in LIMITS.values():
        told = [limits_at(rows, tier) for tier in tiers_of(rows)]
        for lower, higher in pairwise(told):
            assert (lower.images_per_minute or 0) <= (higher.images_per_minute or 0)
            assert (lower.concurrent or 0) <= (higher.concurrent or 0)


def test_the_tiers_of_gpt_image_2() -> None:
    rows = LIMITS["openai"]
    assert {tier: limits_at(rows, tier).images_per_minute for tier in tiers_of(rows)} == {
        "1": 5, "2": 20, "3": 50, "4": 150, "5": 250}


def test_requests_count_as_images_and_the_tightest_row_binds(tmp_path: Path) -> None:
    overlay(tmp_path, ROW, "more,acme,,requests_per_minute,1,4,money,acme.example,2026-11,",
            "many,acme,,concurrent,1,3,money,acme.example,2026-11,")
    rows = load_limits([DATA, tmp_path])["acme"]
    assert limits_at(rows, "1") == AccountLimits(4, 3)
    assert limits_at(rows, "2") == AccountLimits(None, None)


def test_models_of_one_vendor_may_have_limits_of_their_own() -> None:
    rows = LIMITS["azure-flux"]
    pro = {tier: limits_at(rows, tier, models=["flux-2-pro"]).images_per_minute for tier in tiers_of(rows)}
    flex = {tier: limits_at(rows, tier, models=["flux-2-flex"]).images_per_minute for tier in tiers_of(rows)}
    assert (pro, flex) == ({"low": 15, "medium": 30, "high": 100}, {"low": 5, "medium": 10, "high": 25})
    for models in ((), ("flux-2-pro", "flux-2-flex"), ("flux-3",)):
        assert limits_at(rows, "low", models=models).images_per_minute == 5


@pytest.mark.parametrize(("row", "key"), [
    (ROW.replace(",7,", ",0,"), "value"), (ROW.replace(",1,7", ",,7"), "tier"),
    (ROW.replace(",1,7", ",Gold,7"), "tier"), (ROW.replace("images_per_minute", "images"), "limit"),
    (ROW.replace("acme.example", ""), "source")])
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: str, key: str) -> None:
    path = overlay(tmp_path, row)
    with pytest.raises(TableError) as refusal:
        load_limits([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 2, key)
