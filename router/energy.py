"""Joules of an image: as the card counted them in own runs, else the power it draws when busy times the seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .quantities import SECONDS_PER_HOUR, Day
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .gpus import Gpu
    from .runs import OwnTiming
    from .service_time import Law, Timing

__all__ = ["BoardPower", "Energy", "Watts", "busy_watts", "energy_of", "joules_at", "load_board_power"]

_ANY_CARD = "any"
# Readings and sibling cards, 5 % each in a 90 % interval; see docs/throughput.md for what is stated and what assumed.
_READING_LOG_SD = 0.043
_OTHER_BATCH_LOG_SD = 0.06  # another size, step count or batch on the same card: an assumption
_Z95 = 1.6448536269514722


@dataclass(frozen=True)
class BoardPower:
    """The share of its power limit that a card draws while it makes images; `id` is a card's, or `any`.

    `low_share` and `high_share` bound nine in ten cases.
    """

    id: str
    share: float
    low_share: float
    high_share: float
    basis: Literal["measured", "assumption"]
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse shares out of order."""
        if not 0 < self.low_share <= self.share <= self.high_share <= 1:
            raise Invalid("share", self.share, "0 < low_share <= share <= high_share <= 1 does not hold",
                          "write shares of the power limit")


@dataclass(frozen=True)
class Watts:
    """What the board of a busy card draws: median and 90 % interval, and how that is known."""

    watts: float
    low: float
    high: float
    basis: str


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
        return self.joules_per_image / SECONDS_PER_HOUR


def load_board_power(roots: Iterable[Path]) -> Mapping[str, BoardPower]:
    """Every row of `energy/board_power.csv` by card; a later folder's row replaces the row of the same card.

    Raises:
        TableError: a row cannot be read.
    """
    return {row.id: row for path in table_files(roots, "energy/board_power.csv") for row in read_rows(path, BoardPower)}


def energy_of(law: Law, made: Timing) -> Energy | None:
    """Joules of one image of a timing; None where neither its runs nor a table tell the card's power."""
    if made.own is not None and made.own.joules_per_image is not None:
        return _measured(made.own, made.own.joules_per_image)
    watts = busy_watts(law, made.setup.gpu)
    return None if watts is None else joules_at(watts, (made.low, made.seconds_per_image, made.high))


def busy_watts(law: Law, gpu: Gpu) -> Watts | None:
    """What a card draws while it makes images: as own runs read it on this card, else a share of its power limit."""
    read = [own.row.power_w for own in law.own.values() if own.row.gpu == gpu.id and own.row.power_w is not None]
    if read:
        width = math.exp(_Z95 * math.hypot(_READING_LOG_SD, _OTHER_BATCH_LOG_SD))
        return Watts(median(read), min(read) / width, max(read) * width, f"own runs on {gpu.id}")
    row = law.board_power.get(gpu.id) or law.board_power.get(_ANY_CARD)
    if row is None:
        return None
    where = "" if row.id == gpu.id else ", as other cards do"
    return Watts(gpu.tdp_w * row.share, gpu.tdp_w * row.low_share, gpu.tdp_w * row.high_share,
                 f"{row.share:.0%} of its limit of {gpu.tdp_w} W{where}")


def joules_at(watts: Watts, seconds: tuple[float, float, float]) -> Energy:
    """Power times seconds per image (low, median, high); their doubts are taken as independent."""
    low_s, middle_s, high_s = seconds
    joules = watts.watts * middle_s
    below = math.hypot(math.log(watts.watts / watts.low), math.log(middle_s / low_s))
    above = math.hypot(math.log(watts.high / watts.watts), math.log(high_s / middle_s))
    return Energy(joules, joules / math.exp(below), joules * math.exp(above), "derived",
                  f"{watts.watts:.0f} W ({watts.basis}) x {middle_s:.4g} s")


def _measured(own: OwnTiming, joules: float) -> Energy:
    width = math.exp(_Z95 * math.hypot(_READING_LOG_SD, own.log_sd / math.sqrt(own.runs)))
    weights = " of random weights, whose numbers may draw other power" if own.weights == "random" else ""
    return Energy(joules, joules / width, joules * width, "measured", f"energy read in {own.runs} own runs{weights}")
