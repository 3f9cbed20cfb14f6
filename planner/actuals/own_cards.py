"""Cards of ours in a month: when they were on, what that cost, and whose work it was. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.card_hours import hour_of_week
from router.quantities import SECONDS_PER_HOUR, micro_usd

if TYPE_CHECKING:
    from datetime import datetime

    from .month import Month
    from .places import Place

__all__ = ["CardsMonth", "Share"]

_HOUR, _HOURS_PER_DAY = timedelta(hours=1), 24
_US = timedelta(microseconds=1)
_US_PER_HOUR = SECONDS_PER_HOUR * 1_000_000


@dataclass
class Share:
    """An amount handed out by weight, whole micro-dollars, the last of it with the last weight: nothing is lost."""

    micro_usd: int
    weight: int
    _taken: int = 0
    _weighed: int = 0

    def take(self, weight: int) -> int:
        """The micro-dollars of the next weight."""
        if not self.weight:
            return 0
        self._weighed += weight
        upto = self.micro_usd * self._weighed // self.weight
        part, self._taken = upto - self._taken, upto
        return part


@dataclass
class CardsMonth:
    """The cards of one backend, day by day, in order.

    Hours are those of the schedule in the settings (all of the month where it has none), up to now. What the hours of a
    day cost is parted by GPU-time over the work of the day; the rest of the hours is idle.

    Raises:
        PlannerError: nobody said what an hour of a card costs.
    """

    place: Place
    month: Month
    on_us: int = 0
    busy_us: int = 0
    idle_us: int = 0
    micro_usd: int = 0
    _rate: Decimal = field(default_factory=Decimal)

    def __post_init__(self) -> None:
        gpus = self.place.gpus
        if gpus is None or gpus.usd_per_gpu_h is None:
            raise PlannerError(f"backend {self.place.backend!r}: what an hour of its cards costs is not known; state "
                               "usd_per_gpu_h in its gpus table of router.toml (0 where they cost nothing), and give "
                               "--settings")
        self._rate = gpus.usd_per_gpu_h

    def day(self, day: datetime, busy_us: int) -> tuple[Share, int]:
        """The next day: its cost to be parted over its work, and the microseconds of cards that nothing used.

        Where the work took longer than the cards are known to have been on, all of the cost is the work's.
        """
        return self._part(self._on_us(day), busy_us)

    def whole(self, busy_us: int) -> tuple[Share, int]:
        """As `day`, for a month of which no days are left."""
        return self._part(sum(map(self._on_us, self.month.days())), busy_us)

    def _part(self, on_us: int, busy_us: int) -> tuple[Share, int]:
        before = self.micro_usd
        self.on_us += on_us
        self.busy_us += busy_us
        self.micro_usd = micro_usd(self._rate * self.on_us / _US_PER_HOUR)
        idle_us = max(0, on_us - busy_us)
        self.idle_us += idle_us
        return Share(self.micro_usd - before, busy_us + idle_us), idle_us

    def _on_us(self, day: datetime) -> int:
        gpus = self.place.gpus
        if gpus is None:
            return 0
        found = 0
        for number in range(_HOURS_PER_DAY):
            at = day + number * _HOUR
            passed = min(_HOUR, max(timedelta(0), self.month.now - at))
            found += gpus.cards_at(hour_of_week(at)) * (passed // _US)
        return found
