"""Rows of the price tables: what a vendor charges for, in which unit, since when, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 (the loader reads field types at run time)
from decimal import Decimal  # noqa: TC003 (the same)
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from .quantities import Day, Size  # noqa: TC001 (the same)
from .sides import Sides
from .tables import Invalid, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMPONENT_UNITS", "UNIT_SIZES", "Component", "Confirmation", "Offer", "Published", "Rate", "Rule",
           "TokenCount", "TokenFactor", "Unit"]

Component = Literal[
    "text_input", "text_cached_input", "image_input", "image_cached_input", "image_output", "text_output",
    "output_first_mp", "output_extra_mp", "output_mp", "input_mp", "run", "image", "input_image", "scaled_image",
    "output_tile", "input_tile", "output_tile_step", "input_tile_step"]
Unit = Literal["per_million_tokens", "per_mp", "per_run", "per_image", "per_mp_at_28_steps", "per_tile",
               "per_tile_step"]
Rule = Literal["gpt_image_tokens", "listed_tokens", "megapixels", "size_list", "flat", "scaled_pixels_steps", "tiles",
               "tiles_steps", "unpublished", "not_sold"]
Tier = Literal["sync", "batch"]

UNIT_SIZES: Mapping[Unit, int] = MappingProxyType({
    "per_million_tokens": 1_000_000, "per_mp": 1, "per_run": 1, "per_image": 1, "per_mp_at_28_steps": 1,
    "per_tile": 1, "per_tile_step": 1})

COMPONENT_UNITS: Mapping[Component, Unit] = MappingProxyType({
    "text_input": "per_million_tokens", "text_cached_input": "per_million_tokens",
    "image_input": "per_million_tokens", "image_cached_input": "per_million_tokens",
    "image_output": "per_million_tokens", "text_output": "per_million_tokens",
    "output_first_mp": "per_mp", "output_extra_mp": "per_mp", "output_mp": "per_mp", "input_mp": "per_mp",
    "run": "per_run", "image": "per_image", "input_image": "per_image", "scaled_image": "per_mp_at_28_steps",
    "output_tile": "per_tile", "input_tile": "per_tile",
    "output_tile_step": "per_tile_step", "input_tile_step": "per_tile_step"})


@dataclass(frozen=True)
class Rate:
    """One rate of one model: USD per unit of a component, from a day on.

    Attributes:
        operation: `any` holds for both generation and editing; a row for the exact operation outranks it.
        quality, size: filled in where the vendor prints a list.
        valid_from: the first day the price is known to hold; a later row of the same key supersedes it.
        valid_to: the last day it holds, where the vendor announced one.
        as_of: the day it was read, as precise as the source says; the earliest day it may mean counts for its age.
        anomaly: contradicts its neighbours; kept for the record, never priced.
    """

    id: str
    model: str
    operation: Literal["any", "generate", "edit"]
    component: Component
    quality: str
    size: Size | None
    tier: Tier
    usd: Decimal
    unit: Unit
    valid_from: date
    valid_to: date | None
    as_of: Day
    confidence: Literal["A", "B", "C", "D"]
    anomaly: bool
    source: Source
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row without an id, with a price of 0 or less, a wrong unit, or an end before its start."""
        if not self.id:
            raise Invalid("id", "", "empty", "give the row its own id")
        if self.usd <= 0:
            raise Invalid("usd", self.usd, "a price is above 0",
                          "write the price, or leave the row out where it is not known")
        if self.unit != COMPONENT_UNITS[self.component]:
            raise Invalid("unit", self.unit, f"{self.component} is not charged so",
                          f"write {COMPONENT_UNITS[self.component]}")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise Invalid("valid_to", self.valid_to, f"before valid_from {self.valid_from}",
                          "write the last day the price holds, or nothing")

    @property
    def key(self) -> tuple[object, ...]:
        """What must have one price on one day."""
        return (self.model, self.operation, self.component, self.quality, self.size, self.tier)

    def in_force(self, on: date) -> bool:
        """Whether the row is known to hold on a day (a later row may still supersede it)."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class Offer:
    """A model as one vendor sells it, and the rule that turns its rates into a price.

    Attributes:
        model: `vendor/model`; `card` is the id of the model card, `vendor_model` the name on the wire.
        family: which token table applies.
        rounding, rounding_basis: how a quantity is rounded, and whether the vendor documents it.
        max_reference_mp: larger references are shrunk to this before they are billed.
        successor_quality: pairs such as `medium:high`, where a successor renames its qualities.
        backend: id of the row in `backends/vendors.csv` that dispatches it, where that is not its vendor.
        least_side_px, most_side_px, side_multiple_px, most_reference_px: what this vendor asks of a side beyond the
            model's own limits, the last of a reference's.
        not_routable: why it is not dispatched to, though it is priced; empty where it is.
    """

    model: str
    card: str
    vendor_model: str
    rule: Rule
    family: str
    rounding: Literal["whole_mp", "whole_tile", "exact", ""]
    rounding_basis: Literal["documented", "assumed", ""]
    default_steps: int | None
    max_references: int | None
    max_reference_mp: int | None
    shutdown_on: date | None
    successor: str
    successor_quality: str
    backend: str
    least_side_px: int | None
    most_side_px: int | None
    side_multiple_px: int | None
    most_reference_px: int | None
    not_routable: str
    as_of: Day
    source: Source
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse an offer whose name is not vendor/model, or that has no card."""
        vendor, slash, name = self.model.partition("/")
        if not (vendor and slash and name):
            raise Invalid("model", self.model, "not vendor/model", "write it as in bfl/flux-2-pro")
        if not self.card:
            raise Invalid("card", "", "empty", "name the model card, as in flux-2-pro")
        if any(":" not in pair for pair in self.successor_quality.split()):
            raise Invalid("successor_quality", self.successor_quality, "not pairs", "write it as in medium:high")
        if self.rule in ("scaled_pixels_steps", "tiles_steps") and not self.default_steps:
            raise Invalid("default_steps", self.default_steps, f"{self.rule} needs it", "write the vendor's default")

    @property
    def id(self) -> str:
        """The model's name, `vendor/model`."""
        return self.model

    @property
    def dispatcher(self) -> str:
        """Id of the row in `backends/vendors.csv` that dispatches it."""
        return self.backend or self.vendor

    @property
    def sides(self) -> Sides:
        """What this vendor asks of sides."""
        return Sides(self.least_side_px or 0, self.most_side_px, self.side_multiple_px or 1, self.most_reference_px)

    @property
    def vendor(self) -> str:
        """The part of the name before the slash."""
        return self.model.partition("/")[0]

    def instead(self, quality: str | None) -> str:
        """What to ask once the model is gone, with the successor's word for the quality where it renames them."""
        if not self.successor:
            return "another model"
        renamed = dict(pair.split(":", 1) for pair in self.successor_quality.split())
        return f"{self.successor}{f' {renamed[quality]}' if quality in renamed else ''}"


