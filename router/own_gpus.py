"""Cards behind an own backend: what they are, how fast, how thirsty, and when they are on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from .card_hours import read_hours

if TYPE_CHECKING:
    from .toml_fields import Fields

__all__ = ["OwnGpus", "read_own_gpus"]


@dataclass(frozen=True)
class OwnGpus:
    """GPUs behind an own backend, for the time and the power of an image.

    Attributes:
        seconds_per_image: replaces the throughput law where it was measured for exactly this work.
        watts: of one card under load, its cooling included where it is paid for; None takes the image's joules as
            measured in own runs or derived from the card's power limit, without cooling.
        usd_per_gpu_h: what an hour of a card costs that is on; for replays and plans, it decides nothing.
        hours: cards that are switched on in each hour of the week from Monday 00:00 UTC; empty for all, always.
    """

    gpu: str
    cards: int
    engine: str
    precision: str
    compile: bool
    steps: int | None
    seconds_per_image: float | None
    watts: float | None
    usd_per_kwh: Decimal
    hours: tuple[int, ...] = ()
    usd_per_gpu_h: Decimal | None = None

    def cards_at(self, hour: int | None) -> int:
        """Cards that are switched on in an hour of the week; all of them where the hour is not known."""
        return self.cards if hour is None or not self.hours else min(self.cards, self.hours[hour])


def read_own_gpus(fields: Fields) -> OwnGpus:
    """The cards of a backend's `gpus` table; what cannot be used is refused in `fields`."""
    made = OwnGpus(fields.text("gpu", needed=True), fields.count("cards", 1, least=1, most=10_000) or 1,
                   fields.text("engine", "diffusers"), fields.text("precision", "bf16"), fields.flag("compile"),
                   fields.count("steps", least=1, most=1000), fields.number("seconds_per_image", least=1e-3),
                   fields.number("watts"), fields.usd("usd_per_kwh", Decimal("0.15")) or Decimal(0),
                   _hours(fields), fields.usd("usd_per_gpu_h"))
    fields.done()
    return made


def _hours(fields: Fields) -> tuple[int, ...]:
    table = fields.table("hours")
    lines = {line: table.count(line, 0, most=10_000) or 0 for line in table.names()}
    return fields.check("hours", lambda: read_hours(lines), default=()) if lines else ()
