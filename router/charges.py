"""What an attempt may cost at most, what it should cost, and what it did cost, all through the price function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from .options import price_ask
from .prices import quote
from .quantities import micro_usd, reserve_micro_usd

if TYPE_CHECKING:
    from datetime import date

    from .backends.protocol import Reply, Usage
    from .price_table import PriceTable
    from .prices import Quote
    from .quantities import Size
    from .ranking import Candidate
    from .request import ImageRequest

__all__ = ["EDIT_FACTOR", "OFF_BY_SHARE", "Charge", "Settled", "charge_of", "settled_by", "usage_usd"]

EDIT_FACTOR = Decimal("1.5")
"""No vendor publishes an upper bound on the tokens of reference images; a settlement above the reserve raises this."""
OFF_BY_SHARE = Decimal("0.01")
_BYTES_PER_TOKEN = 4
_BY_TOKENS, _PER_MILLION = "per_million_tokens", Decimal(1_000_000)


@dataclass(frozen=True)
class Charge:
    """One attempt's money before it is sent.

    Attributes:
        quoted_usd: what the tables say it costs; own GPUs cost their power.
        reserve_usd: the worst case. A prompt never has more tokens than bytes.
        price_row: id of the rate of the image itself; empty for own GPUs.
    """

    quoted_usd: Decimal
    reserve_usd: Decimal
    price_row: str

    @property
    def reserve_micro_usd(self) -> int:
        """The reserve in micro-dollars, rounded up."""
        return reserve_micro_usd(self.reserve_usd)


@dataclass(frozen=True)
class Settled:
    """What an answer cost.

    Attributes:
        actual_usd: exact, where the provider told it; None where the quote stands in for it.
        off: the quote missed what was billed by more than one per cent, or something was counted that has no price:
            the price row wants a look.
    """

    micro_usd: int
    actual_usd: Decimal | None
    off: bool


def charge_of(table: PriceTable, candidate: Candidate, *, request: ImageRequest, size: Size, n: int,
              on: date) -> Charge:
    """The money of `n` images of a candidate.

    Raises:
        PriceError: it cannot be priced.
    """
    if candidate.quote is None:
        usd = candidate.usd_per_image * n
        return Charge(usd, usd, "")
    most = len(request.prompt.encode())
    ask = price_ask(candidate.option, request, size=size, n=n, prompt_tokens=most // _BYTES_PER_TOKEN + 1)
    expected = quote(table, ask, on=on)
    reads_prompt = any(part.row.component == "text_input" for part in expected.parts)
    worst = quote(table, replace(ask, prompt_tokens=most + 1), on=on).usd if reads_prompt else expected.usd
    return Charge(expected.usd, worst * EDIT_FACTOR if request.references else worst, expected.row.id)


def settled_by(table: PriceTable, candidate: Candidate, *, reply: Reply, charge: Charge, on: date) -> Settled:
    """What an attempt cost by the provider's own word: its charge, or the tokens it counted; else as quoted."""
    made, usage, actual = candidate.quote, reply.usage, reply.cost_usd
    if actual is None and usage is not None and made is not None and made.row.unit == _BY_TOKENS:
        actual = usage_usd(table, usage, model=candidate.option.model, tier=candidate.option.tier, on=on)
        off = actual is None or _output_is_off(made, usage, images=max(1, len(reply.pictures)))
    else:
        off = actual is not None and abs(actual - charge.quoted_usd) > charge.quoted_usd * OFF_BY_SHARE
    return Settled(micro_usd(charge.quoted_usd if actual is None else actual), actual, off)


def usage_usd(table: PriceTable, usage: Usage, *, model: str, tier: str, on: date) -> Decimal | None:
    """What tokens cost that a vendor counted, exactly; None where one of a kind without a price was.

    Args:
        table: the prices.
        usage: as the vendor's answer states it.
        model: `vendor/model`, as the offers name it.
        tier: the lane it went by.
        on: the day whose rates hold.
    """
    total = Decimal(0)
    for component, tokens in (("text_input", usage.input_text_tokens), ("image_input", usage.input_image_tokens),
                              ("image_output", usage.output_image_tokens), ("text_output", usage.output_text_tokens)):
        if not tokens:
            continue
        rate = table.rate(model, component, on=on, operation="generate", tier=tier)
        if rate is None:
            return None
        total += rate.usd * tokens / _PER_MILLION
    return total or None


def _output_is_off(made: Quote, usage: Usage, *, images: int) -> bool:
    """The image's own tokens against the quote's; the prompt's are an estimate before the answer."""
    expected = sum((part.quantity for part in made.parts if part.row.component == "image_output"), Decimal(0)) * images
    return abs(usage.output_image_tokens - expected) > expected * OFF_BY_SHARE
