"""The plan's lines: month by month, who makes which images, and what is paid for, each to the micro-dollar. Pure.

Images are rounded to a thousandth, hours by demand to a ten-thousandth, money to a millionth, half away from zero, as
a spreadsheet's ROUND does; sums are sums of what was rounded, so that they are exact wherever they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.mix.streams import Stream
    from planner.uncertainty import Spread

    from .months import PlanMonth

__all__ = ["FIXED_KINDS", "OWN", "PARTS", "FixedLine", "ImageLine", "Month", "part_of", "parts_usd", "rounded_hours",
           "rounded_images", "rounded_usd", "usd_of"]

OWN = "own"
FIXED_KINDS = ("cards", "staff", "storage", "fine-tuning", "licence", "licence overage", "review", "commitment", "tax")
PARTS = ("hosted", "own cards", "people", "other")
"""What a reader sees of the kinds."""
_PART_OF = {"staff": "people", "review": "people", "commitment": "other", "tax": "other"}
_THOUSANDTH, _TEN_THOUSANDTH, _MICRO = Decimal("0.001"), Decimal("0.0001"), Decimal("0.000001")


def rounded_images(images: float) -> Decimal:
    """To a thousandth of an image, from the fifteen digits that a spreadsheet rounds from."""
    return Decimal(f"{images:.15g}").quantize(_THOUSANDTH, ROUND_HALF_UP)


def rounded_hours(hours: float) -> float:
    """To a ten-thousandth of an hour."""
    return float(Decimal(f"{hours:.15g}").quantize(_TEN_THOUSANDTH, ROUND_HALF_UP))


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
        doubt: the price's interval by its age; None where the line is no hosted one.
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
    doubt: Spread | None = None

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
        return (self.images * Decimal(repr(self.accepted_share))).quantize(_THOUSANDTH, ROUND_HALF_UP)


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
        idle: options that make nothing as planned, but would in a busier month or a quieter one.
        load: its work over that of the month its fleet was planned for.
        gpu_hours: cards that are on.
        kg_co2e: of own images; None where no grid is named.
        streams: the work as the router sees it, which the lines are made of.
    """

    month: PlanMonth
    images_of: tuple[ImageLine, ...]
    idle: tuple[ImageLine, ...]
    fixed: tuple[FixedLine, ...]
    load: float
    gpu_hours: float
    most_cards: int
    kg_co2e: float | None
    streams: tuple[Stream, ...] = ()

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


def part_of(line: ImageLine | FixedLine) -> str:
    """The one of `PARTS` that a line belongs to."""
    if isinstance(line, ImageLine):
        return "own cards" if line.option == OWN else "hosted"
    return _PART_OF.get(line.kind, "own cards")


def parts_usd(month: Month) -> dict[str, Decimal]:
    """A month's bill by `PARTS`; together they are the bill."""
    lines: tuple[ImageLine | FixedLine, ...] = (*month.images_of, *month.fixed)
    return {part: usd_of(line for line in lines if part_of(line) == part) for part in PARTS}
