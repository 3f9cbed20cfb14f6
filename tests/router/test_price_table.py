from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from router.errors import TableError
from router.price_loading import load_published
from router.price_rows import COMPONENT_UNITS, UNIT_SIZES, Offer, Rate
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size
from router.tables import read_rows

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 22)
RATES = ("id,model,operation,component,quality,size,tier,usd,unit,valid_from,valid_to,as_of,confidence,anomaly,"
         "source,note")
GOOD = "mine,bfl/flux-2-pro,any,run,,,sync,0.02,per_run,2026-11-01,,2026-11-20,B,no,our invoice,"
OFFERS = ("model,card,vendor_model,rule,family,rounding,rounding_basis,default_steps,max_references,max_reference_mp,"
          "shutdown_on,successor,successor_quality,backend,least_side_px,most_side_px,side_multiple_px,most_reference_px,not_routable,"
          "as_of,source,note")
OFFER = "acme/flux-2-pro,flux-2-pro,flux,megapixels,,whole_mp,assumed,,8,,,,,,,,16,,,2026-11,acme.example,"


def overlay(folder: Path, *rows: str, name: str = "mine.csv", header: str = RATES) -> Path:
    (folder / "prices").mkdir(exist_ok=True)
    path = folder / "prices" / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_every_shipped_row_has_an_id_a_source_and_a_known_offer() -> None:
    table = load_prices([DATA])
    rows = table.rows()
    assert len(rows) == len({row.id for row in rows}) >= 300
    assert all(row.source and row.model in table.offers for row in rows)
    assert {row.model for row in rows} | {offer.model for offer in table.offers.values()
                                          if offer.rule == "not_sold"} == set(table.offers)


def test_every_vendor_file_holds_its_own_models_only() -> None:
    for vendor in ("openai", "bfl", "fal", "replicate", "together", "deepinfra", "cloudflare", "azure"):
        assert {row.model.partition("/")[0] for row in read_rows(DATA / "prices" / f"{vendor}.csv", Rate)} == {vendor}


def test_offers_name_successors_that_exist_and_qualities_they_have() -> None:
    table = load_prices([DATA])
    for offer in read_rows(DATA / "prices" / "offers.csv", Offer):
        if offer.successor:
            successor = table.find(offer.successor)
            words = [pair.split(":") for pair in offer.successor_quality.split()]
            assert {old for old, _ in words} <= set(table.qualities(offer, on=ON))
            assert {new for _, new in words} <= set(table.qualities(successor, on=ON))


def test_a_quality_renamed_by_a_successor_costs_the_same_there() -> None:
    table = load_prices([DATA])
    old = table.find("openai/gpt-image-2")
    for pair in old.successor_quality.split():
        before, after = pair.split(":")
        size = Size(1024, 1024)
        assert (quote(table, PriceAsk(old.model, size, quality=before), on=ON).usd
                == quote(table, PriceAsk(old.successor, size, quality=after), on=ON).usd)


def test_every_component_has_a_unit_and_every_unit_a_size() -> None:
    assert set(COMPONENT_UNITS.values()) == set(UNIT_SIZES)


def test_published_ids_are_unique() -> None:
    ids = [row.id for row in load_published([DATA])]
    assert len(ids) == len(set(ids))


def test_an_overlay_replaces_the_row_of_the_same_id_and_adds_others(tmp_path: Path) -> None:
    overlay(tmp_path, GOOD, GOOD.replace("mine", "bfl-flux-2-pro-output-first-mp").replace(",run,", ",output_first_mp,")
            .replace("per_run", "per_mp").replace("0.02", "0.025"))
    table = load_prices([DATA, tmp_path])
    assert quote(table, PriceAsk("bfl/flux-2-pro", Size(1024, 1024)), on=ON).usd == Decimal("0.045")
    assert len(table.rows()) == len(load_prices([DATA]).rows()) + 1


def test_an_overlay_may_bring_a_vendor_of_its_own(tmp_path: Path) -> None:
    overlay(tmp_path, OFFER, name="offers.csv", header=OFFERS)
    overlay(tmp_path, GOOD.replace("bfl/", "acme/").replace(",run,", ",output_mp,").replace("per_run", "per_mp"))
    table = load_prices([DATA, tmp_path])
    assert quote(table, PriceAsk("acme/flux-2-pro", Size(1024, 2048)), on=ON).usd == Decimal("0.04")


def test_a_confirmation_makes_a_row_younger_from_its_day_on(tmp_path: Path) -> None:
    overlay(tmp_path, "bfl-flux-2-pro-output-first-mp,2026-11-10", "bfl-flux-2-pro-output-first-mp,2026-12-10",
            name="confirmations.csv", header="row,on")
    table = load_prices([DATA, tmp_path])
    ask = PriceAsk("bfl/flux-2-pro", Size(1024, 1024))
    assert quote(table, ask, on=ON).age_days(ON) == 12
    assert quote(table, ask, on=date(2026, 11, 9)).stale(date(2026, 11, 9))


