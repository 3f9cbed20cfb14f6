"""What calls of a class of requests cost, worked out once through the router's own charges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from router.charges import charge_of
from router.quantities import micro_usd

if TYPE_CHECKING:
    from decimal import Decimal

    from router.decide import Decision
    from router.options import Option

__all__ = ["Money", "Prices"]

class Prices(NamedTuple):
    """Of one call: what is set aside in US dollars and micro-dollars, and the micro-dollars of its images."""

    reserve_usd: Decimal
    reserve_micro: int
    quoted_micro: int


class Money:
    """The prices of `n` images of a class of requests, by option; asked for when they are needed."""

    def __init__(self, decision: Decision, *, n: int) -> None:
        self._decision, self._n = decision, n
        self._candidates = {candidate.option: candidate for candidate in decision.ranked}
        self._known: dict[Option, Prices] = {}

    def of(self, option: Option) -> Prices:
        """The prices of an option."""
        known = self._known.get(option)
        if known is None:
            decision = self._decision
            charge = charge_of(decision.compiled.catalogue.prices, self._candidates[option], request=decision.request,
                               size=decision.size, n=self._n, on=decision.compiled.on)
            known = self._known[option] = Prices(charge.reserve_usd, charge.reserve_micro_usd,
                                                 micro_usd(charge.quoted_usd))
        return known

    def reserve_usd(self, option: Option) -> Decimal:
        """What an attempt sets aside."""
        return self.of(option).reserve_usd

