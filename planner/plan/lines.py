"""The plan's lines: month by month, who makes which images, and what is paid for, each to the micro-dollar. Pure.

Images are rounded to a thousandth, money to a millionth, half away from zero, as a spreadsheet's ROUND does; sums are
sums of what was rounded, so that they are exact wherever they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .months import PlanMonth

__all__ = ["FIXED_KINDS", "OWN", "FixedLine", "ImageLine", "Month", "rounded_images", "rounded_usd", "usd_of"]

OWN = "own"
FIXED_KINDS = ("cards", "staff", "storage", "fine-tuning", "licence", "licence overage", "review", "commitment", "tax")
_THOUSANDTH, _MICRO = Decimal("0.001"), Decimal("0.000001")


def rounded_images(images: float) -> Decimal:
    """To a thousandth of an image."""
    return Decimal(repr(images)).quantize(_THOUSANDTH, ROUND_HALF_UP)


def rounded_usd(usd: float | Decimal) -> Decimal:
    """To a millionth of a dollar."""
    return (usd if isinstance(usd, Decimal) else Decimal(repr(usd))).quantize(_MICRO, ROUND_HALF_UP)


@dataclass(frozen=True)
class ImageLine:
    """One segment made by one option in one month.

    Attributes:
        can_wait: it takes idle cards, or a batch lane.
        option: as the router labels it; `own` for our cards.
        asked: images a month that the segment asks for, whoever makes them.
        share: of them that this option makes.
        times: images this option is asked for each, so that as many are accepted.
        usd_per_image: that month's price; the power and busy time of an own one.
        accepted_share: of its images.
        source: of the price.
    """

    segment: str
    can_wait: bool
    option: str
    asked: float
    share: float
    times: float
    usd_per_image: Decimal
    accepted_share: float
    source: str

    @property
    def images(self) -> Decimal:
        """Images it makes."""
        return rounded_images(self.asked * self.share * self.times)

    @property
    def usd(self) -> Decimal:
        """What they cost."""
        return rounded_usd(self.images * self.usd_per_image)

    @property
    def accepted(self) -> Decimal:
        """Images of them that are accepted."""
        return rounded_images(float(self.images) * self.accepted_share)


@dataclass(frozen=True)
class FixedLine:
    """One bill of a month beside the images: `quantity` units at `usd_each`."""

    kind: str
    name: str
    quantity: float
    unit: str
    usd_each: Decimal
    source: str

    @property
    def usd(self) -> Decimal:
        """The bill."""
        return rounded_usd(Decimal(repr(self.quantity)) * self.usd_each)


@dataclass(frozen=True)
class Month:
    """One month of the plan.

    Attributes:
        load: its work over that of the month its fleet was planned for.
        gpu_hours: cards that are on.
        kg_co2e: of own images; None where no grid is named.
    """

    month: PlanMonth
    images_of: tuple[ImageLine, ...]
    fixed: tuple[FixedLine, ...]
    load: float
    gpu_hours: float
    most_cards: int
    kg_co2e: float | None

    @property
    def usd(self) -> Decimal:
        """Everything."""
        return usd_of(self.images_of) + usd_of(self.fixed)

    @property
    def images(self) -> Decimal:
        """Images made."""
        return sum((line.images for line in self.images_of), Decimal(0))

    @property
    def accepted(self) -> Decimal:
        """Images accepted."""
        return sum((line.accepted for line in self.images_of), Decimal(0))


def usd_of(lines: Iterable[ImageLine | FixedLine]) -> Decimal:
    """The sum of some lines."""
    return sum((line.usd for line in lines), Decimal(0))
