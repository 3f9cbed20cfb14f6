"""The FOCUS file of a month: its sums are the ledger's, its rows are what the books hold, and half a file is none."""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from planner.actuals.focus import COLUMNS
from planner.errors import PlannerError
from router.errors import LedgerError
from router.ledger.open import open_books
from router.ledger.pruning import prune
from router.ledger.rollups import month_totals, roll_up
from tests.planner.actuals.month_books import (
    BEGIN,
    BFL,
    GPU,
    MONTH,
    OPENAI,
    SETTINGS,
    attempt,
    said,
    settings,
    write_books,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[dict[str, str]]
# 22 working days of October 2026, 12 hours, two cards, at 0.79 USD.
CARDS_USD = 22 * 12 * 2 * Decimal("0.79")


def focus(url: str, folder: Path, *options: object) -> Rows:
    out = folder / "focus.csv"
    said("export", "focus", "--month", MONTH, "--ledger", url, "--out", out, "--force", *options)
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def usd(rows: Rows, column: str, **only: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if all(row[key] == value for key, value in only.items())),
               Decimal(0))


def ledger_usd(url: str) -> Decimal:
    books = open_books(url, create=False)
    micro = sum(total.settled_micro_usd for total in month_totals(books, MONTH))
    books.dispose()
    return Decimal(micro).scaleb(-6)


STORY = [
    attempt(1), attempt(2), attempt(3, **OPENAI), attempt(4, **OPENAI, n=4, images=4, size="1536x1024"),
    attempt(5, **GPU), attempt(6, **GPU, request_tenant="beta", n=4, images=4, request_cost_center=""),
    attempt(7, images=0, state="possibly_billed"), attempt(8, images=0, state="free", settled_micro_usd=0),
    attempt(9, request_id="r000008", number=2, **OPENAI),
    attempt(10, datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    attempt(11, datetime(2026, 11, 1, tzinfo=UTC)), attempt(12, datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC))]


