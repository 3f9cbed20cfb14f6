"""A batch costs half, to the micro-dollar, before it is sent and after it came back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from router.attempts import Kind
from router.backends.protocol import Reply, Usage
from router.charges import charge_of, settled_by, usage_usd
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size, micro_usd
from router.request import ImageRequest
from tests.tables import DATA

from .test_charges import one
from .worlds import ON, picture

TABLE = load_prices([DATA])
HALVED = sorted({option.model for option in TABLE.options(ON) if option.tier == "batch"
                 and option.model.startswith("openai/")})
FREE_SIZES = tuple(Size.parse(size) for size in ("1024x1024", "1536x1024", "1024x1536", "2048x2048", "640x1024"))


def test_every_openai_model_that_is_sold_in_batches_is_here() -> None:
    assert " ".join(model.removeprefix("openai/") for model in HALVED) == (
        "chatgpt-image-latest gpt-image-1-mini gpt-image-1.5 gpt-image-2 gpt-image-2.5-flare gpt-image-2.5-sunburst")


@pytest.mark.parametrize("model", HALVED)
def test_a_batch_is_quoted_at_half_for_every_quality_and_size(model: str) -> None:
    offer = TABLE.find(model)
    listed = {size for family, _, size in TABLE.counts if family == offer.family} | {
        row.size for row in TABLE.of_model(model, component="image") if row.size is not None}
    quoted = 0
    for quality in TABLE.qualities(offer, on=ON):
        for size in listed or FREE_SIZES:
            plain = PriceAsk(model, size, quality=quality)
            edits = model.startswith("openai/gpt-image-2")  # no rule for references is known of the others
            edit = replace(plain, references=(Size(1024, 1024),) if edits else ())
            for ask in (plain, replace(plain, n=4, prompt_tokens=333), replace(edit, prompt_tokens=7)):
                assert quote(TABLE, replace(ask, tier="batch"), on=ON).usd * 2 == quote(TABLE, ask, on=ON).usd
                quoted += 1
    assert quoted >= 27


def test_counted_tokens_by_hand() -> None:
    """GPT Image 2 in a batch: 2.50 text in, 4 image in, 15 image out, USD a million."""
    usage = Usage(101, 1500, 1756)
    told = usage_usd(TABLE, usage, model="openai/gpt-image-2", tier="batch", on=ON)
    assert told == Decimal("0.0002525") + Decimal("0.006") + Decimal("0.02634") == Decimal("0.0325925")
    assert micro_usd(told) == 32_592  # 32,592.5, half to even
    assert usage_usd(TABLE, usage, model="openai/gpt-image-2", tier="sync", on=ON) == Decimal("0.065185")


@pytest.mark.parametrize("model", HALVED)
def test_counted_tokens_cost_half(model: str) -> None:
    usage = Usage(97, 1033, 4161)
    batch, sync = (usage_usd(TABLE, usage, model=model, tier=tier, on=ON) for tier in ("batch", "sync"))
    assert batch is not None
    assert sync is not None
    assert batch * 2 == sync


def test_tokens_without_a_price_have_none() -> None:
    counted = Usage(10, 0, 1756, output_text_tokens=5)
    assert usage_usd(TABLE, counted, model="openai/gpt-image-2", tier="batch", on=ON) is None
    assert usage_usd(TABLE, Usage(0, 0, 0), model="openai/gpt-image-2", tier="batch", on=ON) is None
    assert usage_usd(TABLE, Usage(10, 0, 10), model="openai/gpt-image-2.6-flare", tier="batch", on=ON) is None


def test_an_attempt_in_a_batch_is_settled_at_its_rates() -> None:
    """Medium, 1024x1024: 1756 tokens at 15 USD a million, and 100 of text at 2.50."""
    candidate, _ = one("openai/gpt-image-2@medium")
    assert candidate.quote is not None
    request = ImageRequest("x" * 400)
    size = Size(1024, 1024)
    batched = candidate._replace(option=replace(candidate.option, tier="batch"), quote=quote(
        TABLE, replace(candidate.quote.ask, tier="batch"), on=ON))
    charge = charge_of(TABLE, batched, request=request, size=size, n=1, on=ON)
    assert charge.quoted_usd == Decimal("0.02634") + Decimal("0.0002525")
    assert (charge.reserve_micro_usd, charge.price_row) == (27_343, "openai-gpt-image-2-image-output-batch")
    reply = Reply(Kind.OK, (picture(),), usage=Usage(100, 0, 1756))
    told = settled_by(TABLE, batched, reply=reply, charge=charge, on=ON)
    assert (told.actual_usd, told.micro_usd, told.off) == (Decimal("0.02659"), 26_590, False)
