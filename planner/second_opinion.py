"""Second opinions: what public price lists say about the rows of our tables. They are compared, never copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.errors import PriceError
from router.prices import PriceAsk, quote
from router.quantities import Size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from router.price_rows import Offer
    from router.price_table import PriceTable

    from .price_lists import Opinion

__all__ = ["Difference", "compare"]

_ONE_MEGAPIXEL = Size(1024, 1024)


@dataclass(frozen=True)
class Difference:
    """One figure of a list beside ours: USD in the unit of the component.

    Attributes:
        name: their key; `model`, `what`: our offer and what is priced.
        row: our row, or what our figure was computed from; empty where we have none.
        ours_usd: None where we have no figure, and `why` says so.
    """

    name: str
    model: str
    what: str
    row: str
    ours_usd: Decimal | None
    theirs_usd: Decimal
    why: str = ""

    @property
    def equal(self) -> bool:
        """Whether both say the same, to the last digit."""
        return self.ours_usd == self.theirs_usd

    @property
    def relative(self) -> float | None:
        """Their figure over ours, minus 1."""
        return None if self.ours_usd is None else float(self.theirs_usd / self.ours_usd) - 1


def compare(table: PriceTable, opinions: Iterable[Opinion], *, on: date) -> tuple[Difference, ...]:
    """Every figure of a list about a model of ours, in the list's order.

    Models that are not in our tables, or shut down on the day, are passed over.
    """
    found = []
    for opinion in opinions:
        try:
            offer = table.find(f"{opinion.vendor}/{opinion.model}")
        except PriceError:
            continue
        if offer.vendor == opinion.vendor and (offer.shutdown_on is None or on < offer.shutdown_on):
            found.append(_beside(table, offer, opinion, on=on))
    return tuple(found)


def _beside(table: PriceTable, offer: Offer, opinion: Opinion, *, on: date) -> Difference:
    what = " ".join(word for word in (opinion.operation, opinion.component, opinion.quality,
                                      str(opinion.size or ""), opinion.tier) if word)
    size = opinion.size if opinion.component == "image" else None
    row = table.rate(offer.model, opinion.component, on=on, operation=opinion.operation, quality=opinion.quality,
                     size=size, tier=opinion.tier)
    if row is not None:
        left_out = f"our row is left out as an anomaly: {row.note}" if row.anomaly else ""
        return Difference(opinion.name, offer.model, what, row.id, row.usd, opinion.usd, left_out)
    if opinion.component != "image":
        return Difference(opinion.name, offer.model, what, "", None, opinion.usd, "no such rate in our tables")
    return _by_quote(table, offer, opinion, on=on, what=what)


def _by_quote(table: PriceTable, offer: Offer, opinion: Opinion, *, on: date, what: str) -> Difference:
    """A flat price beside our price of 1024x1024, where the vendor does not charge by the image."""
    if table.qualities(offer, on=on) and not opinion.quality:
        return Difference(opinion.name, offer.model, what, "", None, opinion.usd, "no quality or size named")
    ask = PriceAsk(offer.model, opinion.size or _ONE_MEGAPIXEL, operation=opinion.operation,
                   quality=opinion.quality or None)
    try:
        quoted = quote(table, ask, on=on)
    except PriceError as error:
        return Difference(opinion.name, offer.model, what, "", None, opinion.usd, str(error))
    return Difference(opinion.name, offer.model, what, f"computed for {ask.size}", quoted.usd, opinion.usd)
