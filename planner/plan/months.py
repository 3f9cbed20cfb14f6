"""The months of a plan, with their place in the fiscal year. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from planner.errors import PlannerError

__all__ = ["PlanMonth", "first_of", "next_month", "plan_months"]

_MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class PlanMonth:
    """One month.

    Attributes:
        number: from 0, the first month of the plan.
        first: its first day, which is the day its prices are those of.
        fiscal_year: named by the calendar year it ends in.
        fiscal_month: 1 to 12 in it.
    """

    number: int
    first: date
    fiscal_year: int
    fiscal_month: int

    @property
    def label(self) -> str:
        """As in `2026-12`."""
        return f"{self.first:%Y-%m}"

    @property
    def fiscal_label(self) -> str:
        """As in `FY2027 M03`."""
        return f"FY{self.fiscal_year} M{self.fiscal_month:02d}"


def first_of(text: str) -> date:
    """The first day of a month written as 2026-12.

    Raises:
        PlannerError: no month.
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise PlannerError(f"{text!r}: no month; write it as 2026-12") from None


def next_month(text: str | None, today: date) -> date:
    """The first day of a month that was named, or of the month after today's.

    Raises:
        PlannerError: no month.
    """
    if text is not None:
        return first_of(text)
    return date(today.year + today.month // _MONTHS_PER_YEAR, today.month % _MONTHS_PER_YEAR + 1, 1)


def plan_months(first: date, *, count: int, fiscal_year_starts: int) -> tuple[PlanMonth, ...]:
    """`count` months from the one that `first` is in."""
    made = []
    for number in range(count):
        place = first.year * _MONTHS_PER_YEAR + first.month - 1 + number
        day = date(place // _MONTHS_PER_YEAR, place % _MONTHS_PER_YEAR + 1, 1)
        since = (day.month - fiscal_year_starts) % _MONTHS_PER_YEAR
        begun = day.year if day.month >= fiscal_year_starts else day.year - 1
        made.append(PlanMonth(number, day, begun + (fiscal_year_starts > 1), since + 1))
    return tuple(made)
