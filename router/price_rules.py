"""The rules of the vendors: each turns what is asked into billed lines, the image itself first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from .errors import PriceError
from .price_formulas import (
    PARTIAL_IMAGE_TOKENS,
    gpt_output_tokens,
    gpt_reference_tokens,
    scaled_megapixels,
    tiles,
    whole_megapixels,
)
from .quantities import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from .price_rows import Offer, Rate
    from .price_table import PriceTable
    from .prices import PriceAsk

__all__ = ["TOKEN_RULES", "Job", "Line", "delivered_size", "lines_of"]

TOKEN_RULES = frozenset({"gpt_image_tokens", "listed_tokens"})
_FLUX_SIDE_STEP = 16
_REFERENCE_STEPS = 28
Known = TypeVar("Known")


@dataclass(frozen=True)
class Job:
    """One question to the tables; `operation` is what is billed (references make an edit)."""

    ask: PriceAsk
    offer: Offer
    table: PriceTable
    on: date
    operation: str

    @property
    def steps(self) -> int:
        """Steps asked for, or the vendor's default."""
        return self.ask.steps or self.offer.default_steps or 1

    def charges(self, component: str) -> bool:
        """Whether the offer is known to charge for a component by then, in any tier or operation."""
        return any(row.valid_from <= self.on for row in self.table.of_model(self.offer.model, component=component))

    def lists(self, component: str) -> bool:
        """Whether the tables know a rate for a component on any day."""
        return bool(self.table.of_model(self.offer.model, component=component))

    def rate(self, component: str, *, quality: str = "", size: Size | None = None) -> Rate | None:
        """The rate in force, or None; an anomaly is refused by name."""
        row = self.table.rate(self.offer.model, component, on=self.on, operation=self.operation, quality=quality,
                              size=size, tier=self.ask.tier)
        if row is not None and row.anomaly:
            raise PriceError(f"model = {self.offer.model!r}: row {row.id} is left out as an anomaly ({row.note}); "
                             "ask another size or quality, or overlay a row you trust with --data")
        return row

    def needed(self, component: str) -> Rate:
        """The rate in force.

        Raises:
            PriceError: there is none on that day, or none for that operation.
        """
        row = self.rate(component)
        if row is None:
            raise PriceError(_no_rate(self, component))
        return row


@dataclass(frozen=True)
class Line:
    """What one image is billed: `quantity` units of a rate."""

    label: str
    quantity: Decimal
    row: Rate


def lines_of(job: Job) -> tuple[Line, ...]:
    """The billed lines of one image, the image itself first.

    Raises:
        PriceError: a rate or a size is missing.
    """
    return (*_OUTPUT[job.offer.rule](job), *_partials(job), *_prompt(job), *_references(job))


