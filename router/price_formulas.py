"""The vendors' price rules as pure integer and decimal arithmetic: one function per rule.

Sources: docs/prices.md names, for every function, who published or reconstructed it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from .quantities import MEGAPIXEL

if TYPE_CHECKING:
    from .quantities import Size

__all__ = ["PARTIAL_IMAGE_TOKENS", "gpt_output_tokens", "gpt_reference_tokens", "scaled_megapixels", "tiles",
           "whole_megapixels"]

PARTIAL_IMAGE_TOKENS = 100
_PATCH = 32
_PATCH_BUDGET = 1536
_ENLARGED_BELOW = 1024
_TILE = 512
_QUANTITY = Decimal("1e-12")


def gpt_output_tokens(factor: int, size: Size) -> int:
    """Image output tokens of GPT Image 2 and 2.5: a grid of `factor` along the long side, weighted by the pixels.

    Read out of the vendor's cost calculator by third parties; exact on every reading and on the printed table.
    """
    long, short = max(size.width, size.height), min(size.width, size.height)
    across = (2 * factor * short + long) // (2 * long)  # half rounds up
    return -(-(factor * across * (2_000_000 + size.pixels)) // 4_000_000)


def gpt_reference_tokens(size: Size) -> int:
    """Estimated input tokens of one reference image, within 50 %: 32-pixel patches, at most 1,536 of them.

    The vendor publishes no rule; inferred by users in June 2026. Images under 1,024 on the long side are enlarged, at
    most twice. How larger ones are shrunk is not known, so they count as the whole budget: an upper bound.
    """
    long = max(size.width, size.height)
    times, by = (1, 1) if long >= _ENLARGED_BELOW else (2, 1) if 2 * long <= _ENLARGED_BELOW else (
        _ENLARGED_BELOW, long)
    return min(_PATCH_BUDGET, _up(size.width * times, _PATCH * by) * _up(size.height * times, _PATCH * by))


def whole_megapixels(size: Size) -> int:
    """Megapixels of 1,048,576 pixels, rounded up to whole ones; at least 1."""
    return _up(size.pixels, MEGAPIXEL)


def scaled_megapixels(size: Size, *, steps: int, reference_steps: int) -> Decimal:
    """width/1024 x height/1024 x steps/reference_steps, kept to 12 decimals (steps may not divide evenly)."""
    return (Decimal(size.pixels * steps) / Decimal(MEGAPIXEL * reference_steps)).quantize(_QUANTITY)


def tiles(size: Size) -> int:
    """Tiles of 512 x 512 that cover an image."""
    return _up(size.width, _TILE) * _up(size.height, _TILE)


def _up(number: int, by: int) -> int:
    return -(-number // by)
