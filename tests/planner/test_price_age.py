from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from planner.price_age import confirm, row_ages
from router import catalog
from router.errors import PriceError
from router.prices import load_prices

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 22)
ROW = "bfl-flux-2-pro-output-first-mp"


def confirmed(folder: Path, row: str = ROW, on: date = ON, today: date = ON) -> Path:
    roots = [DATA, folder]
    return confirm(roots, row, table=load_prices(roots), on=on, today=today)


def test_rows_come_longest_unseen_first_and_only_those_in_force() -> None:
    ages = row_ages(load_prices([DATA]), ON)
    assert [age.age_days for age in ages] == sorted((age.age_days for age in ages), reverse=True)
    ids = {age.row.id for age in ages}
    assert "cloudflare-flux-2-dev-output-tile-step" in ids
    assert not {"cloudflare-flux-2-dev-output-tile-step-launch", "openai-gpt-image-1-image-output",
                "fal-gpt-image-2-edit-high-1920x1080"} & ids


def test_sixty_days_are_fresh_and_sixty_one_are_stale() -> None:
    def stale(on: date) -> bool:
        return next(age.stale for age in row_ages(load_prices([DATA]), on)
                    if age.row.id == "openai-gpt-image-2-image-output")
    assert not stale(date(2026, 12, 13))
    assert stale(date(2026, 12, 14))


def test_an_imprecise_day_counts_from_its_earliest() -> None:
    yearly = next(age for age in row_ages(load_prices([DATA]), ON) if age.row.id == "fal-flux-2-dev-output-mp")
    assert (yearly.row.as_of.precision, yearly.age_days) == ("year", 325)


def test_a_confirmation_is_appended_and_no_row_is_rewritten(tmp_path: Path) -> None:
    path = confirmed(tmp_path)
    assert path == tmp_path / "prices" / "confirmations.csv"
    confirmed(tmp_path, "bfl-flux-2-max-output-first-mp")
    assert path.read_text() == f"row,on\n{ROW},2026-11-22\nbfl-flux-2-max-output-first-mp,2026-11-22\n"
    table = load_prices([DATA, tmp_path])
    assert next(age.age_days for age in row_ages(table, ON) if age.row.id == ROW) == 0
    assert str(table.row(ROW).as_of) == "2026-08"


def test_a_checkout_is_written_to_where_no_folder_is_given(tmp_path: Path) -> None:
    checkout = shutil.copytree(DATA / "prices", tmp_path / "data" / "prices").parent
    path = confirm([checkout], ROW, table=load_prices([checkout]), on=ON, today=ON)
    assert path == checkout / "prices" / "confirmations.csv"


def test_installed_tables_are_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "__file__", str(tmp_path / "catalog.py"))
    packaged = shutil.copytree(DATA / "prices", tmp_path / "_data" / "prices").parent
    with pytest.raises(PriceError, match="name a folder of your own with --data"):
        confirm([packaged], ROW, table=load_prices([packaged]), on=ON, today=ON)
    assert not (packaged / "prices" / "confirmations.csv").exists()


@pytest.mark.parametrize(("row", "on", "says"), [
    ("no-such-row", ON, "no such price row"),
    (ROW, date(2026, 11, 23), "later than today"),
    (ROW, date(2026, 8, 1), "was seen on 2026-08-01 already"),
    ("cloudflare-flux-2-dev-output-tile-step-launch", ON, "not in force on 2026-11-22"),
    ("openai-gpt-image-2-image-output", date(2026, 9, 4), "not in force on 2026-09-04"),
])
def test_a_confirmation_that_says_nothing_is_refused(tmp_path: Path, row: str, on: date, says: str) -> None:
    with pytest.raises(PriceError, match=says) as refusal:
        confirmed(tmp_path, row, on)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "prices").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "prices").write_text("a file where the folder should be")
    with pytest.raises(PriceError, match="cannot be written"):
        confirmed(tmp_path)
