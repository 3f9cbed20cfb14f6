from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import PriceError
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size

if TYPE_CHECKING:
    from router.price_table import Option, PriceTable

DATA = Path(__file__).parents[2] / "data"
TABLE = load_prices([Path(__file__).parents[2] / "data"])
ON = date(2026, 11, 22)
SOLD = [option for option in TABLE.options(ON) if TABLE.find(option.model).rule != "unpublished"]
OPTIONS = st.sampled_from(SOLD)
BATCHED = st.sampled_from([option for option in SOLD if option.tier == "batch"])
SIZES = st.sampled_from([Size(1024, 1024), Size(1024, 1536), Size(1536, 1024), Size(2048, 1152), Size(1920, 1080)])
REFERENCES = st.lists(SIZES, max_size=3).map(tuple)
COUNTS = st.integers(min_value=1, max_value=10)


def priced(ask: PriceAsk, table: PriceTable = TABLE, on: date = ON) -> Decimal | None:
    """The price, or None where the vendor refuses the combination."""
    try:
        return quote(table, ask, on=on).usd
    except PriceError:
        return None


@settings(max_examples=300)
@given(OPTIONS, SIZES, COUNTS, REFERENCES, st.none() | st.integers(1, 4000))
def test_cost_scales_with_n(option: Option, size: Size, n: int, references: tuple[Size, ...],
                            prompt_tokens: int | None) -> None:
    one = PriceAsk(option.model, size, quality=option.quality, tier=option.tier, references=references,
                   prompt_tokens=prompt_tokens)
    usd = priced(one)
    many = priced(dataclasses.replace(one, n=n))
    assert many == (None if usd is None else n * usd)


@settings(max_examples=300)
@given(OPTIONS, SIZES, COUNTS, REFERENCES)
def test_nothing_is_free(option: Option, size: Size, n: int, references: tuple[Size, ...]) -> None:
    usd = priced(PriceAsk(option.model, size, quality=option.quality, tier=option.tier, n=n, references=references))
    assert usd is None or usd > 0


@given(st.sampled_from([option for option in SOLD if option.model.startswith("openai/") and option.tier == "sync"]),
       COUNTS, st.integers(1, 3))
def test_a_stream_costs_the_image_and_the_stated_partials(option: Option, n: int, partials: int) -> None:
    plain = PriceAsk(option.model, Size(1024, 1024), quality=option.quality, n=n)
    whole, streamed = priced(plain), priced(dataclasses.replace(plain, partial_images=partials))
    if TABLE.find(option.model).rule == "size_list":
        assert streamed is None
        return
    rate = TABLE.rate(option.model, "image_output", on=ON, operation="generate")
    assert whole is not None
    assert rate is not None
    assert streamed == whole + n * partials * 100 * rate.usd / 1_000_000


@settings(max_examples=200)
@given(BATCHED, SIZES, COUNTS, REFERENCES, st.none() | st.integers(1, 4000))
def test_batch_is_half_where_it_is_sold(option: Option, size: Size, n: int, references: tuple[Size, ...],
                                        prompt_tokens: int | None) -> None:
    batch = PriceAsk(option.model, size, quality=option.quality, tier="batch", n=n, references=references,
                     prompt_tokens=prompt_tokens)
    usd = priced(batch)
    sync = priced(dataclasses.replace(batch, tier="sync"))
    assert sync == (None if usd is None else 2 * usd)


@settings(max_examples=200)
@given(OPTIONS, SIZES, st.integers(0, 400), st.integers(1, 400), st.decimals("0.0001", "100", places=4),
       st.data())
def test_a_row_appended_later_never_changes_a_past_day(option: Option, size: Size, before: int, after: int,
                                                       usd: Decimal, data: st.DataObject) -> None:
    on, since = ON - timedelta(days=before), ON - timedelta(days=before) + timedelta(days=after)
    ask = PriceAsk(option.model, size, quality=option.quality, tier=option.tier)
    row = data.draw(st.sampled_from([row for (model, _), rows in TABLE.rates.items() if model == option.model
                                     for row in rows]))
    newer = dataclasses.replace(row, id="newer", usd=usd, valid_from=since)
    key = (row.model, row.component)
    rows = tuple(sorted((*TABLE.rates[key], newer), key=lambda one: one.valid_from))
    appended = dataclasses.replace(TABLE, rates={**TABLE.rates, key: rows})
    assert priced(ask, appended, on) == priced(ask, TABLE, on)


@pytest.mark.parametrize("later", ["2026-11-23", "2027-05-01"])
def test_a_later_row_holds_from_its_day_on(tmp_path: Path, later: str) -> None:
    (tmp_path / "prices").mkdir()
    text = (Path(__file__).parents[2] / "data/prices/bfl.csv").read_text().splitlines()
    row = next(line for line in text if line.startswith("bfl-flux-2-pro-output-first-mp"))
    newer = row.replace("first-mp,", "first-mp-newer,").replace("0.03,", "0.04,").replace("2026-02-03,", f"{later},", 1)
    (tmp_path / "prices" / "bfl.csv").write_text("\n".join([text[0], newer]))
    table = load_prices([Path(__file__).parents[2] / "data", tmp_path])
    ask = PriceAsk("bfl/flux-2-pro", Size(1024, 1024))
    since = date.fromisoformat(later)
    assert priced(ask, table, since - timedelta(days=1)) == Decimal("0.03")
    assert priced(ask, table, since) == Decimal("0.04")


@given(st.integers(64, 2048), st.integers(64, 2048))
def test_more_pixels_never_cost_less_by_the_megapixel(width: int, height: int) -> None:
    small = priced(PriceAsk("bfl/flux-2-pro", Size(width, height)))
    large = priced(PriceAsk("bfl/flux-2-pro", Size(min(2048, width + 16), min(2048, height + 16))))
    assert small is not None
    assert large is not None
    assert small <= large


@pytest.mark.parametrize("row", [
    "bfl/flux-2-pro,any,run,,,sync,0.5,per_run", "fal/flux-2-dev,any,output_first_mp,,,sync,0.5,per_mp",
    "bfl/flux-2-pro,any,text_input,,,sync,5,per_million_tokens"])
def test_a_component_charged_from_a_later_day_leaves_earlier_days_alone(tmp_path: Path, row: str) -> None:
    (tmp_path / "prices").mkdir()
    header = (DATA / "prices" / "bfl.csv").read_text().splitlines()[0]
    (tmp_path / "prices" / "later.csv").write_text(f"{header}\nlater,{row},2027-01-01,,2026-11-01,A,no,announced,\n")
    before, after = load_prices([DATA]), load_prices([DATA, tmp_path])
    ask = PriceAsk(row.partition(",")[0], Size(1024, 1024), prompt_tokens=50)
    assert quote(after, ask, on=date(2026, 11, 24)).usd == quote(before, ask, on=date(2026, 11, 24)).usd
