"""Published measurements of single images, row by row as they were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .errors import TableError
from .quantities import Day, Size  # noqa: TC001 (the loader reads field types at run time)
from .setup import Setup
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    from .gpus import Gpu
    from .models import Models

__all__ = ["Measurement", "load_measurements", "setup_of", "why_left_out"]

_SWAPS_ENCODER = "text encoder/VAE (component residency)"
_MODELLED = ("bf16", "fp8", "nvfp4", "int8", "int4")
_FILES = ("flux1.csv", "flux2.csv", "own.csv")


@dataclass(frozen=True)
class Measurement:
    """One timing.

    Attributes:
        engine, precision: families; `*_as_printed` holds the source's own words.
        weight_only: weights are stored in `precision` and computed with in bf16.
        offload: what is moved between host and card for every image.
        part: `denoise` is the transformer alone; `pipeline` leaves out writing the file; `serving` and `endpoint`
            include a queue or a web front and are kept for the record.
        seconds_per_image: of the whole batch, divided by its images.
        trust: A primary and complete, B one setting inferred, C secondary or incomplete.
        source_key: one laboratory, repository page or thread; rows of one key are not independent.
    """

    id: str
    model: str
    gpu: str
    gpu_count: int
    engine: str
    engine_as_printed: str
    attention: str
    precision: str
    precision_as_printed: str
    weight_only: bool
    compile: bool
    cache: str
    offload: str
    lora: bool
    size: Size | None
    steps: int | None
    forwards_per_step: int | None
    references: int | None
    batch: int
    part: Literal["denoise", "end-to-end", "pipeline", "serving", "endpoint"]
    seconds_per_image: float
    peak_vram_gb: float | None
    power_w: float | None
    trust: Literal["A", "B", "C"]
    source_key: str
    source: Source
    source_on: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row without a name, a time or a batch."""
        for key in ("id", "model", "gpu", "engine", "precision", "source_key"):
            if not getattr(self, key):
                raise Invalid(key, "", "empty", f"fill in {key}")
        if self.seconds_per_image <= 0:
            raise Invalid("seconds_per_image", self.seconds_per_image, "must be above 0", "write seconds per image")
        if self.batch < 1 or self.gpu_count < 1:
            raise Invalid("batch", self.batch, "batch and gpu_count are at least 1", "write 1 or more")


def load_measurements(roots: Iterable[Path]) -> tuple[Measurement, ...]:
    """Every row of `throughput/flux1.csv`, `flux2.csv` and `own.csv`; a later folder's row replaces the same id.

    Raises:
        TableError: a row cannot be read, or one folder names an id twice.
    """
    rows: dict[str, Measurement] = {}
    for root in roots:
        here: dict[str, Measurement] = {}
        for name in _FILES:
            for path in table_files([root], f"throughput/{name}"):
                for row in read_rows(path, Measurement):
                    if row.id in here:
                        raise TableError(path, row.line, key="id", value=row.id, problem="also the id of another row",
                                         remedy="give every measurement its own id")
                    here[row.id] = row
        rows |= here
    return tuple(rows.values())


def why_left_out(row: Measurement, gpus: Container[str]) -> str:
    """Why a measurement is no evidence for the law of one card; empty where it is."""
    slow_int8 = row.precision == "int8" and not row.compile and not row.weight_only
    swaps = row.offload == _SWAPS_ENCODER or (row.offload == "model" and row.gpu == "a800-80gb")
    reasons = (
        (row.trust == "C", "trust C: secondary or incomplete"),
        (row.gpu_count != 1, "several GPUs: never turned into a single-GPU time"),
        (row.gpu not in gpus, "the card's rates are not known"),
        (row.size is None or row.steps is None or row.references is None, "size, steps or references not stated"),
        (row.cache != "none", "step caching on"),
        (row.offload != "none" and not swaps, "weights moved between host and card"),
        (row.part in ("serving", "endpoint") or row.engine == "diffusers-endpoint", "a queue or a web front included"),
        (row.precision not in _MODELLED, "precision not modelled"),
        (slow_int8, "int8 dynamic without compile: pathological"))
    return next((reason for applies, reason in reasons if applies), "")


def setup_of(row: Measurement, models: Models, *, gpus: Mapping[str, Gpu]) -> Setup:
    """What a measurement timed, for the law; only of rows that `why_left_out` has nothing against.

    Raises:
        OutOfReach: its model is not known.
    """
    card = models.find(row.model)
    if row.size is None or row.steps is None:
        raise ValueError(row.id)
    return Setup(
        card, models.architecture_of(card), gpus[row.gpu], row.engine, row.precision, row.weight_only,  # type: ignore[arg-type]
        row.compile, row.size, row.steps, row.forwards_per_step or 1, row.batch, row.references or 0,
        "denoise" if row.part == "denoise" else "end-to-end", row.attention, row.lora, row.offload != "none",
        row.source_key)
