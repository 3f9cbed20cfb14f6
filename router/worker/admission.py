"""Which requests the worker takes: all is checked before a place in the line, a tensor or the card is touched."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import randbelow
from typing import TYPE_CHECKING, Literal

from ..errors import BadRequest, short_text
from ..quantities import Size
from .order import Order

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..request import ImageRequest
    from .order import Facts

__all__ = ["Extras", "Limits", "admitted"]

_SIDE = 16
_MOST_SEED = 2**63 - 1
_MEGA = 1e6
_MOST_SCALE = 4.0


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and how much may wait.

    Attributes:
        most_side, most_pixels: of one image as it is made; an upscaled one is larger.
        most_images: of one request.
        most_batch: images made at once; more are made one batch after the other.
        most_pixel_steps: pixels x steps x images of one request.
        most_reference_pixels: of all references together, as they come.
        most_waiting, most_waiting_s: requests that may wait, and seconds of work that may wait, by prediction.
        most_held_bytes: of references, of all requests that are not answered.
    """

    most_side: int = 4096
    most_pixels: int = 4_194_304
    most_steps: int = 100
    most_images: int = 8
    most_batch: int = 4
    most_pixel_steps: int = 8 * 50 * 4_194_304
    most_prompt_chars: int = 32_000
    most_reference_pixels: int = 64_000_000
    most_waiting: int = 64
    most_waiting_s: float = 600.0
    most_held_bytes: int = 512 * 2**20


@dataclass(frozen=True)
class Extras:
    """What the worker's own fields say, beside those of the Images API."""

    guidance: float | None = None
    upscale: Literal[1, 2] = 1
    tenant: str = ""
    request_id: str = ""


def admitted(request: ImageRequest, extras: Extras, *, facts: Facts, limits: Limits,
             fine_tunes: Collection[str]) -> Order:
    """The order a request comes to, its defaults filled in; without a seed it gets one by chance.

    Raises:
        BadRequest: it asks for more than the limits, or for something this worker does not do.
    """
    size = _size(request, limits)
    steps = facts.default_steps if request.steps is None else request.steps
    _within("steps", steps, least=1, most=limits.most_steps)
    _within("n", request.n, least=1, most=limits.most_images)
    work = size.pixels * steps * request.n
    if work > limits.most_pixel_steps:
        raise BadRequest(f"{request.n} x {size} at {steps} steps are {work / _MEGA:,.0f} million pixel steps; at most "
                         f"{limits.most_pixel_steps / _MEGA:,.0f} million a request: ask for fewer images, steps or "
                         "pixels", param="size", code="too_much_work")
    _check_prompt(request.prompt, limits)
    _check_references(request, facts, limits)
    _check_fine_tune(request, fine_tunes)
    seed = randbelow(2**31) if request.seed is None else request.seed
    _within("seed", seed, least=0, most=_MOST_SEED - request.n)
    return Order(request.prompt, size, n=request.n, steps=steps, seed=seed, guidance=_guidance(extras.guidance),
                 references=tuple(each.as_bytes() for each in request.references), lora=request.lora,
                 output_format=request.output_format, output_compression=_compression(request), upscale=extras.upscale,
                 tenant=extras.tenant, request_id=extras.request_id)


def _size(request: ImageRequest, limits: Limits) -> Size:
    size = request.size or Size(1024, 1024)
    for name, side in (("width", size.width), ("height", size.height)):
        if side % _SIDE or not _SIDE <= side <= limits.most_side:
            raise BadRequest(f"size = {str(size)!r}: {name} must be a multiple of {_SIDE} from {_SIDE} to "
                             f"{limits.most_side}", param="size", code="invalid_size")
    if size.pixels > limits.most_pixels:
        raise BadRequest(f"size = {str(size)!r}: {size.pixels:,} pixels, at most {limits.most_pixels:,} are made; "
                         "upscale = 2 doubles width and height afterwards", param="size", code="invalid_size")
    return size


def _within(name: str, value: int, *, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadRequest(f"{name} = {value}: give {least} to {most}", param=name, code="invalid_value")


def _check_prompt(prompt: str, limits: Limits) -> None:
    if not prompt.strip():
        raise BadRequest("prompt: is empty; say what to make", param="prompt", code="missing_required_parameter")
    if len(prompt) > limits.most_prompt_chars:
        raise BadRequest(f"prompt: {len(prompt):,} characters, at most {limits.most_prompt_chars:,}", param="prompt",
                         code="string_above_max_length")


def _check_references(request: ImageRequest, facts: Facts, limits: Limits) -> None:
    if request.mask is not None:
        raise BadRequest("mask: this worker has no inpainting; leave it out", param="mask",
                         code="unsupported_parameter")
    if request.operation == "edit" and not request.references:
        raise BadRequest("image: an edit needs a picture", param="image", code="missing_required_parameter")
    if len(request.references) > facts.max_references:
        raise BadRequest(f"image: {len(request.references)} pictures, at most {facts.max_references}", param="image",
                         code="too_many_images")
    pixels = sum(each.size.pixels for each in request.references)
    if pixels > limits.most_reference_pixels:
        raise BadRequest(f"image: {pixels:,} pixels together, at most {limits.most_reference_pixels:,}", param="image",
                         code="too_large")


def _check_fine_tune(request: ImageRequest, fine_tunes: Collection[str]) -> None:
    if request.lora is None:
        return
    if request.lora.name not in fine_tunes:
        raise BadRequest(f"lora = {short_text(request.lora.name)}: no such name is registered here; registered are "
                         f"{', '.join(sorted(fine_tunes)) or 'none'}", param="lora", code="lora_not_found")
    if not -_MOST_SCALE <= request.lora.scale <= _MOST_SCALE:
        raise BadRequest(f"lora.scale = {request.lora.scale}: give {-_MOST_SCALE} to {_MOST_SCALE}", param="lora",
                         code="invalid_value")


def _guidance(value: float | None) -> float | None:
    if value is not None and not 0.0 <= value <= 30.0:  # noqa: PLR2004 (far beyond what makes a picture)
        raise BadRequest(f"guidance_scale = {value}: give 0 to 30", param="guidance_scale", code="invalid_value")
    return value


def _compression(request: ImageRequest) -> int | None:
    value = request.output_compression
    if value is not None:
        _within("output_compression", value, least=0, most=100)
    return value
