"""Every table an answer rests on, opened once. An edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.catalog import data_roots
from router.prices import load_prices
from router.service_time import load_law
from router.vendor_limits import load_limits
from router.vendors import load_vendors

from .grid import load_grids
from .licences import load_licences
from .rents import load_rents
from .traffic import load_archetypes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from router.models import Models
    from router.price_table import PriceTable
    from router.service_time import Law
    from router.vendor_limits import VendorLimit
    from router.vendors import Vendor

    from .grid import GridRow
    from .licences import KnownLicence
    from .rents import Rent
    from .traffic import Archetype

__all__ = ["Book", "open_book"]


@dataclass(frozen=True)
class Book:
    """The tables, and the folders they are from.

    Attributes:
        law: the throughput law, with models and GPUs.
        vendors: by id; `limits` is what accounts there may do, tier by tier.
        grids: CO2e of a kilowatt-hour.
        archetypes: named shapes of demand.
    """

    roots: tuple[Path, ...]
    prices: PriceTable
    rents: tuple[Rent, ...]
    licences: tuple[KnownLicence, ...]
    law: Law
    vendors: Mapping[str, Vendor]
    limits: Mapping[str, tuple[VendorLimit, ...]]
    grids: tuple[GridRow, ...]
    archetypes: tuple[Archetype, ...]

    @property
    def models(self) -> Models:
        """The model cards."""
        return self.law.models


def open_book(overlay: Path | None, environ: Mapping[str, str]) -> Book:
    """Read every table, the overlay folder's rows in place of ours.

    Raises:
        TableError: a table cannot be trusted; file, line, key, value and remedy are in the text.
    """
    roots = data_roots(overlay, environ)
    return Book(roots, load_prices(roots), load_rents(roots), load_licences(roots), load_law(roots),
                load_vendors(roots), load_limits(roots), load_grids(roots),
                load_archetypes(roots))