def delivered_size(job: Job) -> Size:
    """The size that comes back: Flux rounds sides to 16s (taken as to the nearest), GPT and lists deliver as asked."""
    if job.offer.rule in TOKEN_RULES or job.offer.rule == "size_list":
        return job.ask.size
    return Size(*(max(1, (side + _FLUX_SIDE_STEP // 2) // _FLUX_SIDE_STEP) * _FLUX_SIDE_STEP
                  for side in (job.ask.size.width, job.ask.size.height)))


def _gpt_image_tokens(job: Job) -> Iterator[Line]:
    factor = _known(job.table.factors, (job.offer.family, job.ask.quality or ""), "token factor")
    yield Line(_alone(job), Decimal(gpt_output_tokens(factor, job.ask.size)), job.needed("image_output"))


def _listed_tokens(job: Job) -> Iterator[Line]:
    tokens = _known(job.table.counts, (job.offer.family, job.ask.quality or "", job.ask.size), "token count")
    yield Line(_alone(job), Decimal(tokens), job.needed("image_output"))


def _megapixels(job: Job) -> Iterator[Line]:
    megapixels = whole_megapixels(job.ask.size)
    stepped = job.charges("output_first_mp") or not job.charges("output_mp")
    if stepped and job.lists("output_first_mp"):
        yield Line("output, first MP", Decimal(1), job.needed("output_first_mp"))
        if megapixels > 1:
            yield Line("output, further MP", Decimal(megapixels - 1), job.needed("output_extra_mp"))
    else:
        yield Line(f"output, {megapixels} MP", Decimal(megapixels), job.needed("output_mp"))
    if job.charges("run"):
        yield Line("run", Decimal(1), job.needed("run"))


def _size_list(job: Job) -> Iterator[Line]:
    ask = job.ask
    row = job.rate("image", quality=ask.quality or "", size=ask.size)
    if row is None:
        listed = [known for known in job.table.of_model(job.offer.model, component="image")
                  if known.operation in ("any", job.operation)]
        if not any(known.in_force(job.on) and known.tier == ask.tier for known in listed):
            raise PriceError(_no_rate(job, "image"))
        sizes = dict.fromkeys(str(known.size) for known in listed if not known.anomaly)
        raise PriceError(f"size = '{ask.size}': {job.offer.model} lists no price for it; "
                         f"use one of {', '.join(sizes)}")
    yield Line(_alone(job) if job.charges("text_input") else f"image, listed {ask.size}", Decimal(1), row)


def _flat(job: Job) -> Iterator[Line]:
    yield Line("image, any size", Decimal(1), job.needed("image"))


def _scaled_pixels_steps(job: Job) -> Iterator[Line]:
    quantity = scaled_megapixels(job.ask.size, steps=job.steps, reference_steps=_REFERENCE_STEPS)
    yield Line(f"output, {job.ask.size} at {job.steps} steps", quantity, job.needed("scaled_image"))


def _tiles(job: Job) -> Iterator[Line]:
    yield Line("output tiles", Decimal(tiles(job.ask.size)), job.needed("output_tile"))


def _tiles_steps(job: Job) -> Iterator[Line]:
    yield Line(f"output tiles x {job.steps} steps", Decimal(tiles(job.ask.size) * job.steps),
               job.needed("output_tile_step"))


def _unpublished(job: Job) -> Iterator[Line]:
    raise PriceError(f"model = {job.offer.model!r}: cannot be priced ahead ({job.offer.note}); settle from the "
                     "answer's usage, or ask a model with a published rule: planner price --help")


def _partials(job: Job) -> Iterator[Line]:
    if job.ask.partial_images:
        tokens = job.ask.partial_images * PARTIAL_IMAGE_TOKENS
        yield Line(f"{job.ask.partial_images} partial image{'s' * (job.ask.partial_images > 1)}, streamed",
                   Decimal(tokens), job.needed("image_output"))


def _prompt(job: Job) -> Iterator[Line]:
    if job.ask.prompt_tokens and job.charges("text_input"):
        yield Line("prompt text", Decimal(job.ask.prompt_tokens), job.needed("text_input"))


def _references(job: Job) -> Iterator[Line]:
    """Reference images by whichever rate the offer has; a list that prints edits includes one of them."""
    references = job.ask.references
    if not references:
        return
    for component, label, count in (
            ("image_input", "reference images, estimated tokens", gpt_reference_tokens),
            ("input_mp", "reference images, MP", lambda size: _reference_megapixels(job, size)),
            ("input_tile", "reference tiles", tiles),
            ("input_tile_step", f"reference tiles x {job.steps} steps", lambda size: tiles(size) * job.steps)):
        if job.charges(component):
            yield Line(label, Decimal(sum(count(size) for size in references)), job.needed(component))
            return
    if job.offer.rule != "size_list" or job.operation != "edit" or not _prints_edits(job):
        raise PriceError(f"references: no price of reference images is known for {job.offer.model}; leave them out, "
                         "or use a model that prices them, as in bfl/flux-2-pro")


def _prints_edits(job: Job) -> bool:
    return any(row.operation == "edit" for row in job.table.of_model(job.offer.model, component="image"))


def _reference_megapixels(job: Job, size: Size) -> int:
    most = job.offer.max_reference_mp
    return whole_megapixels(size) if most is None else min(most, whole_megapixels(size))


def _alone(job: Job) -> str:
    """The label of a GPT image: it says what the price leaves out."""
    left_out = ["prompt text"] if job.ask.prompt_tokens is None else []
    left_out += [] if job.ask.references else ["reference images"]
    return f"image output alone, without {' and '.join(left_out)}" if left_out else "image output"


def _known(table: Mapping[Known, int], key: Known, what: str) -> int:
    if key not in table:
        raise PriceError(f"no {what} for {key}: add it to prices/ with --data")
    return table[key]


def _no_rate(job: Job, component: str) -> str:
    rows = job.table.of_model(job.offer.model, component=component)
    who = f"model = {job.offer.model!r}"
    for_operation = [row for row in rows if row.operation in ("any", job.operation)]
    in_tier = [row for row in for_operation if row.tier == job.ask.tier]
    if not for_operation and rows:
        sold = ", ".join(dict.fromkeys(row.operation for row in rows))
        return f"{who}: operation {job.operation!r} is not sold; use --operation {sold}"
    if for_operation and not in_tier:
        sold = ", ".join(dict.fromkeys(row.tier for row in for_operation))
        return f"{who}: tier {job.ask.tier!r} is not sold; use --tier {sold}"
    if in_tier:
        first = min(row.valid_from for row in in_tier)
        return (f"{who}: no price is known on {job.on} (first known day {first}); ask a later day with --on, or add a "
                "dated row with --data")
    return f"{who}: the tables have no {component} rate; add a row to prices/ with --data"


_OUTPUT: Mapping[str, Callable[[Job], Iterator[Line]]] = MappingProxyType({
    "gpt_image_tokens": _gpt_image_tokens, "listed_tokens": _listed_tokens, "megapixels": _megapixels,
    "size_list": _size_list, "flat": _flat, "scaled_pixels_steps": _scaled_pixels_steps, "tiles": _tiles,
    "tiles_steps": _tiles_steps, "unpublished": _unpublished, "not_sold": _unpublished})
