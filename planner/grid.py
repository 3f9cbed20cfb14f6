"""Grams of CO2e that a kilowatt-hour stands for, by grid; nobody's default: a grid is named or nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from router.names import find_named
from router.quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from router.tables import Invalid, Source

from .errors import PlannerError
from .overlay import read_overlaid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["Factor", "GridRow", "find_factor", "load_grids", "stated_factor"]

_MOST_G_PER_KWH = 2000  # lignite in an old plant is below 1,400


@dataclass(frozen=True)
class GridRow:
    """A grid's yearly average.

    Attributes:
        g_per_kwh: grams of `gases` for a kilowatt-hour; a yearly average, location-based.
        year: of the electricity.
        scope: `generation` counts stacks of the plants there, `consumption` adds trade with neighbours,
            `lifecycle-generation` adds upstream methane and building the plants.
        confidence: as in SOURCES.md.
    """

    id: str
    name: str
    aliases: str
    g_per_kwh: float
    year: int
    gases: Literal["CO2e", "CO2"]
    scope: Literal["generation", "consumption", "lifecycle-generation"]
    confidence: Literal["A", "B", "C", "D"]
    as_of: Day
    source: Source
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no grid's average."""
        if not 0 < self.g_per_kwh <= _MOST_G_PER_KWH:
            raise Invalid("g_per_kwh", self.g_per_kwh, f"outside 0 to {_MOST_G_PER_KWH}", "write grams per kWh")


@dataclass(frozen=True)
class Factor:
    """What a kilowatt-hour is multiplied by, and whose figure that is, in words."""

    g_per_kwh: float
    gases: str
    says: str

    def grams(self, joules: float, *, pue: float = 1.0) -> float:
        """Grams for joules at the board, with `pue` times as much drawn from the grid."""
        return joules / 3.6e6 * pue * self.g_per_kwh


def load_grids(roots: Iterable[Path]) -> tuple[GridRow, ...]:
    """Every row of `energy/grid.csv`; a later folder's row stands in place of the row of the same id.

    Raises:
        TableError: a row cannot be read.
    """
    return read_overlaid(roots, "energy/grid.csv", as_rows=GridRow)


def find_factor(grids: Sequence[GridRow], name: str) -> Factor:
    """The factor of a grid by its id or another name, or a stated number of grams, as in `250`.

    Raises:
        OutOfReach: no such grid.
        PlannerError: a number that is none of grams per kWh.
    """
    try:
        grams = float(name)
    except ValueError:
        row = find_named(name, grids, kind="grid")
        return Factor(row.g_per_kwh, row.gases,
                      f"{row.name} {row.year}, {row.g_per_kwh:g} g {row.gases}/kWh, {row.scope} [{row.source}]")
    return stated_factor(grams)


def stated_factor(g_per_kwh: float) -> Factor:
    """A factor that somebody states.

    Raises:
        PlannerError: it is none of grams per kWh.
    """
    if not 0 <= g_per_kwh <= _MOST_G_PER_KWH:
        raise PlannerError(f"grid = {g_per_kwh:g}: outside 0 to {_MOST_G_PER_KWH} g CO2e/kWh; name a grid that planner "
                           "grids lists, or grams per kWh")
    return Factor(g_per_kwh, "CO2e", f"{g_per_kwh:g} g CO2e/kWh, stated")
