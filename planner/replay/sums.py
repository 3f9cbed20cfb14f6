"""What a replay came to, in memory that does not grow with its length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.adopting.times import SeenTimes

if TYPE_CHECKING:
    from .lives import Ended, Paid

__all__ = ["Place", "SegmentSums", "Sums"]

_MOST_NAMES = 200
_OTHERS = "(others)"


@dataclass
class Place:
    """What one option made, and its micro-dollars."""

    images: int = 0
    usd_micro: int = 0


@dataclass
class SegmentSums:
    """One segment: how it fared."""

    requests: int = 0
    images: int = 0
    usd_micro: int = 0
    unmade: Counter[str] = field(default_factory=Counter)
    latency: SeenTimes = field(default_factory=SeenTimes)
    waited: SeenTimes = field(default_factory=SeenTimes)
    waited_at_all: int = 0


@dataclass
class Sums:
    """All of it.

    Attributes:
        first_at, last_at: arrivals, seconds since 1970.
        places: by option's label; its part before the slash is the backend.
        segments: by the request's own word; the first two hundred, then together.
    """

    first_at: float | None = None
    last_at: float = 0.0
    asked_images: int = 0
    budget_hits: int = 0
    places: dict[str, Place] = field(default_factory=dict)
    segments: dict[str, SegmentSums] = field(default_factory=dict)

    def ended(self, end: Ended) -> None:
        """Count a request."""
        asked = end.asked
        if self.first_at is None:
            self.first_at = asked.at
        self.first_at, self.last_at = min(self.first_at, asked.at), max(self.last_at, asked.at)
        name = asked.request.segment
        segment = self.segments.get(name)
        if segment is None:
            name = name if len(self.segments) < _MOST_NAMES else _OTHERS
            segment = self.segments.setdefault(name, SegmentSums())
        made = sum(end.images.values())
        self.asked_images += asked.request.n
        segment.requests += 1
        segment.images += made
        segment.usd_micro += end.usd_micro
        if end.state != "ok":
            segment.unmade[end.why or end.state] += 1
            self.budget_hits += end.state == "no_budget" or end.why == "budget"
        if made:
            segment.latency.add(end.latency_s)
        if end.waited_s > 0:
            segment.waited_at_all += 1
            segment.waited.add(end.waited_s)

    def paid(self, paid: Paid) -> None:
        """Count an attempt's images and money."""
        place = self.places.get(paid.option.label)
        if place is None:
            place = self.places[paid.option.label] = Place()
        place.images += paid.images
        place.usd_micro += paid.usd_micro

    @property
    def requests(self) -> int:
        """All that were asked."""
        return sum(one.requests for one in self.segments.values())

    @property
    def images(self) -> int:
        """All that were made."""
        return sum(place.images for place in self.places.values())

    @property
    def usd(self) -> float:
        """US dollars of all attempts: hosted prices, and the power of own cards."""
        return sum(place.usd_micro for place in self.places.values()) / 1e6
