"""What vendors let an account do at once and in a minute, tier by tier: one row each, so that a tier can be named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .toml_fields import Fields
    from .vendors import Vendor

__all__ = ["AccountLimits", "VendorLimit", "limits_at", "load_limits", "read_tier", "tiers_of"]


@dataclass(frozen=True)
class VendorLimit:
    """One limit of one tier.

    Attributes:
        vendor: id of its row in `backends/vendors.csv`.
        model: the card it was published for; empty for the whole account. It is taken for models without a row as well.
        limit: images or requests in a minute, or calls at once.
        tier: the vendor's word for the standing of an account; the first one in the table is where it starts.
        lifts: what brings the next tier.
    """

    id: str
    vendor: str
    model: str
    limit: Literal["images_per_minute", "requests_per_minute", "concurrent"]
    tier: str
    value: int
    lifts: str
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row nobody could name or keep to."""
        if not self.tier or self.tier != self.tier.strip().lower():
            raise Invalid("tier", self.tier, "no word in small letters", "write the vendor's word, as in 1 or standard")
        if self.value < 1:
            raise Invalid("value", self.value, "below 1", "leave the row out where a tier may do nothing")


@dataclass(frozen=True)
class AccountLimits:
    """What an account may do; None where nothing is published."""

    images_per_minute: int | None
    concurrent: int | None


def load_limits(roots: Iterable[Path]) -> Mapping[str, tuple[VendorLimit, ...]]:
    """The rows of `backends/limits.csv` by vendor, in their order; a later folder's row replaces that of the same id.

    Raises:
        TableError: a row cannot be read.
    """
    rows = {row.id: row for path in table_files(roots, "backends/limits.csv") for row in read_rows(path, VendorLimit)}
    vendors = dict.fromkeys(row.vendor for row in rows.values())
    return {vendor: tuple(row for row in rows.values() if row.vendor == vendor) for vendor in vendors}


def tiers_of(rows: Sequence[VendorLimit]) -> tuple[str, ...]:
    """The tiers of a vendor, the one an account starts in first."""
    return tuple(dict.fromkeys(row.tier for row in rows))


def limits_at(rows: Sequence[VendorLimit], tier: str, *, models: Sequence[str] = ()) -> AccountLimits:
    """What a tier may do: of several rows the tightest.

    A limit on requests is taken for the same number of images. The router sends one image a request wherever a vendor
    counts requests, and where it could send more, that many images are the fewest such a limit lets through.

    Args:
        rows: of one vendor.
        tier: one of its tiers.
        models: cards that are served, empty for all; rows of other models count only where none is of these.
    """
    here = [row for row in rows if row.tier == tier]
    served = [row for row in here if row.model in ("", *models)] if models else here

    def least(*words: str) -> int | None:
        return min((row.value for row in served or here if row.limit in words), default=None)

    return AccountLimits(least("images_per_minute", "requests_per_minute"), least("concurrent"))


def read_tier(fields: Fields, vendor: Vendor, *, rows: Sequence[VendorLimit], models: Sequence[str]) -> (
        tuple[str, AccountLimits]):
    """The tier a backend's settings name, and what it may do; where it says nothing, what an account starts with.

    A tier nobody knows is refused in `fields`.
    """
    tier, known = fields.text("tier").lower(), tiers_of(rows)
    if tier and tier not in known:
        fields.refuse("tier", f"no tier of {vendor.name}", remedy=f"use one of {', '.join(known)}" if known else
                      "none is published; leave it out and write images_per_minute or concurrent")
    most = limits_at(rows, tier or next(iter(known), ""), models=models)
    return tier, AccountLimits(most.images_per_minute or vendor.images_per_minute, most.concurrent or vendor.concurrent)
