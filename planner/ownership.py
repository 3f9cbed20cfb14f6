"""What owning GPUs costs: capital, life, power, housing, failures, staff; each figure with its range and basis."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 (the loader reads field types at run time)
from typing import TYPE_CHECKING, Literal

from router.quantities import Day  # noqa: TC001 (the same)
from router.tables import Invalid, Source

from .errors import PlannerError
from .overlay import read_overlaid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["OwnershipCost", "load_ownership", "ownership_cost"]

Unit = Literal["usd", "usd/month", "usd/kWh", "usd/kW-month", "usd/GB-month", "share", "share/year",
               "years", "days", "kW", "W", "ratio", "FTE"]


@dataclass(frozen=True)
class OwnershipCost:
    """One figure of the cost of owning.

    Attributes:
        value: in `unit`; None where the search found nothing (`basis` is then `not-found`).
        low, high: the range the sources span or we assume; None where a single figure is known.
        basis: `sourced`, `derived` (arithmetic on a source), `measured`, `assumption` (ours) or `not-found`.
    """

    id: str
    component: Literal["capex", "amortisation", "capital", "power", "colo", "failures", "staff", "licence",
                       "utilisation", "storage"]
    item: str
    value: Decimal | None
    unit: Unit
    low: Decimal | None
    high: Decimal | None
    basis: Literal["sourced", "derived", "measured", "assumption", "not-found"]
    source: Source
    as_of: Day
    confidence: Literal["A", "B", "C", "D"]
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a value missing without being called so, outside its own range, or no share at all."""
        if (self.value is None) != (self.basis == "not-found"):
            raise Invalid("value", self.value, f"does not fit basis {self.basis!r}",
                          "write a value, or leave it empty with basis not-found")
        low, value, high = self.low, self.value, self.high
        if value is not None and not (value if low is None else low) <= value <= (value if high is None else high):
            raise Invalid("value", value, f"outside its own range {low} to {high}", "mend low, value or high")
        if self.unit.startswith("share") and value is not None and not 0 <= value <= 1:
            raise Invalid("value", value, "a share runs from 0 to 1", "write 12 % as 0.12")


def load_ownership(roots: Iterable[Path]) -> tuple[OwnershipCost, ...]:
    """Every figure of `gpus/ownership.csv`; a later folder's row replaces the row of the same id.

    Raises:
        TableError: a row cannot be read, or one file names an id twice.
    """
    return read_overlaid(roots, "gpus/ownership.csv", as_rows=OwnershipCost)


def ownership_cost(rows: Iterable[OwnershipCost], row_id: str) -> Decimal:
    """The value of one figure, in the unit of its row.

    Raises:
        PlannerError: there is no such row, or its value was not found and the user has to state it.
    """
    by_id = {row.id: row for row in rows}
    if row_id not in by_id:
        raise PlannerError(f"gpus/ownership.csv: id = {row_id!r}: no such row; use one of {', '.join(by_id)}")
    value = by_id[row_id].value
    if value is None:
        raise PlannerError(f"gpus/ownership.csv: id = {row_id!r}: no value was found in any source; "
                           "state yours in an overlay folder (--data) or in the scenario")
    return value
