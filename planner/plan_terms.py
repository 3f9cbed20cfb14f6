"""What a monthly plan needs beside the work itself: the fiscal year, a currency, doubts, successors, commitments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from .gpu_costs import Owned
from .parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Commitment", "Fx", "PlanTerms", "Successor"]

_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Amount = Annotated[Decimal, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Fx(Part):
    """Units of the reporting currency for one US dollar, from a day on."""

    valid_from: date
    per_usd: Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
    source: _Text


class Successor(Part):
    """What takes over from a model that its vendor shuts down, and which of its qualities for which."""

    model: _Text
    by: _Text
    qualities: dict[str, str] = Field(default_factory=dict)
    source: _Text


class Commitment(Part):
    """Something signed: so much a month from a month on, for so many, and what it costs to leave."""

    name: _Text
    usd_per_month: _Amount
    first_month: _Month
    months: Annotated[int, Field(ge=1, le=120)]
    exit_usd: _Amount = Decimal(0)


class PlanTerms(Part):
    """Terms of a plan.

    `volume_doubt_share` is one sigma of the volume a year ahead; it grows with the root of time. `tax_share` is the tax
    on bills that nobody gives back. `purchase` is a server that could be bought instead of rented.
    """

    fiscal_year_starts: Annotated[int, Field(ge=1, le=12)] = 1
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    fx: tuple[Fx, ...] = ()
    tax_share: _Share = 0.0
    volume_doubt_share: Annotated[float, Field(ge=0, le=2)] = 0.25
    discount_share_per_year: _Share = 0.08
    successor: tuple[Successor, ...] = ()
    commitment: tuple[Commitment, ...] = ()
    purchase: Owned | None = None
    ask: str = ""

    @model_validator(mode="after")
    def _has_rates(self) -> PlanTerms:
        days = [row.valid_from for row in self.fx]
        if self.currency != "USD" and not self.fx:
            message = f"currency {self.currency} needs [[plan.fx]] rows with valid_from, per_usd and source"
            raise ValueError(message)
        _refuse_twice("plan.fx", days)
        _refuse_twice("plan.successor", [row.model for row in self.successor])
        return self

    def per_usd(self, day: date) -> Fx | None:
        """The rate in force on a day; None where the plan is in US dollars, or none was in force yet."""
        known = [row for row in self.fx if row.valid_from <= day]
        return max(known, key=lambda row: row.valid_from) if known and self.currency != "USD" else None


def _refuse_twice(key: str, values: Sequence[object]) -> None:
    twice = {str(value) for value in values if values.count(value) > 1}
    if twice:
        message = f"{key} {min(twice)!r} is given twice; keep one"
        raise ValueError(message)
