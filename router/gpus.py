"""GPUs: memory, data-sheet rates, and the matmul rates that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .names import find_named
from .quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Gpu", "find_gpu", "load_gpus"]

_LEAST, _MOST = 0.1, 1e6


@dataclass(frozen=True)
class Gpu:
    """One card. Rates are dense, in 1e12 FLOP per second.

    Attributes:
        multiprocessors: units that one tile of a matmul runs on (SM, CU, Xe core).
        spec_*: the vendor's data sheet; matmul_*: what a dense GEMM reaches, `matmul_basis` says how that is known.
        host_link_gb_s: usable rate between host and card, one way.
    """

    id: str
    name: str
    aliases: str
    maker: str
    arch: str
    form_factor: str
    multiprocessors: int
    memory_gib: float
    memory_bandwidth_gb_s: float
    spec_bf16_tflops: float
    spec_fp8_tflops: float | None
    spec_fp4_tflops: float | None
    matmul_bf16_tflops: float
    matmul_fp8_tflops: float | None
    matmul_fp4_tflops: float | None
    matmul_basis: Literal["measured", "derived"]
    matmul_source: Source
    tdp_w: int
    host_link_gb_s: float
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a card without memory or speed."""
        for key in ("multiprocessors", "memory_gib", "memory_bandwidth_gb_s", "spec_bf16_tflops",
                    "matmul_bf16_tflops", "host_link_gb_s"):
            if not _LEAST <= getattr(self, key) <= _MOST:
                raise Invalid(key, getattr(self, key), f"outside {_LEAST:g} to {_MOST:g}", "write the card's figure")
        for key in ("spec_fp8_tflops", "spec_fp4_tflops", "matmul_fp8_tflops", "matmul_fp4_tflops"):
            if getattr(self, key) is not None and not _LEAST <= getattr(self, key) <= _MOST:
                raise Invalid(key, getattr(self, key), f"outside {_LEAST:g} to {_MOST:g}",
                              "write it, or leave it empty")


def load_gpus(roots: Iterable[Path]) -> Mapping[str, Gpu]:
    """Every card of `gpus/specs.csv` by id; a later folder's row stands in place of the row of the same id.

    Raises:
        TableError: a row cannot be read.
    """
    return {row.id: row for path in table_files(roots, "gpus/specs.csv") for row in read_rows(path, Gpu)}


def find_gpu(gpus: Mapping[str, Gpu], name: str) -> Gpu:
    """The card a name means; a bare chip means its SXM board, as in `H100`.

    Raises:
        OutOfReach: unknown card.
    """
    return gpus.get(name) or find_named(name, gpus.values(), kind="gpu")
