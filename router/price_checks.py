"""What cannot be priced, and what to ask instead: every check names the key, the value and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import PriceError
from .price_rules import TOKEN_RULES, Job
from .quantities import Size

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXPERIMENTAL_ABOVE_PIXELS", "SEEN_ACCEPTED_PIXELS", "asked_size", "check_ask"]

EXPERIMENTAL_ABOVE_PIXELS = 2560 * 1440
SEEN_ACCEPTED_PIXELS = 4_000_000
_GPT_STEP, _GPT_MAX_SIDE, _GPT_MAX_RATIO = 16, 3840, 3
_GPT_MIN_PIXELS, _GPT_MAX_PIXELS = 655_360, 8_294_400
_FLUX_MIN_SIDE, _FLUX_MAX_PIXELS = 64, 4_194_304
_GPT_MAX_IMAGES, _GPT_MAX_PARTIALS = 10, 3
_MAX_STEPS = 1000
_MAX_REFERENCE_PIXELS = 100_000_000
_MAX_IMAGES, _MAX_PROMPT_TOKENS = 1_000_000, 1_000_000


def asked_size(text: str) -> Size:
    """The size a person wrote.

    Raises:
        PriceError: `auto`, or no size.
    """
    if text.strip().lower() == "auto":
        raise PriceError("size = 'auto': the model would choose it, so it cannot be priced ahead; "
                         "give WIDTHxHEIGHT, as in 1024x1024")
    try:
        return Size.parse(text)
    except ValueError:
        raise PriceError(f"size = {text!r}: not a size; give WIDTHxHEIGHT, as in 1024x1024") from None


def check_ask(job: Job) -> None:
    """Refuse what no table can price.

    Raises:
        PriceError: one line with key, value and remedy.
    """
    for check in _CHECKS:
        check(job)


def _sold(job: Job) -> None:
    offer, instead = job.offer, f"use {job.offer.instead(job.ask.quality)}"
    if offer.rule == "not_sold":
        raise PriceError(f"model = {offer.model!r}: not sold ({offer.note}); {instead}")
    if offer.shutdown_on is not None and job.on >= offer.shutdown_on:
        raise PriceError(f"model = {offer.model!r}: shut down on {offer.shutdown_on}; {instead}, or price a day "
                         "before with --on")


def _words(job: Job) -> None:
    if job.ask.operation not in ("generate", "edit"):
        raise PriceError(f"operation = {job.ask.operation!r}: unknown; use generate or edit")
    if job.ask.tier not in ("sync", "batch"):
        raise PriceError(f"tier = {job.ask.tier!r}: unknown; use sync or batch")


def _counts(job: Job) -> None:
    ask = job.ask
    for key, value, least in (("n", ask.n, 1), ("partial_images", ask.partial_images, 0),
                              ("prompt_tokens", ask.prompt_tokens, 0), ("steps", ask.steps, 1)):
        if value is not None and value < least:
            raise PriceError(f"{key} = {value}: too few; give {least} or more")
    for key, value, most in (("n", ask.n, _MAX_IMAGES), ("prompt_tokens", ask.prompt_tokens, _MAX_PROMPT_TOKENS)):
        if value is not None and value > most:
            raise PriceError(f"{key} = {value}: too many; give at most {most:,}")
    if _is_gpt(job) and ask.n > _GPT_MAX_IMAGES and job.offer.rule in TOKEN_RULES:
        raise PriceError(f"n = {ask.n}: one request makes at most {_GPT_MAX_IMAGES} images; split it into several")
    if ask.steps is not None and _is_gpt(job):
        raise PriceError(f"steps = {ask.steps}: {job.offer.model} takes no steps; leave them out")
    if ask.steps is not None and ask.steps > _MAX_STEPS:
        raise PriceError(f"steps = {ask.steps}: more than any vendor runs; give at most {_MAX_STEPS}")


def _reference_counts(job: Job) -> None:
    ask = job.ask
    for size in ask.references:
        if size.pixels > _MAX_REFERENCE_PIXELS:
            raise PriceError(f"references = '{size}': larger than any vendor takes; give at most "
                             f"{_MAX_REFERENCE_PIXELS:,} pixels")
    references = job.offer.max_references
    if references is not None and len(ask.references) > references:
        raise PriceError(f"references = {len(ask.references)}: {job.offer.model} takes at most {references}; "
                         "give fewer")


def _partials(job: Job) -> None:
    partials = job.ask.partial_images
    if partials and job.offer.rule not in TOKEN_RULES:
        raise PriceError(f"partial_images = {partials}: {job.offer.model} prices no partial images; leave them out")
    if partials > _GPT_MAX_PARTIALS:
        raise PriceError(f"partial_images = {partials}: at most {_GPT_MAX_PARTIALS} can be streamed; give fewer")
    if partials and job.ask.tier == "batch":
        raise PriceError(f"partial_images = {partials}: the batch tier streams nothing; leave them out or use sync")


def _quality(job: Job) -> None:
    quality, offer = job.ask.quality, job.offer
    known = job.table.qualities(offer, on=job.on)
    if quality == "auto":
        raise PriceError("quality = 'auto': the model would choose it, so it cannot be priced ahead; "
                         + (f"use one of {', '.join(known)}" if known else "leave it out"))
    if not _is_gpt(job):
        if quality is not None:
            raise PriceError(f"quality = {quality!r}: {offer.model} has none; leave --quality out")
    elif known and quality not in known:
        given = "missing" if quality is None else "unknown"
        raise PriceError(f"quality = {quality!r}: {given} for {offer.model}; use one of {', '.join(known)}")


def _reference_rule(job: Job) -> None:
    newer = job.offer.rule == "gpt_image_tokens"
    if job.ask.references and _is_gpt(job) and not newer and job.offer.vendor == "openai":
        raise PriceError(f"references: no token rule for reference images is known for {job.offer.model}; leave them "
                         "out and settle from the answer's usage, or use openai/gpt-image-2")


def _size(job: Job) -> None:
    rule, size = job.offer.rule, job.ask.size
    if rule == "gpt_image_tokens":
        _gpt_size(size)
    elif rule == "listed_tokens":
        sizes = dict.fromkeys(str(known) for family, _, known in job.table.counts if family == job.offer.family)
        if str(size) not in sizes:
            raise PriceError(f"size = '{size}': {job.offer.model} makes {', '.join(sizes)} only; use one of them")
    elif rule not in ("size_list", "unpublished"):
        _flux_size(size)


def _gpt_size(size: Size) -> None:
    long, short = max(size.width, size.height), min(size.width, size.height)
    if size.width % _GPT_STEP or size.height % _GPT_STEP:
        near = Size(*(-(-side // _GPT_STEP) * _GPT_STEP for side in (size.width, size.height)))
        raise PriceError(f"size = '{size}': GPT Image takes sides in 16s; ask {near} and crop")
    if long > _GPT_MAX_SIDE:
        raise PriceError(f"size = '{size}': a side of {long} is above {_GPT_MAX_SIDE}; ask a smaller one")
    if long > _GPT_MAX_RATIO * short:
        raise PriceError(f"size = '{size}': longer than {_GPT_MAX_RATIO}:1; ask a wider one and crop")
    if not _GPT_MIN_PIXELS <= size.pixels <= _GPT_MAX_PIXELS:
        raise PriceError(f"size = '{size}': {size.pixels:,} pixels are outside {_GPT_MIN_PIXELS:,} to "
                         f"{_GPT_MAX_PIXELS:,}; ask between 1024x640 and 3840x2160")


def _flux_size(size: Size) -> None:
    if min(size.width, size.height) < _FLUX_MIN_SIDE:
        raise PriceError(f"size = '{size}': Flux makes no side below {_FLUX_MIN_SIDE}; ask a larger one")
    if size.pixels > _FLUX_MAX_PIXELS:
        raise PriceError(f"size = '{size}': {size.pixels:,} pixels are above Flux's {_FLUX_MAX_PIXELS:,} (2048x2048); "
                         "ask a smaller one, or openai/gpt-image-2 up to 3840x2160")


def _is_gpt(job: Job) -> bool:
    return job.offer.card.startswith("gpt-image")


_CHECKS: tuple[Callable[[Job], None], ...] = (
    _words, _sold, _counts, _reference_counts, _partials, _quality, _reference_rule, _size)