@dataclass(frozen=True)
class TokenFactor:
    """Grid factor of a GPT Image quality: patches along the long side."""

    family: str
    quality: str
    factor: int
    as_of: Day
    confidence: Literal["A", "B", "C", "D"]
    source: Source
    note: str
    line: int = 0


@dataclass(frozen=True)
class TokenCount:
    """Output tokens of a model that makes three sizes only."""

    family: str
    quality: str
    size: Size
    tokens: int
    as_of: Day
    source: Source
    note: str
    line: int = 0


@dataclass(frozen=True)
class Confirmation:
    """Somebody looked a row up again on a day and found it unchanged."""

    row: str
    on: date
    line: int = 0


@dataclass(frozen=True)
class Published:
    """A figure that a vendor publishes, to hold the price function against.

    Attributes:
        references: sizes with blanks between them.
        figure: USD or output tokens; `usd_rounded` is USD rounded to as many digits as it is written with.
        holds: no where the vendor's figure contradicts its own rule; `note` says how.
    """

    id: str
    model: str
    operation: Literal["generate", "edit"]
    quality: str
    size: Size
    tier: Tier
    n: int
    references: str
    steps: int | None
    partial_images: int | None
    prompt_tokens: int | None
    on: date
    figure: Decimal
    unit: Literal["usd", "usd_rounded", "tokens"]
    holds: bool
    as_of: Day
    source: Source
    note: str
    line: int = 0
