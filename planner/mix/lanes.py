"""Whether hosted accounts let the overflow through: the tier each needs, and what brings it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from planner.fleet import serve
from router.vendor_limits import limits_at, tiers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.queueing import Array

    from .months import Months, Outcome

__all__ = ["Lane", "lanes_of"]

_MINUTE_S = 60.0
_ENOUGH = 99.9


@dataclass(frozen=True)
class Lane:
    """One account under the overflow of a plan.

    Attributes:
        peak_per_minute, peak_at_once: images asked for in the busiest minute, and in work at once, in all but one in a
            thousand of the minutes with any.
        tier, needed: the tier an account starts in, and the first that lets the peaks through; empty where no limit is
            published, and `needed` where none does.
        brings: what brings the tier that is needed.
        highest: the last tier that is published.
        limit: of the tier an account starts in, in words.
    """

    vendor: str
    peak_per_minute: float
    peak_at_once: float
    tier: str
    needed: str
    brings: str
    limit: str
    highest: str = ""

    @property
    def fits(self) -> bool:
        """Whether some tier is enough, or none is published."""
        return not self.tier or bool(self.needed)

    def __str__(self) -> str:
        peaks = f"{self.vendor}: up to {self.peak_per_minute:.0f} images a minute, {self.peak_at_once:.0f} at once"
        if not self.tier:
            return f"{peaks}; no limit is published"
        if self.needed == self.tier:
            return f"{peaks}; the first tier ({self.tier}: {self.limit}) lets them through"
        if self.needed:
            return f"{peaks}; tier {self.tier} has {self.limit}, tier {self.needed} is needed: {self.brings}"
        return f"{peaks}; no published tier is enough: what is too much for {self.highest} goes to the next vendor"


def lanes_of(drawn: Months, made: Outcome) -> tuple[Lane, ...]:
    """Every account of the plan that gets images of people who wait."""
    planned = drawn.planned
    streams = planned.streams
    found: dict[str, list[tuple[float, float]]] = {}
    seconds = {one.hosted.partition("/")[0]: one.hosted_p50_s for one in streams if one.leaves and not one.can_wait}
    for month, work, conditions in zip(drawn.months, drawn.works, drawn.conditions, strict=True):
        away = month.images - serve(work, made.cards, by_image=made.by_image, conditions=conditions).own_images
        for vendor, p50_s in seconds.items():
            mine = np.array([one.leaves and not one.can_wait and one.hosted.partition("/")[0] == vendor
                             for one in streams])[month.stream] & (away > 0)
            if mine.any():
                found.setdefault(vendor, []).append(_peaks(month.at[mine], away[mine].astype(np.float64), p50_s))
    return tuple(_lane(drawn, vendor, [float(np.mean(column)) for column in zip(*peaks, strict=True)])
                 for vendor, peaks in found.items())


def _peaks(at: Array, images: Array, p50_s: float) -> tuple[float, float]:
    minutes = np.bincount((at // _MINUTE_S).astype(np.int64), images)
    total = np.concatenate([[0.0], np.cumsum(images)])
    begun = np.searchsorted(at, at - p50_s, side="right")
    at_once = total[1:] - total[begun]
    return float(np.percentile(minutes[minutes > 0], _ENOUGH)), float(np.percentile(at_once, _ENOUGH))


def _lane(drawn: Months, vendor: str, peaks: list[float]) -> Lane:
    rows = drawn.planned.case.book.limits.get(vendor, ())
    tiers = tiers_of(rows)
    if not tiers:
        return Lane(vendor, peaks[0], peaks[1], "", "", "", "")
    needed = next((tier for tier in tiers if _passes(drawn, vendor, tier, peaks)), "")
    lifts = next((row.lifts for row, after in pairwise(rows) if after.tier == needed and row.tier != needed), "")
    limit = ", ".join(_words(drawn, vendor, tiers[0]))
    return Lane(vendor, peaks[0], peaks[1], tiers[0], needed, lifts, limit, tiers[-1])


def _passes(drawn: Months, vendor: str, tier: str, peaks: list[float]) -> bool:
    most = limits_at(drawn.planned.case.book.limits[vendor], tier)
    return (most.images_per_minute is None or peaks[0] <= most.images_per_minute) and (
        most.concurrent is None or peaks[1] <= most.concurrent)


def _words(drawn: Months, vendor: str, tier: str) -> Iterator[str]:
    most = limits_at(drawn.planned.case.book.limits[vendor], tier)
    if most.images_per_minute is not None:
        yield f"{most.images_per_minute} images a minute"
    if most.concurrent is not None:
        yield f"{most.concurrent} at once"
