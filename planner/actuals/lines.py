"""What two sides are compared by: images and US dollars of a vendor's model on a day. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from router.errors import PriceError
from router.quantities import usd_from_micro

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from router.price_table import PriceTable

    from .charges import Charge

__all__ = ["OWN", "Amount", "Booked", "Key", "Side", "ledger_side", "vendor_and_model"]

OWN = "own GPUs"
"""The vendor under which rent of GPUs stands beside what the settings say our cards cost."""


class Key(NamedTuple):
    """A vendor's model on a day; no model where a side does not part its money by model."""

    vendor: str
    model: str
    day: date


@dataclass
class Amount:
    """Images and US dollars; None where a side does not say.

    Attributes:
        doubtful_usd: what of the books' money is only possibly billed, at the full reserve.
    """

    images: int | None = None
    usd: Decimal | None = None
    doubtful_usd: Decimal = Decimal(0)

    def add(self, images: int | None = None, usd: Decimal | None = None, *, doubtful_usd: Decimal = Decimal(0)) -> None:
        """One more row."""
        self.doubtful_usd += doubtful_usd
        if images is not None:
            self.images = (self.images or 0) + images
        if usd is not None:
            self.usd = (self.usd or Decimal(0)) + usd


@dataclass
class Side:
    """One side of a reconciliation.

    Attributes:
        amounts: by vendor, model and day.
        unsettled: attempts of the books without an end.
    """

    amounts: dict[Key, Amount] = field(default_factory=lambda: defaultdict(Amount))
    unsettled: int = 0

    @property
    def vendors(self) -> set[str]:
        """Whose amounts it holds."""
        return {key.vendor for key in self.amounts}

    def usd_of(self, vendor: str) -> Decimal:
        """All of a vendor's money."""
        return sum((amount.usd or Decimal(0) for key, amount in self.amounts.items() if key.vendor == vendor),
                   Decimal(0))

    def without_models(self, vendors: set[str]) -> Side:
        """The same, some vendors' models taken together."""
        made = Side()
        for key, amount in self.amounts.items():
            made.amounts[key._replace(model="") if key.vendor in vendors else key].add(
                amount.images, amount.usd, doubtful_usd=amount.doubtful_usd)
        return made


def vendor_and_model(names: Sequence[str], prices: PriceTable) -> tuple[str, str]:
    """Vendor and model as our price table calls them; as they stand where it does not know them."""
    for name in names:
        try:
            found = prices.find(name).model
        except PriceError:
            continue
        vendor, _, model = found.partition("/")
        return vendor, model
    vendor, _, model = (names[0] if names else "").partition("/")
    return vendor, model


@dataclass
class Booked:
    """The books' side, charge by charge: what was settled with vendors, and what the hours of our cards cost."""

    prices: PriceTable
    side: Side = field(default_factory=Side)
    _named: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def add(self, charge: Charge) -> None:
        """One more charge."""
        day = charge.begin.date()
        self.side.unsettled += charge.cell.unsettled
        if charge.place.own:
            self.side.amounts[Key(OWN, "", day)].add(None, usd_from_micro(charge.cards_micro_usd))
            return
        pair = charge.place.vendor, charge.cell.model
        if pair not in self._named:
            self._named[pair] = vendor_and_model((f"{pair[0]}/{pair[1]}",), self.prices)
        cell = charge.cell
        if cell.images or cell.settled_micro_usd:
            self.side.amounts[Key(*self._named[pair], day)].add(cell.images, usd_from_micro(cell.settled_micro_usd),
                                                                doubtful_usd=usd_from_micro(cell.doubtful_micro_usd))


def ledger_side(charges: Iterable[Charge], prices: PriceTable) -> Side:
    """The books' side of some charges."""
    booked = Booked(prices)
    for charge in charges:
        booked.add(charge)
    return booked.side