def test_the_sums_are_the_ledgers_to_the_micro_dollar(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    for options in ((), ("--detail",)):
        rows = focus(url, tmp_path, "--settings", settings(tmp_path), *options)
        assert tuple(rows[0]) == COLUMNS
        assert usd(rows, "x_LedgerCost") == ledger_usd(url) == Decimal("0.278072")
        assert usd(rows, "BilledCost") == Decimal("0.278040")
        assert usd(rows, "EffectiveCost") == ledger_usd(url) + CARDS_USD
        assert usd(rows, "x_LedgerCost", x_Backend="gpu") == Decimal("0.000032")


def test_cards_cost_what_their_hours_cost_and_idle_ones_have_rows(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    rows = focus(url, tmp_path, "--settings", settings(tmp_path), "--company", "Acme Images")
    own = [row for row in rows if row["x_Backend"] == "gpu"]
    assert {row["ProviderName"] for row in own} == {"Acme Images"}
    assert {row["BilledCost"] for row in own} == {"0.000000"}
    idle = [row for row in own if row["ServiceCategory"] == "Compute"]
    assert [row["ChargePeriodStart"][:10] for row in idle] == [
        f"2026-10-{day:02}" for day in range(1, 32) if (BEGIN + timedelta(days=day - 1)).weekday() < 5]
    assert usd(own, "x_GpuHours") == pytest.approx(22 * 12 * 2, abs=Decimal("0.00001"))
    work = [row for row in own if row["ServiceCategory"] != "Compute"]
    # An image takes 5 s of a card; the day's 24 hours cost 18.96 USD.
    assert {row["SubAccountId"]: Decimal(row["EffectiveCost"]) for row in work} == {
        "acme": Decimal("0.001097") + Decimal("0.000016"), "beta": Decimal("0.004389") + Decimal("0.000016")}
    assert usd(idle, "EffectiveCost", ChargePeriodStart="2026-10-01T00:00:00Z") == Decimal("18.954514")


def test_rows_are_told_apart_as_the_books_tell_them(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    rows = [row for row in focus(url, tmp_path, "--settings", settings(tmp_path))
            if row["ServiceCategory"] != "Compute"]
    told = {(row["ChargePeriodStart"][:10], row["SkuId"], row["SubAccountId"], row["x_Images"]): row for row in rows}
    assert set(told) == {
        ("2026-10-01", "bfl/flux-2-pro 1024x1024", "acme", "2"),
        ("2026-10-01", "bfl/flux-2-pro 1024x1024", "acme", "0"),
        ("2026-10-01", "openai/gpt-image-2@medium 1024x1024", "acme", "2"),
        ("2026-10-01", "openai/gpt-image-2@medium 1536x1024", "acme", "4"),
        ("2026-10-01", "worker/flux-2-klein-4b 1024x1024", "acme", "1"),
        ("2026-10-01", "worker/flux-2-klein-4b 1024x1024", "beta", "4"),
        ("2026-10-31", "bfl/flux-2-pro 1024x1024", "acme", "1")}
    doubtful = told["2026-10-01", "bfl/flux-2-pro 1024x1024", "acme", "0"]
    assert doubtful["ChargeDescription"] == "flux-2-pro 1024x1024 by bfl, charged without an image"
    assert (doubtful["PricingQuantity"], doubtful["BilledCost"]) == ("1.000000", "0.030000")
    made = told["2026-10-01", "bfl/flux-2-pro 1024x1024", "acme", "2"]
    wanted = {"ProviderName": "Black Forest Labs", "RegionId": "eu", "ListUnitPrice": "0.030000000000",
              "PricingUnit": "Images", "SkuPriceId": "bfl/flux-2-pro 1024x1024 (bfl-flux-2-pro-output-first-mp)"}
    assert {name: made[name] for name in wanted} == wanted
    assert json.loads(made["Tags"]) == {"cost_center": "4711", "project": "shop", "segment": "bulk"}
    assert "cost_center" not in json.loads(told["2026-10-01", "worker/flux-2-klein-4b 1024x1024", "beta", "4"]["Tags"])


def test_detail_is_a_row_for_each_attempt(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    rows = focus(url, tmp_path, "--settings", settings(tmp_path), "--detail")
    assert [row["ResourceId"] for row in rows if row["ResourceId"]] == [
        f"a{number:06}" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10)]


def test_without_settings_a_vendor_is_known_by_the_price_row(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, backend="account-7"), attempt(2, **OPENAI)])
    assert {row["x_Backend"]: row["ProviderName"] for row in focus(url, tmp_path)} == {
        "account-7": "Black Forest Labs", "openai": "OpenAI"}


def test_of_a_pruned_month_the_roll_up_is_exported(url: str, tmp_path: Path) -> None:
    write_books(url, STORY)
    before, books = ledger_usd(url), open_books(url)
    roll_up(books, MONTH)
    assert prune(books, datetime(2026, 11, 1, tzinfo=UTC))[MONTH].startswith("pruned")
    books.dispose()
    rows = focus(url, tmp_path, "--settings", settings(tmp_path))
    assert usd(rows, "x_LedgerCost") == before
    assert usd(rows, "EffectiveCost") == before + CARDS_USD
    assert {(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in rows} == {
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")}
    with pytest.raises(PlannerError, match="pruned and only the sums are left"):
        focus(url, tmp_path, "--detail")
    text = SETTINGS.replace("seconds_per_image = 5\n", "")
    with pytest.raises(PlannerError, match=r"state gpus\.seconds_per_image"):
        focus(url, tmp_path, "--settings", settings(tmp_path, text))


@pytest.mark.parametrize(("change", "told"), [
    (lambda text: text.replace("usd_per_gpu_h = 0.79\n", ""), "state usd_per_gpu_h"),
    (lambda text: text.replace('name = "gpu"', 'name = "other"'), "no backend 'gpu'"),
])
def test_own_cards_are_never_free_by_silence(tmp_path: Path, change: Callable[[str], str], told: str) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, STORY)
    with pytest.raises(PlannerError, match=told):
        focus(url, tmp_path, "--settings", settings(tmp_path, change(SETTINGS)))
    with pytest.raises(PlannerError, match="give --settings"):
        focus(url, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if "focus" in path.name] == []


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1, request_tenant='=HYPERLINK("http://x")')])
    assert focus(url, tmp_path)[0]["SubAccountId"] == '\'=HYPERLINK("http://x")'


