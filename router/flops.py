"""Floating-point operations of one image, in closed form: c0 + c1 T + c2 T^2 for T tokens.

A multiply-add counts 2. The form is exact: a test counts the real modules of diffusers on torch's meta device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Architecture
    from .quantities import Size

__all__ = ["PIXELS_PER_TOKEN_SIDE", "Forward", "decode_flop", "encode_flop", "forward_flop", "image_tokens",
           "reference_tokens", "tile_depth"]

PIXELS_PER_TOKEN_SIDE = 16
_REFERENCE_TOKENS = 4096  # references are shrunk to about one megapixel
_TIME_FEATURES = 256
_LINEAR = {"flux-2": 13, "flux-1": 12}  # hidden x hidden matrices a token passes in one block
_TILE_DEPTH = {"flux-2": (16, 5), "flux-1": (18, 9)}  # summed inner sizes of a block's matmuls: double, single


@dataclass(frozen=True)
class Forward:
    """FLOP of one pass of the transformer over one image: c0 + c1 T + c2 T^2."""

    c0: int
    c1: int
    c2: int
    tokens: int

    @property
    def matmul(self) -> int:
        """Everything but attention."""
        return self.c0 + self.c1 * self.tokens

    @property
    def attention(self) -> int:
        """The two products of attention."""
        return self.c2 * self.tokens**2

    @property
    def total(self) -> int:
        """All of it."""
        return self.matmul + self.attention


def image_tokens(size: Size) -> int:
    """Tokens of an image: one for 16 x 16 pixels, sides rounded up."""
    side = PIXELS_PER_TOKEN_SIDE
    return -(-size.width // side) * -(-size.height // side)


def reference_tokens(size: Size, references: int) -> int:
    """Tokens of the reference images: as large as the output, one megapixel at most."""
    return references * min(image_tokens(size), _REFERENCE_TOKENS)


def forward_flop(architecture: Architecture, tokens: int) -> Forward:
    """One pass over `tokens` image and reference tokens; the text tokens are added here."""
    h, text = architecture.hidden, architecture.text_tokens
    linear, channels = _LINEAR[architecture.style], architecture.in_channels
    c1 = 2 * linear * h * h * architecture.blocks + 4 * channels * h
    c0 = 2 * text * architecture.text_width * h - 4 * channels * h * text + _vectors(architecture)
    return Forward(c0, c1, 4 * h * architecture.blocks, tokens + text)


def _vectors(architecture: Architecture) -> int:
    """Time, guidance, pooled text and modulation: once for an image, whatever its size."""
    h = architecture.hidden
    embed = (1 + architecture.guidance) * 2 * (_TIME_FEATURES * h + h * h)
    if architecture.pooled_width is not None:
        embed += 2 * (architecture.pooled_width * h + h * h)
    if architecture.style == "flux-2":
        return embed + 34 * h * h
    return embed + (24 * architecture.double_blocks + 6 * architecture.single_blocks + 4) * h * h


def decode_flop(architecture: Architecture, tokens: int) -> int:
    """FLOP of the VAE that turns `tokens` into pixels."""
    return architecture.vae_decode_flop_per_token * tokens + architecture.vae_flop_per_token_squared * tokens**2


def encode_flop(architecture: Architecture, tokens: int) -> int:
    """FLOP of the VAE that turns one reference image into tokens."""
    return architecture.vae_encode_flop_per_token * tokens + architecture.vae_flop_per_token_squared * tokens**2


def tile_depth(architecture: Architecture) -> int:
    """Inner sizes of all matmuls of one pass, summed: in proportion to what their last, half-empty waves cost."""
    double, single = _TILE_DEPTH[architecture.style]
    return (double * architecture.double_blocks + single * architecture.single_blocks) * architecture.hidden
