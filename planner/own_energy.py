"""What own images draw: joules each, kilowatt-hours a month, and CO2e where the scenario names a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from router.energy import Energy, Watts, busy_watts, joules_at
from router.gpus import find_gpu
from router.quantities import WATT_SECONDS_PER_KWH

from .errors import ScenarioError
from .gpu_costs import Existing, Owned
from .grid import Factor, find_factor, stated_factor
from .uncertainty import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.service_time import Estimate

    from .case import Case

__all__ = ["OwnEnergy", "own_energy"]

_GRAMS_PER_KG = 1000


@dataclass(frozen=True)
class OwnEnergy:
    """Energy of the images that move, while they are made: idle hours and the host beside the card are not in it.

    Attributes:
        joules_per_image: of one own image at the board of the card.
        label: `measured` where all of it was read in own runs of these very batches.
        watts: the mean power behind it.
        images_per_month: own images at the scenario's volume, repeats for acceptance included.
        pue: what the site draws for each watt of its machines; None where nobody said, and none is counted.
        factor: of the grid; None where none is named.
    """

    joules_per_image: Spread
    label: Literal["measured", "derived"]
    watts: float
    images_per_month: float
    pue: float | None
    factor: Factor | None

    @property
    def kwh_per_month(self) -> Spread:
        """Kilowatt-hours of all images of a month, cooling included where a PUE is known."""
        each = self.images_per_month * (self.pue or 1.0) / WATT_SECONDS_PER_KWH
        return _scaled(self.joules_per_image, each, "kWh a month")

    @property
    def kg_per_month(self) -> Spread | None:
        """Kilograms of CO2e of a month; None where no grid is named."""
        if self.factor is None:
            return None
        return _scaled(self.kwh_per_month, self.factor.g_per_kwh / _GRAMS_PER_KG, f"kg {self.factor.gases} a month")


def own_energy(case: Case, estimates: Sequence[Estimate | None], *, weights: Sequence[float],
               images_per_month: float) -> OwnEnergy | None:
    """The energy of own images; None where the card's power is not known.

    Args:
        case: the question.
        estimates: of each segment that moves; None where the scenario states the seconds.
        weights: shares of the own images, by segment.
        images_per_month: own images at the scenario's volume.

    Raises:
        OutOfReach: an unknown grid or card.
        PlannerError: grams per kWh that no grid has.
        ScenarioError: the power is to be paid for, neither stated nor known.
    """
    cost = case.scenario.own.cost
    found = [_one(case, estimate) for estimate in estimates]
    energies = [energy for energy in found if energy is not None]
    if len(energies) < len(found):
        if isinstance(cost, Existing) and cost.power_w is None:
            raise ScenarioError(case.scenario.name, key="own.cost.power_w", value=None,
                                problem=f"not stated, and no table tells the power of {case.scenario.own.gpu}",
                                remedy="state power_w, or give the card a row in energy/board_power.csv")
        return None
    middle, low, high = (sum(weight * getattr(energy, name) for weight, energy in zip(weights, energies, strict=True))
                         for name in ("joules_per_image", "low", "high"))
    seconds = sum(weight * _seconds(case, estimate) for weight, estimate in zip(weights, estimates, strict=True))
    measured = all(energy.label == "measured" for energy in energies)
    more = f", {len(energies)} segments by their volume" if len(energies) > 1 else ""
    joules = Spread("joules", middle, low, high, "J per own image, at the board", energies[0].basis + more)
    return OwnEnergy(joules, "measured" if measured else "derived", middle / seconds, images_per_month, _pue(case),
                     _factor(case))


def _one(case: Case, estimate: Estimate | None) -> Energy | None:
    own, law = case.scenario.own, case.book.law
    if isinstance(own.cost, Existing) and own.cost.power_w is not None:
        watts: Watts | None = Watts(own.cost.power_w, own.cost.power_w, own.cost.power_w, "stated in the scenario")
    elif estimate is not None:
        return estimate.energy
    else:
        watts = busy_watts(law, find_gpu(law.gpus, own.gpu))
    if estimate is None:
        seconds = (_seconds(case, None),) * 3
    else:
        seconds = (estimate.low, estimate.seconds_per_image, estimate.high)
    return None if watts is None else joules_at(watts, seconds)


def _seconds(case: Case, estimate: Estimate | None) -> float:
    return estimate.seconds_per_image if estimate is not None else case.scenario.own.seconds_per_image or 0.0


def _pue(case: Case) -> float | None:
    """Of `[own.energy]`, else of the costs where it is stated there."""
    own = case.scenario.own
    if own.energy.pue is not None or not isinstance(own.cost, Existing | Owned):
        return own.energy.pue
    return own.cost.pue if "pue" in own.cost.model_fields_set else None


def _factor(case: Case) -> Factor | None:
    stated = case.scenario.own.energy
    if stated.g_per_kwh is not None:
        return stated_factor(stated.g_per_kwh)
    return None if stated.grid is None else find_factor(case.book.grids, stated.grid)


def _scaled(spread: Spread, by: float, unit: str) -> Spread:
    return Spread(spread.name, spread.mid * by, spread.low * by, spread.high * by, unit, spread.source)
