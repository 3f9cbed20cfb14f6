"""A rented card's price from the rent table, where a scenario names a row instead of a price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ScenarioError
from .gpu_costs import Rented

if TYPE_CHECKING:
    from .case import Case

__all__ = ["with_rent"]


def with_rent(case: Case) -> Case:
    """The case with a rented card's price read from the rent table, where the scenario names a row instead of a price.

    Raises:
        ScenarioError: neither a price nor a known row.
    """
    cost = case.scenario.own.cost
    if not isinstance(cost, Rented) or cost.usd_per_gpu_h is not None:
        return case
    row = next((rent for rent in case.book.rents if rent.id == cost.rent_row), None)
    if row is None:
        raise ScenarioError(case.scenario.name, key="own.cost.rent_row", value=cost.rent_row,
                            problem="no such row in the rent table, and no usd_per_gpu_h",
                            remedy="state usd_per_gpu_h, or name a row that `planner gpus --rents` lists")
    own = case.scenario.own.model_copy(
        update={"cost": cost.model_copy(update={"usd_per_gpu_h": row.usd_per_gpu_h})})
    return case.changed(case.scenario.model_copy(update={"own": own}))
