"""The scenario: what a team makes today, what it could own, and what it assumes. One schema for every consumer.

Shares run 0..1. Money is US dollars, as written (Decimal). Months have 730 hours. `scenario_file` reads and composes
the TOML; `gpu_costs` holds the four ways to come by a GPU.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from router.quantities import Size

from .gpu_costs import GpuCost
from .parts import Part
from .plan_terms import PlanTerms
from .traffic import Promise, Traffic

__all__ = [
    "SCHEMA_VERSION",
    "Acceptance",
    "Deliverables",
    "Driver",
    "Licence",
    "Lora",
    "Override",
    "Own",
    "Range",
    "Review",
    "Scenario",
    "Segment",
    "Site",
    "Staff",
    "Today",
    "WhatIf",
    "Worth",
]

SCHEMA_VERSION = 1

_Share = Annotated[float, Field(ge=0, le=1)]
_PositiveShare = Annotated[float, Field(gt=0, le=1)]
_MOST_IMAGES, _MOST_USD = 1e10, 1_000_000_000
_Count = Annotated[float, Field(gt=0, le=_MOST_IMAGES, allow_inf_nan=False)]
_Usd = Annotated[Decimal, Field(ge=0, le=_MOST_USD, allow_inf_nan=False)]
_ImageSize = Annotated[Size, BeforeValidator(lambda text: Size.parse(text) if isinstance(text, str) else text)]
_Text = Annotated[str, Field(min_length=1)]


class Deliverables(Part):
    """Volume from the work itself: assets x markets x candidates x rounds, divided by acceptance."""

    assets_per_month: _Count
    markets: _Count = 1
    candidates: _Count = 1
    rounds: _Count = 1

    def images_per_month(self, acceptance_share: float) -> float:
        """Images to generate so that every accepted asset exists."""
        return self.assets_per_month * self.markets * self.candidates * self.rounds / acceptance_share


class Today(Part):
    """What makes a segment's images now: model x quality x tier, and how many of them are accepted.

    `usd_per_image` replaces the price table, as a stated price; without it the table decides.
    """

    model: _Text
    quality: str | None = None
    tier: Literal["sync", "batch"] = "sync"
    acceptance_share: _PositiveShare = 1.0
    usd_per_image: Annotated[Decimal, Field(gt=0, le=_MOST_USD)] | None = None


class Segment(Part):
    """One kind of work: its volume, its picture, its rules and what makes it today."""

    name: _Text
    images_per_month: Annotated[float, Field(ge=0, le=_MOST_IMAGES, allow_inf_nan=False)] | None = None
    deliverables: Deliverables | None = None
    size: _ImageSize = Size(1024, 1024)
    references: tuple[_ImageSize, ...] = ()
    prompt_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    text_words: Annotated[int, Field(ge=0)] = 0
    data_class: Literal["public", "confidential", "restricted"] = "public"
    today: Today
    lowest_quality: str | None = None
    traffic: Traffic | None = None
    promise: Promise | None = None
    deferrable_share: _Share = 0.0
    movable_share: _Share = 1.0

    @model_validator(mode="after")
    def _one_volume(self) -> Segment:
        if (self.images_per_month is None) == (self.deliverables is None):
            message = "give either images_per_month or deliverables"
            raise ValueError(message)
        return self

    @property
    def volume(self) -> float:
        """Images generated a month today."""
        if self.deliverables is not None:
            return self.deliverables.images_per_month(self.today.acceptance_share)
        return self.images_per_month or 0.0


class Staff(Part):
    """People who keep own GPUs running: full-time equivalents and what one costs a month."""

    fte: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] = 0.0
    usd_per_fte_month: _Usd = Decimal(15000)


class Licence(Part):
    """A commercial licence held for open weights that are not free to run in production."""

    vendor: _Text
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    usd_per_month: _Usd
    included_images_per_month: Annotated[float, Field(ge=0, le=_MOST_IMAGES)] | None = None
    overage_usd_per_image: _Usd = Decimal(0)
    term_months: Annotated[int, Field(gt=0)] = 12
    renews_on: str | None = None
    document: _Text

    @model_validator(mode="after")
    def _overage_has_a_start(self) -> Licence:
        if self.overage_usd_per_image > 0 and self.included_images_per_month is None:
            message = "an overage needs included_images_per_month"
            raise ValueError(message)
        return self


class Lora(Part):
    """Fine-tuning runs a month, in GPU-hours of the same card."""

    runs_per_month: Annotated[float, Field(ge=0, le=100_000)] = 0.0
    gpu_h_per_run: Annotated[float, Field(ge=0, le=100_000)] = 0.0


class Site(Part):
    """Where the cards stand: a grid of `planner grids` or its grams of CO2e per kWh, and the site's PUE."""

    grid: _Text | None = None
    g_per_kwh: Annotated[float, Field(ge=0, le=2000, allow_inf_nan=False)] | None = None
    pue: Annotated[float, Field(ge=1, le=10)] | None = None

    @model_validator(mode="after")
    def _one_grid(self) -> Site:
        if self.grid is not None and self.g_per_kwh is not None:
            message = "give either grid or g_per_kwh"
            raise ValueError(message)
        return self


