"""Hosted options for a segment: every model x quality x tier with its price, and the losers with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.errors import PriceError
from router.price_table import why_not_routable
from router.prices import PriceAsk, Quote, quote

from .uncertainty import Z95, Spread

if TYPE_CHECKING:
    from decimal import Decimal

    from .case import Case
    from .scenario import Segment

__all__ = ["HostedOption", "Refused", "hosted_option", "hosted_options", "today_option"]


@dataclass(frozen=True)
class HostedOption:
    """A priced way to have an image made elsewhere.

    `usd_per_image` is the contracted price, `list_usd_per_image` what the vendor prints; `spread` holds the interval
    that the price's age puts around it, and `flags` what a reader must know about it.
    `unchecked_days` is the price's age where it is stale, and 0 otherwise; `not_routable` says why the router
    dispatches nothing to it.
    """

    model: str
    card: str
    quality: str | None
    tier: str
    usd_per_image: Decimal
    list_usd_per_image: Decimal
    spread: Spread
    routable: bool
    row: str
    flags: tuple[str, ...]
    unchecked_days: int = 0
    not_routable: str = ""

    @property
    def label(self) -> str:
        """`openai/gpt-image-2 medium batch`; the sync tier goes without saying."""
        return " ".join(part for part in (self.model, self.quality, self.tier if self.tier != "sync" else "") if part)


@dataclass(frozen=True)
class Refused:
    """An option that cannot make the segment's image, and why."""

    label: str
    reason: str


def today_option(case: Case, segment: Segment) -> HostedOption:
    """What makes the segment's images today, at the stated price or the table's.

    Raises:
        PriceError: the table has no price and none is stated.
    """
    today = segment.today
    if today.usd_per_image is not None:
        spread = Spread(f"price of {today.model}", float(today.usd_per_image), float(today.usd_per_image),
                        float(today.usd_per_image), "USD per image", "stated in the scenario")
        return HostedOption(today.model, _card(case, today.model), today.quality, today.tier, today.usd_per_image,
                            today.usd_per_image, spread, routable=False, row="stated", flags=("stated price",))
    return _priced(case, segment, today.model, today.quality, today.tier)


def hosted_option(case: Case, segment: Segment, *, model: str, quality: str | None, tier: str) -> (
        HostedOption | Refused):
    """One option for the segment's image, or the reason why it cannot make it."""
    try:
        return _priced(case, segment, model, quality, tier)
    except PriceError as error:
        label = " ".join(part for part in (model, quality, tier if tier != "sync" else "") if part)
        return Refused(label, str(error))


def hosted_options(case: Case, segment: Segment) -> tuple[HostedOption | Refused, ...]:
    """Every option sold on the day, priced for the segment's image, or refused with the reason."""
    return tuple(hosted_option(case, segment, model=sold.model, quality=sold.quality, tier=sold.tier)
                 for sold in case.book.prices.options(case.on))


def _priced(case: Case, segment: Segment, model: str, quality: str | None, tier: str) -> HostedOption:
    ask = PriceAsk(model=model, size=segment.size, operation="edit" if segment.references else "generate",
                   quality=quality, tier=tier, references=segment.references,
                   prompt_tokens=segment.prompt_tokens or None)
    quoted = quote(case.book.prices, ask, on=case.on)
    sold = case.book.prices.find(model)
    why = why_not_routable(sold, size=segment.size, references=segment.references)
    return HostedOption(sold.id, sold.card, quality, tier, quoted.contracted_usd / ask.n, quoted.usd_per_image,
                        _spread(case, quoted), routable=not why, row=quoted.row.id, flags=quoted.flags,
                        unchecked_days=quoted.age_days(case.on) if quoted.stale(case.on) else 0,
                        not_routable=why)


def _spread(case: Case, quoted: Quote) -> Spread:
    usd = float(quoted.contracted_usd)
    doubt = float(quoted.stale_spread(case.on)) * Z95
    return Spread(f"price of {quoted.row.model}", usd, usd * (1 - min(doubt, 0.9)), usd * (1 + doubt),
                  "USD per image", f"{quoted.row.source} ({quoted.row.as_of})")


def _card(case: Case, model: str) -> str:
    return case.book.prices.find(model).card
