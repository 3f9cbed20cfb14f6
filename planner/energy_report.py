"""The energy of own images for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .own_energy import OwnEnergy
    from .uncertainty import Spread

__all__ = ["energy_lines"]


def energy_lines(energy: OwnEnergy | None) -> Iterator[Text]:
    """Joules an own image, kilowatt-hours and CO2e a month, and what nobody publishes of hosted images."""
    yield Text("Energy of own images while they are made", style="bold")
    if energy is None:
        yield Text("  not known: energy/board_power.csv has no row for the card")
        return
    joules = energy.joules_per_image
    yield Text(f"  {_told(joules, ',.0f')} J an image at the board [{energy.label}: {joules.source}]")
    cooling = f"PUE {energy.pue:g}" if energy.pue else "no cooling counted ([own.energy] pue)"
    yield Text(f"  {_told(energy.kwh_per_month)} kWh a month for {energy.images_per_month:,.0f} own images, {cooling}; "
               "idle cards and the host beside them are not in it")
    if energy.factor is None or energy.kg_per_month is None:
        yield Text('  CO2e: name a grid ([own.energy] grid = "fr", or g_per_kwh; planner grids lists them)')
    else:
        yield Text(f"  {_told(energy.kg_per_month)} kg {energy.factor.gases} a month; {energy.factor.says}")
    yield Text("  hosted images: not known; the tables have no vendor's figure")


def _told(spread: Spread, form: str = ",.3g") -> str:
    return f"{spread.mid:{form}} ({spread.low:{form}} to {spread.high:{form}})"
