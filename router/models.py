"""Model cards: what a model may make, under which licence, and the numbers of its architecture."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from .catalog import table_files
from .errors import OutOfReach, TableError
from .names import find_named
from .quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Architecture", "ModelCard", "Models", "load_models"]

Row = TypeVar("Row")


@dataclass(frozen=True)
class ModelCard:
    """One model.

    Attributes:
        licence_needed: running the weights in production takes a commercial licence.
        architecture: id of its architecture; empty for closed weights.
        forwards_per_step: 2 where guidance runs the transformer twice.
        max_references: reference images of one request.
        text_words: words to render that the evidence calls reliable; None where no limit is known.
    """

    id: str
    name: str
    aliases: str
    maker: str
    family: Literal["gpt-image", "flux"]
    weights: Literal["open", "closed"]
    licence: str
    licence_needed: bool
    architecture: str
    default_steps: int | None
    forwards_per_step: int | None
    min_pixels: int
    max_pixels: int
    side_multiple: int
    max_references: int
    text_words: int | None
    text_evidence: str
    lora: bool
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse open weights without what the throughput law needs."""
        if self.forwards_per_step not in (None, 1, 2):
            raise Invalid("forwards_per_step", self.forwards_per_step, "not 1 or 2", "write 1, or 2 for true guidance")
        for key in ("min_pixels", "max_pixels", "side_multiple"):
            if getattr(self, key) < 1:
                raise Invalid(key, getattr(self, key), "must be above 0", "write the vendor's figure")
        if self.weights == "open" and not (self.architecture and self.default_steps and self.forwards_per_step):
            raise Invalid("architecture", self.architecture, "open weights need their architecture and steps",
                          "fill in architecture, default_steps and forwards_per_step")


@dataclass(frozen=True)
class Architecture:
    """The numbers of a rectified-flow transformer, its text encoder and its VAE.

    Attributes:
        style: `flux-2` (SwiGLU, shared modulation) or `flux-1` (GELU, modulation per block).
        text_width: width of the text encoder's output; `text_tokens` are always computed, padded.
        parameters: of the transformer alone.
        encoder_tflop: multiply-adds x 2 of one prompt, in 1e12.
        vae_*: FLOP of a picture of n tokens are n x per_token + n^2 x per_token_squared.
    """

    id: str
    style: Literal["flux-1", "flux-2"]
    double_blocks: int
    single_blocks: int
    heads: int
    head_dim: int
    in_channels: int
    text_width: int
    text_tokens: int
    guidance: bool
    pooled_width: int | None
    parameters: int
    encoder: str
    encoder_parameters: int
    encoder_tflop: float
    vae_decode_flop_per_token: int
    vae_encode_flop_per_token: int
    vae_flop_per_token_squared: int
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that no transformer has."""
        for key, most in (("double_blocks", 1000), ("single_blocks", 1000), ("heads", 1000), ("head_dim", 10_000),
                          ("in_channels", 10_000), ("text_width", 10**6), ("text_tokens", 10**6),
                          ("parameters", 10**14), ("encoder_parameters", 10**14), ("encoder_tflop", 10**6),
                          ("vae_decode_flop_per_token", 10**15), ("vae_encode_flop_per_token", 10**15),
                          ("vae_flop_per_token_squared", 10**12)):
            if not 0 < getattr(self, key) <= most:
                raise Invalid(key, getattr(self, key), f"outside 0 to {most}", "write the model's own figure")

    @property
    def hidden(self) -> int:
        """Width of the transformer."""
        return self.heads * self.head_dim

    @property
    def blocks(self) -> int:
        """Double-stream and single-stream blocks together."""
        return self.double_blocks + self.single_blocks


@dataclass(frozen=True)
class Models:
    """Every card and architecture, by id."""

    cards: Mapping[str, ModelCard]
    architectures: Mapping[str, Architecture]

    def find(self, name: str) -> ModelCard:
        """The card a name means; a vendor before a slash is passed over.

        Raises:
            OutOfReach: unknown model.
        """
        return self.cards.get(name) or find_named(name, self.cards.values(), kind="model")

    def architecture_of(self, card: ModelCard) -> Architecture:
        """The architecture of open weights.

        Raises:
            OutOfReach: the weights are closed, so nobody can run them on own GPUs.
        """
        if not card.architecture:
            raise OutOfReach(f"model = {card.id!r}: closed weights, so no GPU of yours can run it; ask one of "
                             f"{', '.join(known.id for known in self.cards.values() if known.architecture)}")
        return self.architectures[card.architecture]


def load_models(roots: Iterable[Path]) -> Models:
    """The model cards of all folders; a later folder's row stands in place of the row of the same id.

    Raises:
        TableError: a row cannot be read, or a card names an architecture that is not there.
    """
    folders = tuple(roots)
    architectures = {row.id: row for _, row in _read(folders, "architectures.csv", Architecture)}
    cards: dict[str, ModelCard] = {}
    for path, card in _read(folders, "cards.csv", ModelCard):
        if card.architecture and card.architecture not in architectures:
            raise TableError(path, card.line, key="architecture", value=card.architecture,
                             problem="no such architecture", remedy=f"use one of {', '.join(architectures)}")
        cards[card.id] = card
    return Models(MappingProxyType(cards), MappingProxyType(architectures))


def _read(roots: Iterable[Path], name: str, row_type: type[Row]) -> list[tuple[Path, Row]]:
    return [(path, row) for path in table_files(roots, f"models/{name}") for row in read_rows(path, row_type)]
