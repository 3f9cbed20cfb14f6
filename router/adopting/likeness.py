"""Two policies on unlike work made comparable: what the control would have cost for the candidate's images. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..quantities import Size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..ledger.arm_values import ArmSums

__all__ = ["CostCompared", "Fared", "compare_cost", "fared"]

_FEWEST = 5
"""Requests of the control below which a class of work is not compared."""
_SIZES = ((1_100_000, "1 MP"), (2_200_000, "2 MP"), (4_400_000, "4 MP"))


class _Class(NamedTuple):
    """Work that costs alike, as far as what was asked says."""

    segment: str
    operation: str
    size: str
    model: str
    quality: str
    words: int


@dataclass(frozen=True)
class Fared:
    """How an arm fared on the whole."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    images: int = 0
    usd: float = 0.0

    @property
    def usd_per_image(self) -> float | None:
        """Settled for all attempts, over the images that came; None where none did."""
        return self.usd / self.images if self.images else None


@dataclass(frozen=True)
class CostCompared:
    """What the candidate's images cost, beside what the control would have cost for the same work.

    Attributes:
        images: of the candidate, in classes of work that the control has done, too.
        covered_share: of all the candidate's images.
        usd, expected_usd: of those images.
        variance_usd2: of the one; `expected_variance_usd2` of the other.
    """

    images: int = 0
    covered_share: float = 0.0
    usd: float = 0.0
    expected_usd: float = 0.0
    variance_usd2: float = 0.0
    expected_variance_usd2: float = 0.0

    @property
    def more_share(self) -> float | None:
        """How much dearer, as 0.2 for a fifth; None where nothing can be compared."""
        return self.usd / self.expected_usd - 1 if self.expected_usd > 0 else None

    def least_excess_usd(self, most_share: float, *, z: float) -> float:
        """US dollars beyond what is allowed, at the least; above 0 the candidate is too dear, whatever chance did."""
        deviation = math.sqrt(self.variance_usd2 + (1 + most_share) ** 2 * self.expected_variance_usd2)
        return self.usd - (1 + most_share) * self.expected_usd - z * deviation


class _Sums:
    """Sums over the requests of a class."""

    def __init__(self) -> None:
        self.requests = self.images = 0
        self.usd = self.usd_squared = self.usd_images = self.images_squared = 0.0

    def add(self, row: ArmSums) -> None:
        self.requests += row.requests
        self.images += row.images
        self.usd += row.usd
        self.usd_squared += row.usd_squared
        self.usd_images += row.usd_images
        self.images_squared += row.images_squared

    @property
    def variance(self) -> float:
        """Of what a request costs beyond its images at the class's own rate, in USD²."""
        if self.requests <= 1 or not self.images:
            return 0.0
        rate = self.usd / self.images
        total = self.usd_squared - 2 * rate * self.usd_images + rate * rate * self.images_squared
        return max(0.0, total) / (self.requests - 1)


def fared(rows: Iterable[ArmSums]) -> Fared:
    """How an arm fared on the whole."""
    told = list(rows)
    return Fared(sum(row.requests for row in told), sum(row.refused for row in told), sum(row.failed for row in told),
                 sum(row.images for row in told), sum(row.usd for row in told))


def compare_cost(control: Iterable[ArmSums], candidate: Iterable[ArmSums], *, segments: Collection[str]) -> (
        CostCompared):
    """The candidate's cost, and the control's on the candidate's mix (indirect standardisation).

    Args:
        control: its sums by class of work.
        candidate: as `control`.
        segments: those both policies know; a request of any other is counted as of the default one on both sides,
            because what a policy does not know it treats as that.
    """
    theirs, ours = _classed(control, segments), _classed(candidate, segments)
    every = sum(sums.images for sums in ours.values())
    images, usd, expected, variance, expected_variance = 0, 0.0, 0.0, 0.0, 0.0
    for kind, sums in ours.items():
        base = theirs.get(kind)
        if base is None or base.requests < _FEWEST or not base.images:
            continue
        images, usd = images + sums.images, usd + sums.usd
        expected += sums.images * base.usd / base.images
        # Few requests do not show how much they vary; those of the control do.
        variance += sums.requests * max(base.variance, sums.variance)
        expected_variance += (sums.images / base.images) ** 2 * base.requests * base.variance
    return CostCompared(images, images / every if every else 0.0, usd, expected, variance, expected_variance)


def _classed(rows: Iterable[ArmSums], segments: Collection[str]) -> dict[_Class, _Sums]:
    found: defaultdict[_Class, _Sums] = defaultdict(_Sums)
    for row in rows:
        segment = row.segment if row.segment in segments else "default"
        kind = _Class(segment, row.operation, _size(row.size_asked), row.model_asked, row.quality_asked, row.words)
        found[kind].add(row)
    return found


def _size(text: str) -> str:
    """`auto` is a class of its own: what it means is the policy's choice, and its cost is the policy's doing."""
    try:
        pixels = Size.parse(text).pixels
    except ValueError:
        return "auto"
    return next((name for most, name in _SIZES if pixels <= most), "larger")
