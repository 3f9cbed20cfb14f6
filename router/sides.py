"""What a vendor asks of the sides of pictures beyond a model's own limits: the router and a plan refuse by one rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .quantities import Size

__all__ = ["Sides", "largest_side_px", "reference_fits", "sides_fit"]


@dataclass(frozen=True)
class Sides:
    """One vendor's limits in pixels, of the picture that is made and of a reference that is sent; None is no limit."""

    least_px: int = 0
    most_px: int | None = None
    multiple_px: int = 1
    most_reference_px: int | None = None


def sides_fit(sides: Sides, size: Size, *, multiple_px: int = 1) -> Verdict:
    """A size is delivered as asked or refused: nothing is rounded behind the caller's back.

    Args:
        sides: of the vendor.
        size: of the picture.
        multiple_px: what the model itself asks of a side.
    """
    multiple = math.lcm(multiple_px, sides.multiple_px)
    if size.width % multiple or size.height % multiple:
        return refused(Reason.SIDES, asked=str(size), limit=multiple)
    if sides.most_px is not None and max(size.width, size.height) > sides.most_px:
        return refused(Reason.SIDE_TOO_LONG, asked=str(size), limit=sides.most_px)
    if min(size.width, size.height) < sides.least_px:
        return refused(Reason.SIDE_TOO_SHORT, asked=str(size), limit=sides.least_px)
    return allowed()


def largest_side_px(references: Iterable[Size]) -> int:
    """The longest side among reference pictures; 0 where there are none."""
    return max((max(size.width, size.height) for size in references), default=0)


def reference_fits(sides: Sides, largest_px: int) -> Verdict:
    """A reference is sent as it came or not at all."""
    if sides.most_reference_px is not None and largest_px > sides.most_reference_px:
        return refused(Reason.REFERENCE_TOO_LARGE, asked=largest_px, limit=sides.most_reference_px)
    return allowed()
