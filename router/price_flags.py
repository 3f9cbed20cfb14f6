"""What a reader of a price must know: one sentence per doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .price_checks import EXPERIMENTAL_ABOVE_PIXELS, SEEN_ACCEPTED_PIXELS
from .quantities import MEGAPIXEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .price_rules import Job
    from .prices import Quote

__all__ = ["flags_of"]

_SHUTDOWN_NOTICE_DAYS = 90
_CONFIDENCE = {"C": "one third party's figure", "D": "inferred, not published"}


def flags_of(job: Job, quoted: Quote) -> tuple[str, ...]:
    """The flags of a priced job, the gravest first; empty where nothing is in doubt."""
    return (*_age(job, quoted), *_offer(job), *_size(job, quoted), *_input(job, quoted), *_evidence(job, quoted))


def _age(job: Job, quoted: Quote) -> Iterator[str]:
    if quoted.stale(job.on):
        yield (f"stale: not checked for {quoted.age_days(job.on)} days, so ±{quoted.stale_spread(job.on):.0%} "
               "(planner prices confirm)")


def _offer(job: Job) -> Iterator[str]:
    shutdown = job.offer.shutdown_on
    if shutdown is not None and (shutdown - job.on).days <= _SHUTDOWN_NOTICE_DAYS:
        yield f"shuts down on {shutdown}; then {job.offer.instead(job.ask.quality)}"


def _size(job: Job, quoted: Quote) -> Iterator[str]:
    size, rule = job.ask.size, job.offer.rule
    if quoted.delivered != size:
        yield f"the vendor rounds sides to 16s: {size} is priced, about {quoted.delivered} is delivered"
    if rule == "gpt_image_tokens" and size.pixels > EXPERIMENTAL_ABOVE_PIXELS:
        yield "experimental above 2560x1440, says the vendor"
    if rule in ("megapixels", "flat", "scaled_pixels_steps", "tiles", "tiles_steps") and (
            size.pixels > SEEN_ACCEPTED_PIXELS):
        yield f"above {SEEN_ACCEPTED_PIXELS:,} pixels: not seen accepted"
    if rule == "flat" and size.pixels > MEGAPIXEL:
        yield "the vendor's figure names no size: above 1 MP it may be more"


def _input(job: Job, quoted: Quote) -> Iterator[str]:
    ask = job.ask
    components = {part.row.component for part in quoted.parts}
    if job.operation == "edit" and not ask.references and job.offer.rule != "size_list":
        yield "an edit without its reference images: give --references to price them"
    if "image_input" in components:
        yield "reference tokens are an estimate, ±50 %: the vendor publishes no rule"
    if ask.n > 1 and components & {"image_input", "text_input"}:
        yield "input is billed n times: an upper bound, not documented"
    if ask.steps is None and job.offer.rule in ("scaled_pixels_steps", "tiles_steps"):
        yield f"steps not given: {job.steps}, the vendor's default"


def _evidence(job: Job, quoted: Quote) -> Iterator[str]:
    if job.offer.rounding_basis == "assumed" and job.offer.rounding == "whole_mp":
        yield "rounding up to whole megapixels is assumed, not documented"
    worst = max(part.row.confidence for part in quoted.parts)
    if worst in _CONFIDENCE:
        yield f"confidence {worst}: {_CONFIDENCE[worst]}"
    for note in dict.fromkeys(part.row.note for part in quoted.parts):
        if note.startswith("suspect"):
            yield note
