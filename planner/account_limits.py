"""How fast vendors let a month's images through: in the tier an account starts in, and the tier that would do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from router.quantities import HOURS_PER_MONTH
from router.vendor_limits import limits_at, tiers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.vendor_limits import AccountLimits, VendorLimit
    from router.vendors import Vendor

    from .book import Book
    from .hosted import HostedOption

__all__ = ["AccountPace", "account_paces"]


@dataclass(frozen=True)
class AccountPace:
    """What an account at one vendor takes to make the images a plan sends there.

    Attributes:
        vendor: id of its row in `backends/vendors.csv`.
        images_per_month: the most that today or a hosted rung sends there; a batch has other limits.
        tier: the one an account starts in; empty where no limit is published.
        images_per_minute: in that tier, limits on calls at once worked out from the vendor's median time of an image.
        hours_at_least: asked for without a pause.
        tier_needed, brought_by: the first tier that makes them within a month's 730 hours, and what brings it; empty
            where the first tier does.
        enough: whether any tier does.
    """

    vendor: str
    images_per_month: float
    tier: str = ""
    images_per_minute: float | None = None
    hours_at_least: float | None = None
    tier_needed: str = ""
    brought_by: str = ""
    enough: bool = True


def account_paces(book: Book, plans: Iterable[Iterable[tuple[HostedOption, float]]]) -> tuple[AccountPace, ...]:
    """One pace for each vendor, in the order they are met.

    Args:
        book: holds vendors and their limits.
        plans: images a month of each option, plan by plan; an account must stand the largest of them.
    """
    most: dict[str, float] = {}
    cards: dict[str, set[str]] = {}
    for plan in plans:
        sent: dict[str, float] = {}
        for option, images in plan:
            if option.tier != "batch" and images > 0:
                vendor = book.prices.find(option.model).dispatcher
                sent[vendor] = sent.get(vendor, 0.0) + images
                cards.setdefault(vendor, set()).add(option.card)
        most |= {vendor: max(images, most.get(vendor, 0.0)) for vendor, images in sent.items()}
    return tuple(_pace(book, vendor, images, cards=sorted(cards[vendor])) for vendor, images in most.items())


def _pace(book: Book, name: str, images: float, *, cards: Sequence[str]) -> AccountPace:
    rows, vendor = book.limits.get(name, ()), book.vendors.get(name)
    if not rows or vendor is None:
        return AccountPace(name, images)
    per_minute = {tier: _images_per_minute(vendor, limits_at(rows, tier, models=cards)) for tier in tiers_of(rows)}
    first, *_ = per_minute
    needed = next((tier for tier, most in per_minute.items() if images <= most * 60 * HOURS_PER_MONTH), None)
    more = needed if needed is not None and needed != first else ""
    return AccountPace(name, images, first, per_minute[first], images / per_minute[first] / 60, more,
                       _brings(rows, more) if more else "", enough=needed is not None)


def _brings(rows: Sequence[VendorLimit], tier: str) -> str:
    """What lifts an account into a tier."""
    return next(row.lifts for row, after in pairwise(rows) if after.tier == tier)


def _images_per_minute(vendor: Vendor, limits: AccountLimits) -> float:
    each = [float(limits.images_per_minute)] if limits.images_per_minute else []
    return min(each + ([limits.concurrent * 60 / vendor.p50_s] if limits.concurrent else []))
