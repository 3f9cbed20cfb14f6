"""What no backend could honour, told before anything is decided: one parameter, one problem, one remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BadRequest, short_text
from .request import MOST_IMAGES, MOST_PROMPT_CHARS, MOST_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import ImageRequest

__all__ = ["MOST_PARTIAL_IMAGES", "check_request"]

MOST_PARTIAL_IMAGES = 3
_LEAST_SIDE, _MOST_SIDE = 64, 8192
_QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
_MOST_STEPS, _MOST_COMPRESSION, _MOST_SEED = 200, 100, 2**63 - 1
_LONGEST_DEADLINE_S, _LONGEST_PATIENCE_S, _LONGEST_WORD, _LONGEST_NAME = 86_400, 30 * 86_400, 60, 200


def check_request(request: ImageRequest) -> None:
    """Refuse what no backend could honour.

    Raises:
        BadRequest: the first problem found.
    """
    for check in _CHECKS:
        check(request)


def _prompt(request: ImageRequest) -> None:
    if not request.prompt.strip():
        raise BadRequest("prompt: empty; say what to draw", param="prompt", code="missing_prompt")
    if len(request.prompt) > MOST_PROMPT_CHARS:
        raise BadRequest(f"prompt: {len(request.prompt):,} characters, {MOST_PROMPT_CHARS:,} at most; shorten it",
                         param="prompt", code="prompt_too_long")
    try:
        request.prompt.encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"prompt: character {error.start + 1} is half of one (a lone surrogate); send whole ones",
                         param="prompt", code="invalid_value") from None


def _size(request: ImageRequest) -> None:
    if request.size is not None:
        sides = (request.size.width, request.size.height)
        if min(sides) < _LEAST_SIDE or max(sides) > _MOST_SIDE:
            raise BadRequest(f"size = '{request.size}': sides from {_LEAST_SIDE} to {_MOST_SIDE}; "
                             "give WIDTHxHEIGHT, as in 1024x1024", param="size", code="invalid_size")


def _counts(request: ImageRequest) -> None:
    for name, value, least, most in (
            ("n", request.n, 1, MOST_IMAGES), ("partial_images", request.partial_images, 0, MOST_PARTIAL_IMAGES),
            ("steps", request.steps, 1, _MOST_STEPS), ("seed", request.seed, 0, _MOST_SEED),
            ("output_compression", request.output_compression, 0, _MOST_COMPRESSION)):
        if value is not None and not least <= value <= most:
            raise BadRequest(f"{name} = {value}: give {least} to {most}", param=name, code="invalid_value")


def _quality(request: ImageRequest) -> None:
    if request.quality not in _QUALITIES:
        raise BadRequest(f"quality = {short_text(request.quality)}: unknown; use {', '.join(_QUALITIES)}",
                         param="quality", code="invalid_value")


def _edit(request: ImageRequest) -> None:
    if request.operation == "edit" and not request.references:
        raise BadRequest("image: an edit needs at least one image", param="image", code="missing_image")
    if len(request.references) > MOST_REFERENCES:
        raise BadRequest(f"image: {len(request.references)} images, {MOST_REFERENCES} at most", param="image",
                         code="too_many_images")
    if request.mask is not None and request.references and request.mask.size != request.references[0].size:
        raise BadRequest(f"mask: {request.mask.size}, but the first image is {request.references[0].size}; "
                         "give a mask of the image's size", param="mask", code="invalid_mask")


def _words(request: ImageRequest) -> None:
    words = {name: getattr(request, name) for name in (
        "segment", "project", "brand", "campaign", "cost_center", "residency")}
    longer = {"model": request.model, "lora": request.lora.name if request.lora else "",
              "safety_identifier": request.safety_identifier}
    for most, told in ((_LONGEST_WORD, words), (_LONGEST_NAME, longer)):
        for name, word in told.items():
            if len(word) > most or not word.isprintable():
                raise BadRequest(f"{name} = {short_text(word)}: too long or not printable; use up to {most} "
                                 "characters", param=name, code="invalid_value")


def _limits(request: ImageRequest) -> None:
    deadline = request.deadline_s
    most = _LONGEST_PATIENCE_S if request.urgency == "can_wait" else _LONGEST_DEADLINE_S
    if deadline is not None and not 0 < deadline <= most:
        raise BadRequest(f"deadline_s = {deadline:g}: give seconds above 0, {most} at most",
                         param="deadline_s", code="invalid_value")
    if request.max_usd is not None and not (request.max_usd.is_finite() and request.max_usd >= 0):
        raise BadRequest(f"max_usd = {request.max_usd}: give US dollars, 0 or more", param="max_usd",
                         code="invalid_value")
    if request.background == "transparent" and request.output_format == "jpeg":
        raise BadRequest("background = 'transparent': JPEG has no transparency; use png or webp", param="background",
                         code="invalid_value")


_CHECKS: tuple[Callable[[ImageRequest], None], ...] = (_prompt, _size, _counts, _quality, _edit, _words, _limits)
