"""A way to make an image on a card, with every name resolved and everything decided that decides its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .errors import OutOfReach
from .flops import PIXELS_PER_TOKEN_SIDE, image_tokens, reference_tokens
from .names import find_named
from .quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from .tables import Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .gpus import Gpu
    from .models import Architecture, ModelCard
    from .quantities import Size

__all__ = ["BYTES_PER_WEIGHT", "PRECISIONS", "Engine", "Footprint", "Setup", "find_engine", "footprint", "load_engines",
           "read_precision"]

Precision = Literal["bf16", "fp8", "nvfp4", "int8", "int4"]
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp8", "nvfp4", "int8", "int4")
BYTES_PER_WEIGHT: Mapping[str, float] = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0, "nvfp4": 0.5625, "int4": 0.5625}
_GIB = 2**30
_CONTEXT_GIB = 1.0  # CUDA context, kernels and allocator
_LIVE_ACTIVATIONS = 16  # hidden-wide tensors alive at once in a block
_LIVE_PIXEL_BYTES = 3 * 128 * 2  # the VAE's last stage: three maps of 128 channels in bf16
_NO_INT4 = ("hopper", "blackwell", "blackwell-rtx")
_WEIGHT_ONLY_ENGINES = ("stable-diffusion.cpp",)


@dataclass(frozen=True)
class Engine:
    """A family of software that runs the models; `main` ones are what a plan may choose."""

    id: str
    name: str
    aliases: str
    main: bool
    source: Source
    as_of: Day
    note: str
    line: int = 0


def load_engines(roots: Iterable[Path]) -> Mapping[str, Engine]:
    """Every engine of `throughput/engines.csv` by id; a later folder's row replaces the row of the same id."""
    return {row.id: row for path in table_files(roots, "throughput/engines.csv") for row in read_rows(path, Engine)}


def find_engine(engines: Mapping[str, Engine], name: str) -> tuple[Engine, str]:
    """The engine a name means, and the attention kernel it names (`diffusers fa3`), or an empty text.

    Raises:
        OutOfReach: unknown engine.
    """
    words = name.lower().replace("+", " ").replace(",", " ").split()
    kernel = next((word for word in words if word in ("fa3", "sdpa")), "")
    rest = " ".join(word for word in words if word not in (kernel, "compile", "and")) or name
    return engines.get(rest) or find_named(rest, engines.values(), kind="engine"), kernel


def read_precision(text: str, engine: str) -> tuple[Precision, bool]:
    """The precision a person wrote, and whether it is that of the weights alone.

    Raises:
        OutOfReach: no precision the measurements know.
    """
    plain = text.lower().replace("-", "").replace("_", "").replace(" ", "")
    weight_only = any(mark in plain for mark in ("wo", "weightonly", "gguf", "bnb", "q8", "q4"))
    for precision, marks in (("nvfp4", ("nvfp4", "fp4")), ("fp8", ("fp8", "float8", "e4m3")),
                             ("int8", ("int8", "q8", "w8a8")), ("int4", ("int4", "q4", "w4a4", "svdq", "nf4")),
                             ("bf16", ("bf16", "bfloat16", "fp16", "half", "16bit"))):
        if any(mark in plain for mark in marks):
            quantised = precision != "bf16"
            return precision, quantised and (weight_only or engine in _WEIGHT_ONLY_ENGINES)  # type: ignore[return-value]
    raise OutOfReach(f"precision = {text!r}: unknown; use one of {', '.join(PRECISIONS)}, with wo for weights alone")


@dataclass(frozen=True)
class Setup:
    """Everything the time of an image depends on.

    Attributes:
        steps, forwards: denoising steps, and passes of the transformer in each.
        attention: a kernel that was named, or empty for the engine's own choice.
        swap: the text encoder is brought to the card for every prompt, because both do not fit.
        source: who measured; empty for somebody unknown, as in a plan.
    """

    card: ModelCard
    architecture: Architecture
    gpu: Gpu
    engine: str
    precision: Precision
    weight_only: bool
    compile: bool
    size: Size
    steps: int
    forwards: int
    batch: int
    references: int
    part: Literal["denoise", "end-to-end"]
    attention: str = ""
    lora: bool = False
    swap: bool = False
    source: str = ""

    @property
    def tokens(self) -> int:
        """Tokens of the image and its references, the text's not counted."""
        return image_tokens(self.size) + reference_tokens(self.size, self.references)

    @property
    def passes(self) -> int:
        """Passes of the transformer for one image."""
        return self.steps * self.forwards

    @property
    def computed_in(self) -> Precision:
        """The precision matmuls run in: bf16 where only the weights are quantised, or the card has no such unit."""
        without = (self.precision == "fp8" and self.gpu.matmul_fp8_tflops is None) or (
            self.precision == "nvfp4" and self.gpu.matmul_fp4_tflops is None) or (
            self.precision == "int4" and self.gpu.arch in _NO_INT4)
        return "bf16" if self.weight_only or without else self.precision

    @property
    def stored_only(self) -> bool:
        """Whether weights are unpacked to bf16 before they are used."""
        return self.precision != "bf16" and self.computed_in == "bf16"

    @property
    def precision_key(self) -> str:
        """Precision with `-wo` where it is that of the weights alone."""
        return f"{self.precision}-wo" if self.stored_only else self.precision

    @property
    def mode(self) -> str:
        """`compiled` or `eager`."""
        return "compiled" if self.compile else "eager"

    @property
    def cell(self) -> str:
        """GPU, engine, precision and mode: what sources can be compared on."""
        return f"{self.gpu.id}/{self.engine}/{self.precision_key}/{self.mode}"


@dataclass(frozen=True)
class Footprint:
    """Memory in GiB: what must be on the card while denoising, with the encoder beside it, what the card has.

    `encoder_gib` is the text encoder alone, in bf16, with its context.
    """

    needed_gib: float
    with_encoder_gib: float
    available_gib: float
    encoder_gib: float

    @property
    def fits(self) -> bool:
        """Whether the transformer fits at all."""
        return self.needed_gib <= self.available_gib

    @property
    def encoder_bits(self) -> int | None:
        """Bits a weight of the encoder may have to fit alone: 16, 8 or 4; None where not even 4 do."""
        weights = self.encoder_gib - _CONTEXT_GIB
        return next((bits for bits in (16, 8, 4) if weights * bits / 16 + _CONTEXT_GIB <= self.available_gib), None)

    @property
    def holds_encoder(self) -> bool:
        """Whether the text encoder may stay on the card."""
        return self.with_encoder_gib <= self.available_gib


def footprint(setup: Setup) -> Footprint:
    """Weights, activations and working memory of a setup; the encoder is kept in bf16."""
    architecture, pixels = setup.architecture, image_tokens(setup.size) * PIXELS_PER_TOKEN_SIDE**2
    weights = architecture.parameters * BYTES_PER_WEIGHT[setup.precision]
    live = setup.batch * ((setup.tokens + architecture.text_tokens) * architecture.hidden * 2 * _LIVE_ACTIVATIONS
                          + pixels * _LIVE_PIXEL_BYTES)
    needed = (weights + live) / _GIB + _CONTEXT_GIB
    encoder = architecture.encoder_parameters * 2 / _GIB
    return Footprint(needed, needed + encoder, setup.gpu.memory_gib, encoder + _CONTEXT_GIB)
