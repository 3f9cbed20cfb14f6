"""The price tables in memory: loaded and checked once, then looked up by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import PriceError
from .price_names import find_offer
from .sides import largest_side_px, reference_fits, sides_fit
from .verdicts import allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from .price_contract import Contract
    from .price_rows import Offer, Rate
    from .quantities import Size

__all__ = ["BUILT_BACKENDS", "Option", "PriceTable", "why_not_routable"]

BUILT_BACKENDS: frozenset[str] = frozenset({
    "openai", "bfl", "fal", "together", "deepinfra", "replicate", "azure", "azure-flux", "cloudflare"})
"""Vendors this version can dispatch to; a vendor is added here when its backend lands, and nowhere else."""

_OUTPUT = ("image_output", "image", "output_first_mp", "output_mp", "scaled_image", "output_tile", "output_tile_step")


@dataclass(frozen=True)
class Option:
    """One thing to ask for: a model at a quality in a tier; `reason` says why it is not dispatched to."""

    model: str
    card: str
    quality: str | None
    tier: str
    routable: bool
    reason: str


@dataclass(frozen=True)
class PriceTable:
    """Every offer and rate that is known.

    Attributes:
        offers: by `vendor/model`.
        rates: by model and component, oldest first.
        factors: grid factor by token family and quality, cheapest first.
        counts: output tokens by token family, quality and size.
        confirmed: days on which a row was looked up again, by row id.
        contract: negotiated terms, where the overlay folder has some.
    """

    offers: Mapping[str, Offer]
    rates: Mapping[tuple[str, str], tuple[Rate, ...]]
    factors: Mapping[tuple[str, str], int]
    counts: Mapping[tuple[str, str, Size], int]
    confirmed: Mapping[str, tuple[date, ...]]
    contract: Contract | None = None

    def find(self, name: str) -> Offer:
        """The offer a name means: case, dots, vendor aliases and unique wire names are forgiven.

        Raises:
            PriceError: nothing or more than one thing is meant; the text lists what comes closest.
        """
        return self.offers.get(name) or find_offer(name, self.offers.values())

    def rows(self) -> tuple[Rate, ...]:
        """Every rate, in the order of the tables."""
        return tuple(row for rows in self.rates.values() for row in rows)

    def row(self, row_id: str) -> Rate:
        """The rate with an id.

        Raises:
            PriceError: no row has it.
        """
        for row in self.rows():
            if row.id == row_id:
                return row
        raise PriceError(f"row = {row_id!r}: no such price row; list them with: planner prices check --json")

    def of_model(self, model: str, *, component: str) -> tuple[Rate, ...]:
        """Every row of a model's component, oldest first."""
        return self.rates.get((model, component), ())

    def rate(self, model: str, component: str, *, on: date, operation: str, quality: str = "",
             size: Size | None = None, tier: str = "sync") -> Rate | None:
        """The rate in force on a day: the last to begin, the exact operation before `any`; None if none is."""
        fitting = [row for row in self.of_model(model, component=component)
                   if row.in_force(on) and (row.quality, row.size, row.tier) == (quality, size, tier)]
        exact = [row for row in fitting if row.operation == operation]
        return next(reversed(exact or [row for row in fitting if row.operation == "any"]), None)

    def checked_on(self, row: Rate, *, on: date) -> date:
        """The last day on or before `on` that somebody saw the price: its `as_of`, or a later confirmation."""
        return max([row.as_of.earliest, *(day for day in self.confirmed.get(row.id, ()) if day <= on)])

    def options(self, on: date) -> tuple[Option, ...]:
        """Every model x quality x tier sold on a day, those included whose price is not published."""
        return tuple(option for offer in self.offers.values()
                     if offer.rule != "not_sold" and (offer.shutdown_on is None or on < offer.shutdown_on)
                     for option in self._options(offer, on))

    def qualities(self, offer: Offer, *, on: date) -> tuple[str, ...]:
        """The qualities an offer is priced at, cheapest first; empty where it has none (Flux)."""
        if offer.rule == "gpt_image_tokens":
            return tuple(quality for family, quality in self.factors if family == offer.family)
        if offer.rule == "listed_tokens":
            return _unique(quality for family, quality, _ in self.counts if family == offer.family)
        listed = [row for row in self.of_model(offer.model, component="image") if row.in_force(on) and row.quality]
        return _unique(row.quality for row in sorted(listed, key=lambda row: row.usd))

    def _options(self, offer: Offer, on: date) -> Iterator[Option]:
        rows = [row for component in _OUTPUT for row in self.of_model(offer.model, component=component)
                if row.in_force(on)]
        if not rows and offer.rule != "unpublished":
            return
        priced = offer.rule != "unpublished"
        why = why_not_routable(offer)
        routable = priced and not why
        reason = "" if routable else f"priced, not routable: {why}" if priced else f"not priced: {offer.note}"
        for quality in self.qualities(offer, on=on) or (None,):
            for tier in _unique(row.tier for row in rows) or ("sync",):
                yield Option(offer.model, offer.card, quality, tier, routable, reason)


def why_not_routable(offer: Offer, *, size: Size | None = None, references: Iterable[Size] = ()) -> str:
    """Why nothing is dispatched to an offer, though it is priced; empty where it is.

    With a size and references it says what the vendor has against these, as the router would.
    """
    built = offer.dispatcher in BUILT_BACKENDS
    verdicts = (allowed() if size is None else sides_fit(offer.sides, size),
                reference_fits(offer.sides, largest_side_px(references)))
    refusal = next((str(verdict) for verdict in verdicts if not verdict.is_allowed), "")
    return offer.not_routable or ("" if built else f"backend {offer.dispatcher} not built yet") or refusal


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
