"""What a month used and nobody has invoiced yet, vendor by vendor: the accrual of the month's end. Pure."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.ledger.export import neutral
from router.quantities import micro_usd, usd_from_micro

from .lines import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from .lines import Side
    from .month import Month

__all__ = ["ACCRUAL_COLUMNS", "Accrual", "accruals_of", "write_accruals"]

ACCRUAL_COLUMNS = ("month", "vendor", "currency", "usage_usd", "invoiced_usd", "accrual_usd", "reversal_date", "status")


@dataclass(frozen=True)
class Accrual:
    """One vendor's month, in whole micro-dollars; negative where more is invoiced than the books hold."""

    vendor: str
    usage_micro_usd: int
    invoiced_micro_usd: int

    @property
    def micro_usd(self) -> int:
        """What is used and not invoiced."""
        return self.usage_micro_usd - self.invoiced_micro_usd


def accruals_of(booked: Side, invoiced: Side) -> Iterator[Accrual]:
    """Every vendor of the books or of an invoice; cards of ours only where an invoice of rent is given.

    Raises:
        PlannerError: a statement that names images and no money.
    """
    for vendor in sorted({*booked.vendors - {OWN}, *invoiced.vendors}):
        amounts = [amount for key, amount in invoiced.amounts.items() if key.vendor == vendor]
        if amounts and all(amount.usd is None for amount in amounts):
            raise PlannerError(f"the statement of {vendor} names images and no money; give its costs")
        yield Accrual(vendor, micro_usd(booked.usd_of(vendor)), micro_usd(invoiced.usd_of(vendor)))


def write_accruals(accruals: Iterable[Accrual], file: TextIO, *, month: Month, status: str) -> int:
    """Write a row for each vendor; the micro-dollars accrued together."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(ACCRUAL_COLUMNS)
    total = 0
    for one in accruals:
        total += one.micro_usd
        amounts = (one.usage_micro_usd, one.invoiced_micro_usd, one.micro_usd)
        writer.writerow([month.text, neutral(one.vendor), "USD", *(f"{usd_from_micro(micro):.6f}" for micro in amounts),
                         month.reversed_on, status])
    return total
