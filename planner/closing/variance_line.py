"""One line of a variance: plan, actual, and what explains the difference, in whole micro-dollars. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PARTS", "VarianceLine"]

PARTS = ("price", "volume", "mix", "accepted_yield", "retries", "fixed")


@dataclass(frozen=True)
class VarianceLine:
    """A segment's option, or a bill; the parts add up to the difference.

    Attributes:
        kind: `images`, or the kind of a bill.
        name: of the option, or of the bill.
        planned_images, images: 0 of bills.
        price: (actual - planned price) x actual images.
        volume: more or fewer accepted images, as planned otherwise.
        mix: work that went to another option than planned, at planned prices.
        accepted_yield: more or fewer images for each accepted one.
        retries: attempts that were paid for and brought no image.
        fixed: a bill that is not an image's price.
    """

    kind: str
    segment: str
    name: str
    planned_images: Fraction
    images: Fraction
    planned_micro_usd: int
    micro_usd: int
    price: int = 0
    volume: int = 0
    mix: int = 0
    accepted_yield: int = 0
    retries: int = 0
    fixed: int = 0

    @property
    def difference(self) -> int:
        """Actual minus plan."""
        return self.micro_usd - self.planned_micro_usd

    @property
    def percent(self) -> float | None:
        """Of the plan; None where nothing was planned."""
        return 100 * self.difference / self.planned_micro_usd if self.planned_micro_usd else None

    @property
    def parts(self) -> dict[str, int]:
        """What explains the difference, by name."""
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def sum_of(cls, lines: Sequence[VarianceLine], name: str) -> VarianceLine:
        """Some lines as one."""
        return cls("together", "", name, sum((one.planned_images for one in lines), Fraction(0)),
                   sum((one.images for one in lines), Fraction(0)), sum(one.planned_micro_usd for one in lines),
                   sum(one.micro_usd for one in lines),
                   **{part: sum(getattr(one, part) for one in lines) for part in PARTS})
