"""What a scenario says of real cards: failures, fine-tunes loaded in turn, cards that come and go by demand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from .gpu_costs import Rented, Serverless
from .parts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Autoscale", "CardFailures", "FineTunes", "ScaledCards", "Switching"]

_Z90 = 1.2816
_DAY_S, _MONTH_MINUTES = 86_400, 43_800
_Seconds = Annotated[float, Field(ge=0, le=_DAY_S, allow_inf_nan=False)]


class Switching(Part):
    """Seconds a card takes to load another fine-tune: the median, and what 9 of 10 switches stay below."""

    p50_s: Annotated[float, Field(gt=0, le=_DAY_S, allow_inf_nan=False)]
    p90_s: Annotated[float, Field(gt=0, le=_DAY_S, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Switching:
        if self.p90_s is not None and self.p90_s < self.p50_s:
            message = "p90_s is below p50_s; swap them"
            raise ValueError(message)
        return self

    @property
    def sigma(self) -> float:
        """Of the log-normal law through both."""
        return 0.0 if self.p90_s is None else math.log(self.p90_s / self.p50_s) / _Z90


class CardFailures(Part):
    """How often a card that is on fails, and how long it is then gone."""

    per_card_month: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    repair_minutes: Annotated[float, Field(gt=0, le=_MONTH_MINUTES, allow_inf_nan=False)] = 240.0


class Autoscale(Part):
    """Cards by demand: one more where a call would wait beyond `wait_s`, one less after `idle_minutes` without work."""

    least: Annotated[int, Field(ge=0, le=512)] = 0
    most: Annotated[int, Field(ge=1, le=512)]
    wait_s: _Seconds = 0.0
    idle_minutes: Annotated[float, Field(ge=0, le=1440, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Autoscale:
        if self.least > self.most:
            message = "least is above most; swap them"
            raise ValueError(message)
        return self


class FineTunes(Part):
    """Fine-tunes that a segment's requests ask for, each alike often; `share` of the requests ask for one at all."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


def _can_stop(scaled: Autoscale | None, info: ValidationInfo) -> Autoscale | None:
    """Only what is paid for by the hour or second saves anything when it stops."""
    stated: Mapping[str, object] = info.data
    cost = stated.get("cost")
    if scaled is None or cost is None:
        return scaled
    if isinstance(cost, Serverless):
        if scaled.idle_minutes is not None:
            message = "a serverless card stops after own.cost.idle_tail_s; leave idle_minutes out"
            raise ValueError(message)
    elif not isinstance(cost, Rented) or cost.plan not in ("on-demand", "spot"):
        message = "only cards rented on demand or spot, and serverless ones, cost less when they stop; leave it out"
        raise ValueError(message)
    return scaled


ScaledCards = Annotated[Autoscale | None, AfterValidator(_can_stop)]
"""To stand behind `cost`, which it is checked against."""
