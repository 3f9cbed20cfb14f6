"""When a scenario's images are asked for: an archetype or stated numbers, campaigns, growth; and what was promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator, model_validator

from router.catalog import table_files
from router.request import MOST_IMAGES

from .errors import PlannerError
from .parts import Part
from .redrawing import PastDays
from .toml_document import Fact, PartialDay, UniqueIds, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Archetype", "Campaign", "Promise", "Shape", "Traffic", "load_archetypes", "shape_of"]

_HOURS, _DAYS = 24, 7
_SHAPED = ("hour_of_day", "weekday", "images_of_request", "hour_shape", "day_cv")
_Rates = Annotated[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)]
_Images = Annotated[dict[int, Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]


class Campaign(Part):
    """Some days of the month with more of it, or less: `factor` times what these days would have."""

    name: Annotated[str, Field(min_length=1)]
    first_day: Annotated[int, Field(ge=1, le=31)]
    days: Annotated[int, Field(ge=1, le=31)]
    factor: Annotated[float, Field(ge=0, le=1000)]


class Promise(Part):
    """Seconds from the request to its last image that 19 of 20, or 99 of 100, requests must keep."""

    p95_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    p99_s: Annotated[float, Field(gt=0, le=86_400)] | None = None


class Traffic(Part):
    """The shape of demand; what is left out is the archetype's.

    `hour_of_day` are 24 and `weekday` 7 relative rates, from Monday, in UTC. `hour_shape` is the shape of the gamma
    factor of every hour, `day_cv` the spread of every day's level. Growth is a month's. A `trace` (CSV, Parquet, or the
    address of the router's books) brings all of these from its own days.
    """

    archetype: str = "user-app"
    trace: Annotated[str, Field(min_length=1)] | None = None
    growth_share_per_month: Annotated[float, Field(gt=-1, le=10)] = 0.0
    images_of_request: _Images | None = None
    hour_of_day: _Rates | None = None
    weekday: _Rates | None = None
    hour_shape: Annotated[float, Field(gt=0, le=1e6)] | None = None
    day_cv: Annotated[float, Field(ge=0, le=5)] | None = None
    campaign: tuple[Campaign, ...] = ()

    @field_validator("images_of_request")
    @classmethod
    def _sums_to_one(cls, shares: Mapping[int, float] | None) -> Mapping[int, float] | None:
        if shares is not None and (abs(sum(shares.values()) - 1) > 0.01 or not all(  # noqa: PLR2004 (a rounding)
                1 <= number <= MOST_IMAGES for number in shares)):
            message = f"shares of requests by their images, 1 to {MOST_IMAGES}, that add up to 1"
            raise ValueError(message)
        return shares

    @model_validator(mode="after")
    def _whole_cycles(self) -> Traffic:
        for name, rates, length in (("hour_of_day", self.hour_of_day, _HOURS), ("weekday", self.weekday, _DAYS)):
            if rates is not None and (len(rates) != length or sum(rates) <= 0):
                message = f"{name} needs {length} rates that are not all 0"
                raise ValueError(message)
        stated = [name for name in ("archetype", *_SHAPED) if name in self.model_fields_set]
        if self.trace is not None and stated:
            message = f"a trace has a shape of its own; leave out either trace or {', '.join(stated)}"
            raise ValueError(message)
        return self


class Archetype(Fact):
    """A named shape of demand, with what of it is assumed."""

    id: str
    name: str
    hour_of_day: _Rates
    weekday: _Rates
    hour_shape: Annotated[float, Field(gt=0)]
    day_cv: Annotated[float, Field(ge=0)]
    images_of_request: _Images
    assumption: str
    source: str
    as_of: PartialDay


class _Archetypes(Fact):
    archetype: Annotated[tuple[Archetype, ...], UniqueIds]


class Shape(Part):
    """A resolved shape: 168 rates from Monday 00:00 UTC with a mean of 1, and the noise around them.

    `label` says where it is from and what of it is assumed. With a `past` its days are drawn again, and the noise
    around the rates is theirs.
    """

    hour_of_week: tuple[float, ...]
    images_of_request: dict[int, float]
    hour_shape: float
    day_cv: float
    campaign: tuple[Campaign, ...]
    label: str
    past: PastDays | None = None

    @property
    def images_per_request(self) -> float:
        """Mean images of a request."""
        return sum(number * share for number, share in self.images_of_request.items())

    def campaign_factor(self, hour: int) -> float:
        """What campaigns make of an hour of the month, 0 being its first."""
        day, factor = hour // _HOURS + 1, 1.0
        for one in self.campaign:
            if one.first_day <= day < one.first_day + one.days:
                factor *= one.factor
        return factor


def load_archetypes(roots: Iterable[Path]) -> tuple[Archetype, ...]:
    """The rows of `demand/archetypes.toml`; a later folder's row replaces that of the same id.

    Raises:
        TableError: a row cannot be used.
    """
    rows: dict[str, Archetype] = {}
    for path in table_files(roots, "demand/archetypes.toml"):
        rows |= {row.id: row for row in read_document(path, _Archetypes).archetype}
    return tuple(rows.values())


def shape_of(traffic: Traffic, archetypes: Iterable[Archetype]) -> Shape:
    """The shape a scenario's traffic has.

    Raises:
        PlannerError: an archetype nobody knows.
    """
    known = {row.id: row for row in archetypes}
    base = known.get(traffic.archetype)
    if base is None:
        raise PlannerError(f"traffic.archetype = {traffic.archetype!r}: unknown; use one of {', '.join(known)}, or "
                           "state hour_of_day, weekday and images_of_request")
    hours, days = traffic.hour_of_day or base.hour_of_day, traffic.weekday or base.weekday
    rates = [day * hour for day in days for hour in hours]
    mean = sum(rates) / len(rates)
    stated = [name for name in _SHAPED if getattr(traffic, name) is not None]
    label = "; ".join([f"archetype {base.id} ({base.assumption})"] * (len(stated) < len(_SHAPED))
                      + [f"stated: {', '.join(stated)}"] * bool(stated))
    return Shape(hour_of_week=tuple(rate / mean for rate in rates),
                 images_of_request=dict(traffic.images_of_request or base.images_of_request),
                 hour_shape=base.hour_shape if traffic.hour_shape is None else traffic.hour_shape,
                 day_cv=base.day_cv if traffic.day_cv is None else traffic.day_cv,
                 campaign=traffic.campaign, label=label)
