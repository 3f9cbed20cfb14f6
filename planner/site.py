"""Where the cards stand, for their energy and CO2e."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from .parts import Part

__all__ = ["Site"]


class Site(Part):
    """Where the cards stand: a grid of `planner grids` or its grams of CO2e per kWh, and the site's PUE."""

    grid: Annotated[str, Field(min_length=1)] | None = None
    g_per_kwh: Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)] | None = None
    pue: Annotated[float, Field(ge=1, le=10)] | None = None

    @model_validator(mode="after")
    def _one_grid(self) -> Site:
        if self.grid is not None and self.g_per_kwh is not None:
            message = "give either grid or g_per_kwh"
            raise ValueError(message)
        return self
