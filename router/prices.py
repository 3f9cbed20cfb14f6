"""What an image costs: the one price function. An exact Decimal with its parts and their rows, or an error, never 0."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING

from .errors import PriceError
from .price_checks import check_ask
from .price_flags import flags_of
from .price_loading import load_prices as _load_prices
from .price_rows import UNIT_SIZES
from .price_rules import Job, Line, delivered_size, lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from .price_rows import Rate
    from .price_table import PriceTable
    from .quantities import Size

__all__ = ["DRIFT_SHARE_PER_YEAR", "STALE_AFTER_DAYS", "Part", "PriceAsk", "Quote", "load_prices", "quote"]

STALE_AFTER_DAYS = 60
DRIFT_SHARE_PER_YEAR = 0.2  # 1 sigma of a year's change, pooled over the hosted Flux rates; see docs/prices.md
_DAYS_PER_YEAR = 365
_EXACT = Context(prec=50)  # whatever precision a service works with


@dataclass(frozen=True)
class PriceAsk:
    """What is to be priced.

    Attributes:
        model: `vendor/model`, or a name that `PriceTable.find` forgives.
        operation: `generate` or `edit`; reference images make it an edit.
        quality: required for GPT Image, not a word of Flux.
        n: images.
        references: sizes of the reference images of one request.
        steps: denoising steps, where they are billed; the vendor's default where left out.
        partial_images: previews streamed per image.
        prompt_tokens: text tokens of the prompt; left out, the prompt is not in the price and the parts say so.
    """

    model: str
    size: Size
    operation: str = "generate"
    quality: str | None = None
    n: int = 1
    tier: str = "sync"
    references: tuple[Size, ...] = ()
    steps: int | None = None
    partial_images: int = 0
    prompt_tokens: int | None = None


@dataclass(frozen=True)
class Part:
    """One line of a price: `quantity` units of `row` at `rate_usd` per unit, for all n images together."""

    label: str
    quantity: Decimal
    unit: str
    rate_usd: Decimal
    usd: Decimal
    contracted_usd: Decimal
    row: Rate


@dataclass(frozen=True)
class Quote:
    """A price in USD.

    Attributes:
        ask, model, on: what was asked, the offer it meant, the day it is priced for.
        usd, contracted_usd: list price and price under the contract, for all n images.
        row: the rate of the image itself; `parts` name every rate.
        delivered: the size the vendor makes; not the asked one where it rounds sides.
        flags: what a reader must know, one sentence each.
        checked_on: the day on which the longest unseen of the rates was last seen.
    """

    ask: PriceAsk
    model: str
    on: date
    usd: Decimal
    contracted_usd: Decimal
    parts: tuple[Part, ...]
    row: Rate
    delivered: Size
    flags: tuple[str, ...]
    checked_on: date

    @property
    def usd_per_image(self) -> Decimal:
        """List price of one of the n images."""
        return self.usd / self.ask.n

    def age_days(self, on: date) -> int:
        """Days since the longest unseen of the rates was last seen; 0 for a day before that."""
        return max(0, (on - self.checked_on).days)

    def stale(self, on: date) -> bool:
        """Whether a rate has not been checked for more than 60 days."""
        return self.age_days(on) > STALE_AFTER_DAYS

    def stale_spread(self, on: date) -> float:
        """Relative 1-sigma doubt of the price from its age: 0 while fresh, then 20 % times the square root of years.

        A random walk with the yearly drift that the tables show themselves.
        """
        return DRIFT_SHARE_PER_YEAR * math.sqrt(self.age_days(on) / _DAYS_PER_YEAR) if self.stale(on) else 0.0


def load_prices(roots: Sequence[Path]) -> PriceTable:
    """The price tables of all folders, base first, with the contract of the overlay.

    Raises:
        TableError: a row cannot be trusted; file, line, key, value and remedy are in the text.
    """
    return _load_prices(roots)


def quote(table: PriceTable, ask: PriceAsk, *, on: date) -> Quote:
    """The exact price of what is asked, on a day.

    A row appended later never changes the price of an earlier day. Input (prompt, references) is billed n times: an
    upper bound, since no vendor documents it.

    Raises:
        PriceError: unknown model, `auto`, a size, quality, tier or day without a price; the text names the remedy.
    """
    with localcontext(_EXACT):
        return _quoted(table, ask, on)


def _quoted(table: PriceTable, ask: PriceAsk, on: date) -> Quote:
    offer = table.find(ask.model)
    operation = "edit" if ask.references else ask.operation
    job = Job(ask, offer, table, on, operation)
    check_ask(job)
    parts = tuple(_part(job, line) for line in lines_of(job))
    usd = sum((part.usd for part in parts), Decimal(0))
    if usd <= 0:
        raise PriceError(f"model = {offer.model!r}: the tables make it free; mend its rows in prices/")
    delivered = delivered_size(job)
    checked_on = min(table.checked_on(part.row, on=on) for part in parts)
    made = Quote(ask, offer.model, on, usd, sum((part.contracted_usd for part in parts), Decimal(0)), parts,
                 parts[0].row, delivered, (), checked_on)
    return replace(made, flags=flags_of(job, made))


def _part(job: Job, line: Line) -> Part:
    row = line.row
    quantity = line.quantity * job.ask.n
    units = quantity / UNIT_SIZES[row.unit]
    contract = job.table.contract
    agreed = row.usd if contract is None else contract.usd(row, on=job.on)
    return Part(line.label, quantity, row.unit, row.usd, units * row.usd, units * agreed, row)
