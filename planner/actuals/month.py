"""A calendar month in UTC, as the books count it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.ledger.rows import from_us, month_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

__all__ = ["Month", "month_begun"]

_DAY = timedelta(days=1)
# As the roll-ups: an attempt that began in the last second of a month may be written a little later.
_SETTLING = timedelta(hours=1)


@dataclass(frozen=True)
class Month:
    """A month from its first instant to that of the next one, and what the clock says now."""

    text: str
    begin: datetime
    end: datetime
    now: datetime

    @property
    def is_over(self) -> bool:
        """Whether nothing new can begin in it."""
        return self.now >= self.end + _SETTLING

    @property
    def reversed_on(self) -> date:
        """The first day of the next month, on which an accrual is reversed."""
        return self.end.date()

    def days(self) -> Iterator[datetime]:
        """The first instant of each of its days."""
        at = self.begin
        while at < self.end:
            yield at
            at += _DAY

    def holds(self, at_s: float) -> bool:
        """Whether an instant, in seconds since 1970, lies in it."""
        return self.begin.timestamp() <= at_s < self.end.timestamp()


def month_begun(text: str, now: datetime | None = None) -> Month:
    """A month such as `2026-11` that has begun.

    Raises:
        LedgerError: not a month.
        PlannerError: it lies in the future.
    """
    now = now or datetime.now(tz=UTC)
    begin, end = map(from_us, month_bounds(text))
    if begin > now:
        raise PlannerError(f"--month = {text!r}: it has not begun, so there are no actuals; name a month up to "
                           f"{now:%Y-%m}")
    return Month(f"{begin:%Y-%m}", begin, end, now)
