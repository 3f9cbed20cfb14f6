"""How a model is loaded: every option by a word, and what each word means. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ..errors import CannotLoad, short_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CACHES", "COMPILES", "DTYPES", "OFFLOADS", "QUANTISATIONS", "Loading"]

Dtype = Literal["auto", "bf16", "fp16", "fp32"]
DTYPES: tuple[str, ...] = get_args(Dtype)
COMPILES: Mapping[str, str] = {
    "none": "as it is", "regional": "torch.compile of the repeated blocks: seconds to start, nearly all of the gain",
    "default": "torch.compile of the whole transformer", "max-autotune": "the same, and kernels are tried out first"}
OFFLOADS: Mapping[str, str] = {
    "none": "everything stays on the card", "model": "one part at a time is on the card",
    "group": "layer by layer, the next one copied while one works", "sequential": "weight by weight, very slow"}
QUANTISATIONS: Mapping[str, str] = {
    "none": "weights as they are", "fp8-wo": "weights in 8 bits (float), computed in bf16; torchao",
    "int8-wo": "weights in 8 bits (integer), computed in bf16; torchao",
    "fp8": "weights and activations in 8 bits (float); torchao, from Ada and Hopper on",
    "nf4": "weights in 4 bits, computed in bf16; bitsandbytes"}
CACHES: Mapping[str, str] = {
    "none": "every step is computed", "taylorseer": "after the third, four of five steps are extrapolated: faster, and "
    "another picture; of no use at 4 steps"}


@dataclass(frozen=True)
class Loading:
    """What to load and how.

    Attributes:
        model: id of the hub, as in `black-forest-labs/FLUX.2-klein-4B`, or a folder that diffusers has saved; with
            `random_weights` the id of a card, as in `flux-2-klein-4b`, or `tiny-dev`, `tiny-klein`, `tiny-klein-base`.
        dtype: `auto` is bf16 on a card and fp32 on the CPU.
        device: as torch spells it; `auto` is the first card, or the CPU.
        attention: `auto` is diffusers' own choice, else one of its backends, as in `flash` or `_flash_3_hub`.
        random_weights: fill the real configuration with random numbers instead of loading anything.
        offline: never ask the hub.
    """

    model: str
    dtype: Dtype = "auto"
    device: str = "auto"
    compile: str = "none"
    offload: str = "none"
    quantisation: str = "none"
    attention: str = "auto"
    cache: str = "none"
    random_weights: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        """Refuse a word that is not known; CannotLoad names those that are."""
        for key, words in (("dtype", DTYPES), ("compile", tuple(COMPILES)), ("offload", tuple(OFFLOADS)),
                           ("quantisation", tuple(QUANTISATIONS)), ("cache", tuple(CACHES))):
            if getattr(self, key) not in words:
                raise CannotLoad(f"{key} = {short_text(getattr(self, key))}: unknown; use one of {', '.join(words)}")
        if self.random_weights and self.quantisation != "none":
            raise CannotLoad(f"quantisation = {self.quantisation!r}: random weights are made as they are to be used; "
                             "leave one of the two out")
