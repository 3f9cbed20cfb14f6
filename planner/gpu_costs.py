"""The ways to come by a GPU, and what a GPU-month then costs.

Rented by the hour (on-demand, spot, reserved, in business hours, by the job), serverless by the second, owned, or
standing there already. Each gives one `GpuMonth`: what a card costs whether it works or not, what each busy second
adds, and how many hours a month it can work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.quantities import HOURS_PER_MONTH, MONTHS_PER_YEAR, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from .uncertainty import Value

__all__ = ["Existing", "GpuCost", "GpuMonth", "Kind", "Owned", "Rented", "Serverless", "gpu_month"]

_BUSINESS_HOURS_PER_MONTH = 176  # 8 h x 22 days

_MOST_USD, _MOST_S = 1_000_000_000, 1e7
_Amount = Annotated[Decimal, Field(ge=0, le=_MOST_USD, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Kind(BaseModel):
    """A frozen way to pay for a card."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rented(Kind):
    """A card rented by the hour.

    `by-the-job` pays only busy hours plus `start_h_per_day` of starting up; the other plans pay `hours_per_month`
    (730, or 176 in business hours, unless stated). `lost_share` is work done twice after spot interruptions.
    `rent_row` names the row of the rent table the price comes from; without `usd_per_gpu_h` that row's price is used.
    """

    kind: Literal["rented"]
    plan: Literal["on-demand", "spot", "reserved", "business-hours", "by-the-job"] = "on-demand"
    usd_per_gpu_h: Annotated[Decimal, Field(gt=0, le=_MOST_USD, allow_inf_nan=False)] | None = None
    rent_row: str | None = None
    hours_per_month: Annotated[float, Field(ge=1, le=744)] | None = None
    lost_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    start_h_per_day: Annotated[float, Field(ge=0, le=24)] = 0.0
    term_months: Annotated[int, Field(gt=0)] | None = None

    @property
    def hours(self) -> float:
        """Hours a month the card is there."""
        default = _BUSINESS_HOURS_PER_MONTH if self.plan == "business-hours" else HOURS_PER_MONTH
        return self.hours_per_month or default


class Serverless(Kind):
    """A card paid by the second, with cold starts and an idle tail shared by the images of one warm period."""

    kind: Literal["serverless"]
    usd_per_gpu_s: Annotated[Decimal, Field(gt=0, le=_MOST_USD, allow_inf_nan=False)]
    cold_start_s: Annotated[float, Field(ge=0, le=_MOST_S)]
    idle_tail_s: Annotated[float, Field(ge=0, le=_MOST_S)]
    images_per_start: Annotated[float, Field(ge=1, le=1e9)] = 1.0


class Owned(Kind):
    """A server bought: straight-line to its residual, a capital charge on the average book value, power and space."""

    kind: Literal["owned"]
    capex_usd: Annotated[Decimal, Field(gt=0, le=_MOST_USD, allow_inf_nan=False)]
    gpus: Annotated[int, Field(gt=0, le=100_000)] = 1
    adder_share: _Share = 0.0
    life_months: Annotated[int, Field(gt=0, le=600)] = 36
    residual_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    capital_share_per_year: _Share = 0.08
    power_kw: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    load_share: _Share = 0.7
    usd_per_kwh: _Amount = Decimal(0)
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    colo_usd_per_kw_month: _Amount = Decimal(0)
    failures_share_per_year: _Share = 0.0
    failure_cost_share: _Share = 0.5

    def usd_per_month(self) -> float:
        """The whole server's month: depreciation, capital, power, space and repairs."""
        invested = float(self.capex_usd) * (1 + self.adder_share)
        residual = invested * self.residual_share
        depreciation = (invested - residual) / self.life_months
        capital = (invested + residual) / 2 * self.capital_share_per_year / MONTHS_PER_YEAR
        energy = self.power_kw * self.load_share * HOURS_PER_MONTH * float(self.usd_per_kwh) * self.pue
        space = self.power_kw * float(self.colo_usd_per_kw_month)
        repairs = invested * self.failures_share_per_year * self.failure_cost_share / MONTHS_PER_YEAR
        return depreciation + capital + energy + space + repairs


class Existing(Kind):
    """A card that stands there anyway: its power while busy, and what its hours would be worth elsewhere.

    Without `power_w` the power is that of the own images' joules, measured or derived.
    """

    kind: Literal["existing"]
    gpus: Annotated[int, Field(gt=0, le=100_000)] = 1
    power_w: Annotated[float, Field(ge=0, le=1e6)] | None = None
    usd_per_kwh: _Amount
    pue: Annotated[float, Field(ge=1, le=10)] = 1.0
    opportunity_usd_per_gpu_h: _Amount
    hours_per_month: Annotated[float, Field(ge=1, le=744)] = HOURS_PER_MONTH


GpuCost = Annotated[Rented | Serverless | Owned | Existing, Field(discriminator="kind")]


@dataclass(frozen=True)
class GpuMonth:
    """What a card costs: a month whether busy or not, each busy second, each image; and the hours it can work.

    `bought_in` is how many cards come at once (a server of eight is eight). Fields may be arrays of draws.
    """

    usd_per_gpu_month: Value
    usd_per_busy_s: Value
    usd_per_image: Value
    hours_per_month: Value
    bought_in: int


def gpu_month(cost: GpuCost, *, rent_factor: Value = 1.0, hours_factor: Value = 1.0,
              power_w: float = math.nan) -> GpuMonth:
    """The month of one card.

    Args:
        cost: the way it is paid for; a rented card must have its price by now.
        rent_factor: draws around the stated rent (1 = as stated).
        hours_factor: draws around the stated hours a month.
        power_w: of a busy card that stands there already, where the cost states none; not known where left out.
    """
    if isinstance(cost, Rented):
        return _rented(cost, rent_factor, hours_factor)
    if isinstance(cost, Serverless):
        per_second = float(cost.usd_per_gpu_s) * rent_factor
        around = (cost.cold_start_s + cost.idle_tail_s) / cost.images_per_start
        return GpuMonth(0.0, per_second, per_second * around, HOURS_PER_MONTH, 1)
    if isinstance(cost, Owned):
        return GpuMonth(cost.usd_per_month() / cost.gpus * rent_factor, 0.0, 0.0,
                        HOURS_PER_MONTH * hours_factor, cost.gpus)
    watts = power_w if cost.power_w is None else cost.power_w
    power_usd_per_s = watts / 1000 * cost.pue * float(cost.usd_per_kwh) / SECONDS_PER_HOUR
    worth_usd_per_s = float(cost.opportunity_usd_per_gpu_h) / SECONDS_PER_HOUR * rent_factor
    return GpuMonth(0.0, power_usd_per_s + worth_usd_per_s, 0.0, cost.hours_per_month * hours_factor, 1)


def _rented(cost: Rented, rent_factor: Value, hours_factor: Value) -> GpuMonth:
    usd_per_h = float(cost.usd_per_gpu_h or 0) * rent_factor
    hours = cost.hours * hours_factor
    if cost.plan == "by-the-job":
        starting = usd_per_h * cost.start_h_per_day * hours / 24
        return GpuMonth(starting, usd_per_h / SECONDS_PER_HOUR / (1 - cost.lost_share), 0.0, hours, 1)
    return GpuMonth(usd_per_h * hours, 0.0, 0.0, hours * (1 - cost.lost_share), 1)