def refused(folder: Path, month: str, url: str, out: Path) -> str:
    before = sorted(folder.rglob("*"))
    with pytest.raises((PlannerError, LedgerError)) as error:
        said("export", "focus", "--month", month, "--ledger", url, "--out", out)
    assert sorted(folder.rglob("*")) == before
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_be_exported_is_said_in_a_line_and_leaves_nothing(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path}/books.sqlite", tmp_path / "out.csv"
    write_books(url, STORY)
    assert "no attempt in 2026-08" in refused(tmp_path, "2026-08", url, out)
    assert "not a month; write it as 2026-11" in refused(tmp_path, "october", url, out)
    assert "has not begun" in refused(tmp_path, "2999-01", url, out)
    assert "there is no such file" in refused(tmp_path, MONTH, f"sqlite:///{tmp_path}/none.sqlite", out)
    assert "the folder" in refused(tmp_path, MONTH, url, tmp_path / "none" / "out.csv")
    assert "a folder; name a file" in refused(tmp_path, MONTH, url, tmp_path)
    out.write_text("kept")
    assert "give --force" in refused(tmp_path, MONTH, url, out)
    assert out.read_text() == "kept"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, STORY)
    assert "cannot be written" in refused(tmp_path, MONTH, url, Path("/proc/out.csv"))  # not even by root


def test_an_error_of_the_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite"
    write_books(url, [attempt(1)])

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("planner.actuals.writing.os.fsync", full)
    assert "cannot be written (No space left on device)" in refused(tmp_path, MONTH, url, tmp_path / "out.csv")

    def forbidden(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", forbidden)
    assert "cannot be written (Permission denied)" in refused(tmp_path, MONTH, url, tmp_path / "out.csv")


def test_a_month_that_is_not_over_is_provisional(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/books.sqlite", datetime.now(tz=UTC)
    write_books(url, [attempt(1, now)])
    out = tmp_path / "out.csv"
    said("export", "focus", "--month", f"{now:%Y-%m}", "--ledger", url, "--out", out)
    with out.open(newline="") as file:
        assert [row["x_Status"] for row in csv.DictReader(file)] == ["provisional"]


attempts = st.builds(
    lambda number, at, place, images, micro, tenant: {"at": BEGIN + at, "images": images, "settled": micro,
                                                      "tenant": tenant, "place": place, "number": number},
    st.just(1), st.timedeltas(timedelta(0), timedelta(days=30, hours=23)), st.sampled_from([OPENAI, BFL, GPU]),
    st.integers(0, 5), st.integers(0, 10**7), st.sampled_from(["acme", "beta", "", 'ünïcode, "quoted"']))


@given(st.lists(attempts, min_size=1, max_size=25))
@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_books_come_out_whole(tmp_path: Path, made: list[dict[str, Any]]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    url = f"sqlite:///{folder}/books.sqlite"
    write_books(url, [attempt(number, one["at"], **(one["place"] | {"settled_micro_usd": one["settled"]}),
                              images=one["images"], request_tenant=one["tenant"]) for number, one in enumerate(made)])
    for options in ((), ("--detail",)):
        rows = focus(url, folder, "--settings", settings(folder), *options)
        assert usd(rows, "x_LedgerCost") == ledger_usd(url)
        assert usd(rows, "EffectiveCost") == ledger_usd(url) + CARDS_USD
        hosted = sum(one["settled"] for one in made if one["place"] is not GPU)
        assert usd(rows, "BilledCost") == Decimal(hosted).scaleb(-6)