class Own(Part):
    """The GPUs one would run: model, engine, card, and how they are paid for.

    `seconds_per_image` replaces the throughput law, as a stated time. `busy_share` is the highest share of its
    paid hours a card may work while the promise to users still holds. Switching a card on is paid for `start_minutes`.
    """

    model: _Text
    gpu: _Text
    engine: _Text = "diffusers"
    precision: _Text = "bf16"
    compile: bool = False
    steps: Annotated[int, Field(gt=0)] | None = None
    seconds_per_image: Annotated[float, Field(ge=1e-4, le=1e6, allow_inf_nan=False)] | None = None
    busy_share: _PositiveShare = 0.7
    spare_gpus: Annotated[int, Field(ge=0, le=1000)] = 0
    start_minutes: Annotated[float, Field(ge=0, le=1440)] = 10.0
    acceptance_share: _PositiveShare | None = None
    cost: GpuCost
    staff: Staff = Staff()
    storage_usd_per_month: _Usd = Decimal(0)
    lora: Lora = Lora()
    energy: Site = Site()


class Review(Part):
    """A person looks at every generated image."""

    minutes_per_image: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    usd_per_h: _Usd = Decimal(0)

    @property
    def usd_per_image(self) -> float:
        """Wage for looking at one generated image."""
        return self.minutes_per_image / 60 * float(self.usd_per_h)


class Acceptance(Part):
    """How often a model's image is accepted, where it differs from today's model."""

    model: _Text
    accepted_share: _PositiveShare
    source: _Text


Driver = Literal["price", "rent", "hours", "seconds", "staff", "licence", "acceptance", "busy"]


class Range(Part):
    """A stated 90 % interval of one assumption: 5 % of worlds lie below `low`, 5 % above `high`."""

    driver: Driver
    low: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    high: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: _Text

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low > self.high:
            message = "low is above high; swap them"
            raise ValueError(message)
        return self


class Override(Part):
    """An assumption taken from somebody's statement instead of the tables, and printed as such."""

    key: _Text
    value: Any
    says: _Text
    confirmed: bool = False


class WhatIf(Part):
    """The same scenario with a few keys changed or dropped, shown beside the answer."""

    name: _Text
    set: dict[str, Any] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()
    note: str = ""


class Worth(Part):
    """A gain under this share of one person's yearly cost is called not worth it."""

    person_share: _Share = 0.1
    usd_per_person_year: _Usd = Decimal(180000)

    @property
    def usd_per_year(self) -> float:
        """The smallest yearly gain that is worth a project."""
        return self.person_share * float(self.usd_per_person_year)


class Scenario(Part):
    """Everything the answer depends on, beside the tables."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: _Text
    summary: str = ""
    against: Literal["today", "like-for-like", "cheapest-hosted"] = "today"
    segment: tuple[Segment, ...]
    traffic: Traffic = Traffic()
    promise: Promise = Promise(p95_s=60)
    own: Own
    licence: tuple[Licence, ...] = ()
    licence_waived: bool = False
    review: Review = Review()
    acceptance: tuple[Acceptance, ...] = ()
    range: tuple[Range, ...] = ()
    override: tuple[Override, ...] = ()
    what_if: tuple[WhatIf, ...] = ()
    not_confirmed: tuple[str, ...] = ()
    worth: Worth = Worth()
    plan: PlanTerms = PlanTerms()
    horizon_images_per_month: _Count = 1_000_000
    text_words_limit: Annotated[int, Field(ge=0)] = 4

    @model_validator(mode="after")
    def _named_once(self) -> Scenario:
        if not self.segment:
            message = "a scenario needs at least one [[segment]]"
            raise ValueError(message)
        names: list[str] = [segment.name for segment in self.segment]
        drivers: list[str] = [stated.driver for stated in self.range]
        for kind, listed in (("segment", names), ("range", drivers)):
            twice = {name for name in listed if listed.count(name) > 1}
            if twice:
                message = f"{kind} {min(twice)!r} is given twice; keep one"
                raise ValueError(message)
        return self

    @property
    def images_per_month(self) -> float:
        """All images generated a month today."""
        return sum(segment.volume for segment in self.segment)