@pytest.mark.parametrize(("row", "key", "says"), [
    (GOOD.replace("our invoice", ""), "source", "missing source"),
    (GOOD.replace("0.02", "0"), "usd", "above 0"),
    (GOOD.replace("0.02", "-0.01"), "usd", "above 0"),
    (GOOD.replace("0.02", "2 cents"), "usd", "not an amount"),
    (GOOD.replace("0.02", "NaN"), "usd", "not an amount"),
    (GOOD.replace("per_run", "per_mp"), "unit", "write per_run"),
    (GOOD.replace("per_run", "per_minute"), "unit", "per_million_tokens"),
    (GOOD.replace(",run,", ",render,"), "component", "text_input"),
    (GOOD.replace("sync", "express"), "tier", "sync, batch"),
    (GOOD.replace(",any,", ",upscale,"), "operation", "any, generate, edit"),
    (GOOD.replace(",run,,,", ",run,,big,"), "size", "WIDTHxHEIGHT"),
    (GOOD.replace("2026-11-01", "2026-11"), "valid_from", "2026-11-24"),
    (GOOD.replace("2026-11-01,,", "2026-11-01,2026-10-01,"), "valid_to", "before valid_from"),
    (GOOD.replace("2026-11-20", "recently"), "as_of", "not a date"),
    (GOOD.replace(",B,", ",E,"), "confidence", "A, B, C, D"),
    (GOOD.replace(",no,", ",perhaps,"), "anomaly", "yes, no"),
    (GOOD.replace("mine", ""), "id", "give the row its own id"),
    (GOOD.replace("bfl/flux-2-pro", "bfl/flux-9"), "model", "no such offer"),
    (GOOD + ",more", "columns", "16 columns"),
    (GOOD.replace("mine", "first"), "id", "also the id of line 2"),
    (GOOD, "valid_from", "overlapping dates: first prices the same"),
])
def test_a_bad_rate_is_refused_with_file_line_key_and_remedy(tmp_path: Path, row: str, key: str, says: str) -> None:
    path = overlay(tmp_path, GOOD.replace("mine", "first"), row)
    with pytest.raises(TableError) as refusal:
        load_prices([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 3, key)
    assert says in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}:3: {key} = ")
    assert "\n" not in str(refusal.value)


def test_a_row_inside_the_announced_days_of_another_overlaps(tmp_path: Path) -> None:
    until = GOOD.replace("2026-11-01,,", "2026-11-01,2026-12-31,")
    path = overlay(tmp_path, until, GOOD.replace("mine", "next").replace("2026-11-01", "2026-12-31"))
    with pytest.raises(TableError, match="announced to hold until 2026-12-31") as refusal:
        load_prices([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line) == (path, 3)
    overlay(tmp_path, until, GOOD.replace("mine", "next").replace("2026-11-01", "2027-01-01"))
    assert load_prices([DATA, tmp_path]).row("next")


@pytest.mark.parametrize(("header", "key"), [
    (RATES.replace("note", "remark"), "remark"), (RATES.replace(",valid_to", ""), "valid_to")])
def test_a_wrong_header_is_refused(tmp_path: Path, header: str, key: str) -> None:
    path = overlay(tmp_path, header=header)
    with pytest.raises(TableError) as refusal:
        load_prices([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 1, key)


@pytest.mark.parametrize(("row", "key"), [
    (OFFER.replace("acme/flux-2-pro", "flux-2-pro"), "model"),
    (OFFER.replace(",megapixels,", ",by_feel,"), "rule"),
    (OFFER.replace(",flux-2-pro,flux", ",,flux"), "card"),
    (OFFER.replace("megapixels", "tiles_steps"), "default_steps"),
    (OFFER.replace(",16,,,2026", ",even,,,2026"), "side_multiple_px"),
    (OFFER.replace(",16,,,2026", ",16,small,,2026"), "most_reference_px"),
    (OFFER.replace("acme.example", ""), "source"),
    (OFFER.replace(",8,,,,,", ",8,,,,medium,"), "successor_quality"),
])
def test_a_bad_offer_is_refused(tmp_path: Path, row: str, key: str) -> None:
    path = overlay(tmp_path, row, name="offers.csv", header=OFFERS)
    with pytest.raises(TableError) as refusal:
        load_prices([DATA, tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 2, key)


@pytest.mark.parametrize(("row", "key"), [("nothing,2026-11-01", "row"),
                                          ("bfl-flux-2-pro-input-mp,yesterday", "on")])
def test_a_bad_confirmation_is_refused(tmp_path: Path, row: str, key: str) -> None:
    overlay(tmp_path, row, name="confirmations.csv", header="row,on")
    with pytest.raises(TableError) as refusal:
        load_prices([DATA, tmp_path])
    assert refusal.value.key == key


def test_the_shipped_files_are_plain_csv_without_stray_blanks() -> None:
    for path in sorted((DATA / "prices").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            assert [cells for cells in csv.reader(file) if any(cell != cell.strip() for cell in cells)] == []
