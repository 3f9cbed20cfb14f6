"""The accrual file: used and not invoiced, to be reversed on the first of the next month."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from planner.errors import PlannerError
from tests.planner.actuals.month_books import GPU, MONTH, OPENAI, attempt, said, settings, write_books
from tests.planner.actuals.test_focus import focus, usd
from tests.planner.actuals.test_reconcile import BOOKS, CUR, bfl, bucket, page, usage

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, str]]


def accruals(url: str, folder: Path, *options: object) -> Rows:
    out = folder / "accruals.csv"
    said("export", "accruals", "--month", MONTH, "--ledger", url, "--out", out, "--force", *options)
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_usage_minus_invoiced_is_accrued_by_vendor(url: str, tmp_path: Path) -> None:
    write_books(url, BOOKS)
    rows = accruals(url, tmp_path, "--invoice", bfl(tmp_path / "bfl.csv", (1, 3, "3"), (2, 3, "3")))
    assert rows == [
        {"month": MONTH, "vendor": "bfl", "currency": "USD", "usage_usd": "0.360000", "invoiced_usd": "0.180000",
         "accrual_usd": "0.180000", "reversal_date": "2026-11-01", "status": "final"},
        {"month": MONTH, "vendor": "openai", "currency": "USD", "usage_usd": "0.105360", "invoiced_usd": "0.000000",
         "accrual_usd": "0.105360", "reversal_date": "2026-11-01", "status": "final"}]


def test_without_invoices_all_that_vendors_bill_is_accrued(url: str, tmp_path: Path) -> None:
    write_books(url, [*BOOKS, attempt(95, **GPU)])
    rows = accruals(url, tmp_path)
    assert {row["vendor"] for row in rows} == {"bfl", "openai"}
    filed = focus(url, tmp_path, "--settings", settings(tmp_path))
    assert sum(Decimal(row["accrual_usd"]) for row in rows) == usd(filed, "BilledCost")


def test_an_attempt_without_an_end_makes_it_provisional(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1), attempt(2, state="sent", images=0, settled_micro_usd=0, settled_at=None)])
    assert {row["status"] for row in accruals(url, tmp_path)} == {"provisional"}


def test_rented_cards_are_accrued_where_their_invoice_is_given(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, **GPU), attempt(2, **OPENAI)])
    bill = tmp_path / "cur.csv"
    bill.write_text(f"{CUR}2026-10-05T08:00:00Z,18.96,USD,Usage,g6e.xlarge\n")
    rows = accruals(url, tmp_path, "--settings", settings(tmp_path), "--invoice", bill)
    # 22 working days at 18.96 USD, one of them invoiced.
    assert {row["vendor"]: row["accrual_usd"] for row in rows} == {"openai": "0.052680", "own GPUs": "398.160000"}


def test_what_cannot_be_accrued_leaves_no_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, BOOKS)
    with pytest.raises(PlannerError, match="statement of openai names images and no money; give its costs"):
        accruals(url, tmp_path, "--invoice", page(tmp_path / "u.json", bucket([usage(2)])))
    with pytest.raises(PlannerError, match="nothing was paid for in 2026-08"):
        said("export", "accruals", "--month", "2026-08", "--ledger", url, "--out", tmp_path / "accruals.csv")
    assert [path.name for path in tmp_path.iterdir() if "accruals" in path.name] == []
