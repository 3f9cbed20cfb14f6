from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import TableError
from router.price_contract import BillTerms, monthly_bill
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 22)
CONTRACT = """\
document = "order form 2026-07"
valid_from = 2026-10-01
valid_to = 2026-12-31

[[rate]]
model = "openai/gpt-image-2"
component = "image_output"
usd = "24"

[[rate]]
model = "openai/gpt-image-2"
discount_share = 0.1

[[rate]]
model = "bfl/flux-2-pro"
discount_share = "0.25"

[[credit]]
vendor = "openai"
usd_per_month = 5000

[[free_quota]]
model = "bfl/flux-2-pro"
images_per_month = 1000
"""
MONEY = st.decimals("0.0001", "5", places=5)


def folder(tmp_path: Path, text: str = CONTRACT) -> Path:
    (tmp_path / "contract.toml").write_text(text)
    return tmp_path


def test_list_and_contracted_cost_stay_side_by_side(tmp_path: Path) -> None:
    table = load_prices([DATA, folder(tmp_path)])
    quoted = quote(table, PriceAsk("openai/gpt-image-2", Size(1024, 1024), quality="high", prompt_tokens=1000), on=ON)
    assert quoted.usd == 7024 * Decimal("0.00003") + Decimal("0.005")
    assert quoted.contracted_usd == 7024 * Decimal("0.000024") + Decimal("0.0045")
    batch = quote(table, PriceAsk("openai/gpt-image-2", Size(1024, 1024), quality="high", tier="batch"), on=ON)
    assert batch.contracted_usd == 7024 * Decimal("0.000024")
    flux = quote(table, PriceAsk("bfl/flux-2-pro", Size(2048, 1024)), on=ON)
    assert (flux.usd, flux.contracted_usd) == (Decimal("0.045"), Decimal("0.03375"))


@pytest.mark.parametrize("on", [date(2026, 9, 30), date(2027, 1, 1)])
def test_a_contract_holds_on_its_days_only(tmp_path: Path, on: date) -> None:
    table = load_prices([DATA, folder(tmp_path)])
    quoted = quote(table, PriceAsk("bfl/flux-2-pro", Size(1024, 1024)), on=on)
    assert quoted.contracted_usd == quoted.usd
    assert table.contract is not None
    assert table.contract.bill_terms("bfl/flux-2-pro", on=on) == BillTerms(0, Decimal(0))


def test_without_a_contract_both_costs_are_the_same() -> None:
    table = load_prices([DATA])
    quoted = quote(table, PriceAsk("bfl/flux-2-pro", Size(1024, 1024)), on=ON)
    assert table.contract is None
    assert quoted.contracted_usd == quoted.usd


def test_a_month_is_billed_after_free_images_and_credit(tmp_path: Path) -> None:
    contract = load_prices([DATA, folder(tmp_path)]).contract
    assert contract is not None
    flux = monthly_bill(Decimal("0.03375"), 12_000, terms=contract.bill_terms("bfl/flux-2-pro", on=ON))
    assert (flux.gross_usd, flux.free_usd, flux.usd) == (Decimal(405), Decimal("33.75"), Decimal("371.25"))
    gpt = monthly_bill(Decimal("0.05"), 50_000, terms=contract.bill_terms("openai/gpt-image-2", on=ON))
    assert (gpt.credit_usd, gpt.usd) == (Decimal(2500), Decimal(0))


@given(MONEY, st.integers(0, 10**6), st.integers(0, 10**5), st.decimals("0", "10000", places=2))
def test_a_bill_adds_up_and_is_never_negative(usd: Decimal, images: int, free: int, credit: Decimal) -> None:
    bill = monthly_bill(usd, images, terms=BillTerms(free, credit))
    assert bill.gross_usd == bill.free_usd + bill.credit_usd + bill.usd
    assert bill.usd >= 0
    assert monthly_bill(usd, images + 1, terms=BillTerms(free, credit)).usd >= bill.usd


@pytest.mark.parametrize(("old", "new", "line", "key"), [
    ('document = "order form 2026-07"', "", 0, "document"),
    ("valid_from = 2026-10-01", 'valid_from = "soon"', 2, "valid_from"),
    ("valid_to = 2026-12-31", "valid_to = 2026-01-01", 3, "valid_to"),
    ('"openai/gpt-image-2"\ncomponent', '"openai/gpt-image-9"\ncomponent', 6, "model"),
    ('component = "image_output"', 'component = "pictures"', 7, "component"),
    ('component = "image_output"\n', "", 0, "component"),
    ('usd = "24"', 'usd = "24 dollars"', 8, "usd"),
    ('usd = "24"', "usd = -3", 8, "usd"),
    ('usd = "24"', 'usd = "24"\ndiscount_share = 0.2', 5, "rate"),
    ('discount_share = "0.25"', "discount_share = 25", 16, "discount_share"),
    ('vendor = "openai"', 'vendor = "closedai"', 19, "vendor"),
    ("images_per_month = 1000", 'images_per_month = "many"', 24, "images_per_month"),
    ("usd_per_month = 5000", "usd_per_year = 5000", 20, "usd_per_year"),
    ("[[credit]]", "[credit]", 18, "credit"),
    ('"bfl/flux-2-pro"\ndiscount', '"openai/gpt-image-2"\ndiscount', 5, "rate"),
    ('usd = "24"', 'usd = "24', 0, "TOML"),
])
def test_a_bad_contract_is_refused_with_file_line_key_and_remedy(
        tmp_path: Path, old: str, new: str, line: int, key: str) -> None:
    assert old in CONTRACT
    folder(tmp_path, CONTRACT.replace(old, new))
    with pytest.raises(TableError) as refusal:
        load_prices([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (tmp_path / "contract.toml", line, key)
    assert refusal.value.remedy
    assert "\n" not in str(refusal.value)
