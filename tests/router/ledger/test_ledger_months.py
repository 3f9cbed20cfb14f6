"""Months: export, sums, retention, and whether the books agree with themselves."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_rows import budget, closing, intent, request, settlement
from sqlalchemy import delete, func, select, update

import router.ledger.export as export_module
from router.errors import LedgerError
from router.ledger.audit import check
from router.ledger.books import Books, reading, writing
from router.ledger.export import COLUMNS, export_rows, neutral, write_export
from router.ledger.open import open_books, open_ledger
from router.ledger.pruning import prune, retire
from router.ledger.rollups import month_totals, roll_up
from router.ledger.tables import attempts, budgets, months, requests
from router.ledger.values import MonthTotal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from router.ledger.sql_ledger import SqlLedger

MARCH = datetime(2026, 3, 10, tzinfo=UTC)
EVER = budget(10**9, period="ever")


async def write(ledger: SqlLedger, names: Iterable[str], at: datetime = MARCH, **changed: Any) -> None:
    """Requests with a settled attempt each; those named `x...` fail."""
    async def one(name: str, after: int) -> None:
        row = request(f"r-{name}", received_at=at + timedelta(seconds=after), **changed)
        await ledger.reserve(intent(name, 5_000, (EVER, budget(10**9, period=f"{at:%Y-%m}")), request=row,
                                    at=at + timedelta(seconds=after)))
        state = "free" if name.startswith("x") else "billed"
        await ledger.settle(settlement(name, 0 if state == "free" else 3_000, state))

    await asyncio.gather(*(one(name, after) for after, name in enumerate(names)))


@pytest.fixture
def books(url: str) -> Iterable[Books]:
    """March: three images and a failure for acme, one for beta, and a request that was never sent; April: one image."""
    async def story() -> None:
        ledger = open_ledger(url)
        await write(ledger, ["a1", "a2", "a3", "x1"])
        await write(ledger, ["b1"], tenant="beta")
        await write(ledger, ["c1"], MARCH + timedelta(days=30))
        await ledger.record(request("r-none", received_at=MARCH), closing("r-none", state="rejected"))
        await ledger.close()

    asyncio.run(story())
    opened = open_books(url, create=False)
    yield opened
    opened.dispose()


def total(**changed: Any) -> MonthTotal:
    given: dict[str, Any] = {
        "month": "2026-03", "tenant": "acme", "segment": "bulk", "model": "flux-2-pro", "quality": "", "backend": "bfl",
        "requests": 4, "attempts": 4, "images": 3, "settled_micro_usd": 9_000, "failures": 1}
    return MonthTotal(**given | changed)


MARCH_TOTALS = (
    total(model="auto", quality="auto", backend="", requests=1, attempts=0, images=0, settled_micro_usd=0, failures=1),
    total(), total(tenant="beta", requests=1, attempts=1, images=1, settled_micro_usd=3_000, failures=0))


def test_sums_of_a_month_fresh_and_rolled_up(books: Books) -> None:
    assert month_totals(books, "2026-03") == MARCH_TOTALS
    assert roll_up(books, "2026-03") == 3
    with reading(books) as connection:
        assert connection.execute(select(months.c.stale)).scalar_one() == 0
    assert month_totals(books, "2026-03") == MARCH_TOTALS
    assert month_totals(books, "2025-12") == ()


def test_a_late_settlement_renews_the_sums(books: Books, url: str) -> None:
    roll_up(books, "2026-03")

    async def late() -> tuple[MonthTotal, ...]:
        ledger = open_ledger(url)
        await ledger.settle(settlement("b1", 4_500))
        totals = await ledger.month_totals("2026-03")
        await ledger.close()
        return totals

    assert asyncio.run(late())[2].settled_micro_usd == 4_500
    roll_up(books, "2026-03")
    assert month_totals(books, "2026-03")[2].settled_micro_usd == 4_500


def test_the_current_month_stays_open(url: str) -> None:
    async def story() -> tuple[int, int]:
        ledger, now = open_ledger(url), datetime.now(tz=UTC)
        await write(ledger, ["a1"], now)
        opened = open_books(url)
        await asyncio.to_thread(roll_up, opened, f"{now:%Y-%m}")
        before = (await ledger.month_totals(f"{now:%Y-%m}"))[0].images
        await write(ledger, ["a2"], now)
        after = (await ledger.month_totals(f"{now:%Y-%m}"))[0].images
        opened.dispose()
        await ledger.close()
        return before, after

    assert asyncio.run(story()) == (1, 2)


def counted(books: Books) -> tuple[int, int]:
    with reading(books) as connection:
        return (connection.execute(select(func.count()).select_from(attempts)).scalar_one(),
                connection.execute(select(func.count()).select_from(requests)).scalar_one())


def test_only_rolled_up_months_that_are_old_lose_their_rows(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.ledger.pruning._AT_ONCE", 2)
    end = datetime(2026, 4, 1, tzinfo=UTC)
    assert prune(books, end - timedelta(seconds=1)) == {}
    assert prune(books, end) == {"2026-03": "left: not rolled up"}
    roll_up(books, "2026-03")
    assert counted(books) == (6, 7)
    assert prune(books, end + timedelta(days=9)) == {"2026-03": "pruned: 11 rows"}
    assert counted(books) == (1, 1)
    assert month_totals(books, "2026-03") == MARCH_TOTALS
    assert check(books) == ()
    with reading(books) as connection:
        ever = connection.execute(select(budgets.c.settled_micro_usd).where(budgets.c.period == "ever")).scalar_one()
    assert ever == 15_000
    assert prune(books, end) == {}
    with pytest.raises(LedgerError, match="final"):
        roll_up(books, "2026-03")


def test_what_is_older_than_the_retention_is_rolled_up_and_deleted(books: Books) -> None:
    assert retire(books, datetime(2026, 4, 9, tzinfo=UTC)) == {"2026-03": "pruned: 11 rows"}
    assert month_totals(books, "2026-03") == MARCH_TOTALS
    assert check(books) == ()
    assert retire(books, datetime(2026, 4, 9, tzinfo=UTC)) == {}


def test_a_month_with_open_attempts_is_not_pruned(books: Books, url: str) -> None:
    async def leave_one_open() -> None:
        ledger = open_ledger(url)
        await ledger.reserve(intent("open", at=MARCH, request=request("r-open", received_at=MARCH)))
        await ledger.close()

    asyncio.run(leave_one_open())
    roll_up(books, "2026-03")
    assert prune(books, datetime(2026, 6, 1, tzinfo=UTC))["2026-03"] == "left: 1 attempts have no end yet"
    assert counted(books)[0] == 7


def test_an_export_holds_every_column_oldest_first_page_by_page(
        books: Books, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(export_rows(books, "2026-03"))
    monkeypatch.setattr(export_module, "_PAGE", 2)
    assert list(export_rows(books, "2026-03")) == whole
    assert sorted(row["attempt_id"] for row in whole) == ["a1", "a2", "a3", "b1", "x1"]
    assert [row["reserved_at"] for row in whole] == sorted(row["reserved_at"] for row in whole)
    assert tuple(whole[0]) == COLUMNS
    assert {"request_tenant", "settled_micro_usd", "request_policy_digest", "price_row"} <= set(COLUMNS)

    async def from_the_ledger() -> list[Any]:
        ledger = open_ledger(url)
        rows: AsyncIterator[Any] = ledger.export("2026-03")
        found = [row async for row in rows]
        await ledger.close()
        return found

    assert asyncio.run(from_the_ledger()) == whole


def test_a_csv_steers_no_spreadsheet_and_keeps_money_as_numbers(url: str) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        await write(ledger, ["a1"], campaign='=HYPERLINK("http://x","y")', brand="-1+2", tags='\ttab,"quoted"\nline')
        await ledger.close()

    asyncio.run(story())
    opened = open_books(url)
    file = io.StringIO(newline="")
    assert write_export(export_rows(opened, "2026-03"), file, kind="csv") == 1
    row = next(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert row["request_campaign"].startswith("'=HYPERLINK")
    assert row["request_brand"] == "'-1+2"
    assert row["request_tags"] == "'\ttab,\"quoted\"\nline"
    assert (row["settled_micro_usd"], row["request_usd_micro"], row["actual_usd"]) == ("3000", "0", "0.03")
    file = io.StringIO()
    write_export(export_rows(opened, "2026-03"), file, kind="jsonl")
    assert json.loads(file.getvalue())["request_campaign"].startswith("=HYPERLINK")
    opened.dispose()


@pytest.mark.parametrize(("value", "told"), [
    ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("a=1", "a=1"),
    (-5, -5), (None, None), (0.5, 0.5),
])
def test_cells_that_could_be_formulas(value: object, told: object) -> None:
    assert neutral(value) == told


def test_the_check_sees_what_is_wrong(books: Books) -> None:
    assert check(books) == ()
    with writing(books) as connection:
        connection.execute(update(budgets).where(budgets.c.period == "ever")
                           .values(settled_micro_usd=budgets.c.settled_micro_usd + 1))
        connection.execute(delete(budgets).where(budgets.c.period == "2026-04"))
        connection.execute(delete(requests).where(requests.c.id == "r-a1"))
    problems = check(books)
    assert problems[0] == "attempts: 1 have no request"
    assert problems[1].startswith("budget all ever: settled 15001 and reserved 0 micro-dollars")
    assert problems[2] == "budget all 2026-04: its attempts took money, but it has no row"


@pytest.mark.parametrize("month", ["november", "2026-13", "2026", ""])
def test_what_is_not_a_month(books: Books, month: str) -> None:
    with pytest.raises(LedgerError, match="write it as 2026-11"):
        export_rows(books, month)
