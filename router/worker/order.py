"""What one request asks of the pipeline, and what came of it. Values only: no torch, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..pictures import PictureFormat
    from ..quantities import Size
    from ..request import Lora

__all__ = ["Facts", "Order", "Ran", "Seconds"]


@dataclass(frozen=True)
class Order:
    """One request, every default resolved and every limit checked.

    Attributes:
        size: pixels to generate, sides in multiples of 16; an upscaled picture is `upscale` times as wide and high.
        n: images, made as one batch.
        steps: denoising steps.
        guidance: None for the model's own.
        seed: of the first image; the next one has seed + 1 and so on, so that an image does not depend on its batch.
        references: encoded pictures (PNG, JPEG or WebP) of an edit.
        lora: a registered name and its strength.
        output_compression: JPEG and WebP quality, 0 to 100.
        tenant: whose turn it uses; empty for everybody without a name.
    """

    prompt: str
    size: Size
    n: int
    steps: int
    seed: int
    guidance: float | None = None
    references: tuple[bytes, ...] = ()
    lora: Lora | None = None
    output_format: PictureFormat = "png"
    output_compression: int | None = None
    upscale: Literal[1, 2] = 1
    tenant: str = ""
    request_id: str = ""

    @property
    def pixel_steps(self) -> int:
        """Pixels x steps x images: what admission counts."""
        return self.size.pixels * self.steps * self.n


@dataclass(frozen=True)
class Seconds:
    """Where the time of one batch went.

    Attributes:
        wall: from the call of the pipeline to its images, text encoder and VAE included, writing files left out.
        device: the same between two CUDA events; None without CUDA.
        denoise: of the steps alone, by wall clock after a synchronisation at their ends; None where not measured.
        lora: switching the fine-tune before it.
    """

    wall: float
    device: float | None = None
    denoise: float | None = None
    lora: float = 0.0


@dataclass(frozen=True)
class Ran:
    """A batch that was made: its images (of Pillow), the time, and the most memory the card held (bytes)."""

    images: tuple[Image, ...]
    seconds: Seconds
    peak_vram_bytes: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is loaded.

    Attributes:
        model: id of the model's card, as in `flux-2-klein-4b`; empty where its architecture is in no table.
        loaded_as: the hub id or the folder's name, as it was asked for.
        pipeline: class of diffusers.
        weights: `random` for a real or tiny configuration without trained weights: it times, its pictures are noise.
        revision: commit of the weights where the hub names one.
        default_steps, default_guidance: what a request that says nothing gets.
        forwards_per_step: 2 where guidance runs the transformer twice.
        device: as in `cuda:0` or `cpu`; device_name is the card's own name.
        parameters: of the transformer.
    """

    model: str
    loaded_as: str
    pipeline: str
    weights: Literal["trained", "random"]
    revision: str
    default_steps: int
    default_guidance: float
    forwards_per_step: int
    max_references: int
    dtype: Literal["bf16", "fp16", "fp32"]
    device: str
    device_name: str
    parameters: int
    compile: str = "none"
    offload: str = "none"
    quantisation: str = "none"
    attention: str = "native"
    cache: str = "none"
