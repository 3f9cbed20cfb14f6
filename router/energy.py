"""Joules of an image: as the card counted them in own runs, else from its board power and how hard Flux drives it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from .work import OWN_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .gpus import Gpu
    from .measurements import Measurement
    from .runs import OwnTiming

__all__ = ["JOULES_PER_KWH", "Energy", "busy_shares", "derived_energy", "measured_energy"]

JOULES_PER_KWH = 3.6e6
# Of the board's limit. Published readings are of two kinds of card alone; no card under load has been seen below this.
_LEAST_SHARE, _MOST_SHARE = 0.7, 1.0
# Sibling cards differ by 5 % and NVIDIA states its power readings to 5 %.
_READING_LOG_SD = 0.04
_Z95 = 1.6449


@dataclass(frozen=True)
class Energy:
    """Joules per image at the board: median and 90 % interval; host, cooling and idle time are not in it.

    Attributes:
        label: `measured` on this kind of batch in own runs, or `derived` from power and seconds.
        basis: how, in words.
    """

    joules_per_image: float
    low: float
    high: float
    label: Literal["measured", "derived"]
    basis: str

    @property
    def wh_per_image(self) -> float:
        """The same in watt-hours."""
        return self.joules_per_image / 3600


def measured_energy(own: OwnTiming) -> Energy | None:
    """What own runs read; None where they read no power."""
    if own.joules_per_image is None:
        return None
    width = math.exp(_Z95 * _READING_LOG_SD)
    return Energy(own.joules_per_image, own.joules_per_image / width, own.joules_per_image * width, "measured",
                  f"energy of {own.runs} own runs")


def busy_shares(measurements: Iterable[Measurement], gpus: Mapping[str, Gpu]) -> tuple[float, ...]:
    """Shares of the board's power limit that published runs of single cards drew, in order of size."""
    return tuple(sorted(row.power_w / gpus[row.gpu].tdp_w for row in measurements
                        if row.power_w and row.gpu_count == 1 and row.gpu in gpus and row.source_key != OWN_SOURCE))


def derived_energy(gpu: Gpu, seconds: tuple[float, float, float], *, shares: tuple[float, ...]) -> Energy | None:
    """Board power times seconds per image (low, median, high); None where no share was ever read."""
    if not shares:
        return None
    low, middle, high = seconds
    share = min(median(shares), _MOST_SHARE)
    return Energy(gpu.tdp_w * share * middle, gpu.tdp_w * min(_LEAST_SHARE, shares[0]) * low,
                  gpu.tdp_w * _MOST_SHARE * high, "derived",
                  f"{share:.0%} of {gpu.tdp_w} W, the median of {len(shares)} published readings, x seconds")
