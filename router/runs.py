"""Own measurements as they were taken: every repetition is a row, and nothing is averaged on the way to the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .quantities import Size  # noqa: TC001 (the loader reads field types at run time)
from .tables import Invalid, Source

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One timed batch: a row of `throughput/runs/*.csv`.

    Attributes:
        id: unique; the cell's digest and the repetition, so that a resumed measurement knows what it has.
        session: one start of the command; rows of a session share machine, versions and options.
        at: instant in UTC when the batch began, as in `2026-11-25T06:30:00Z`.
        model: id of the model's card; empty where the architecture is in no table: such a row never enters a plan.
        loaded_as: the hub id or folder's name as asked for.
        weights: `random` times like `trained` where the configuration is the real one; the label is kept.
        gpu: id of the card in `gpus/specs.csv`; `cpu`, or empty for a card that is in no table.
        precision, weight_only, compile, cache, offload, attention, lora: as in the tables of published measurements.
        repeat: 1, 2 and on; warm-up batches are not written.
        wall_s, device_s, denoise_s: of the whole batch; see `router.worker.order.Seconds`.
        joules: of the whole batch, above nothing: the idle share is in it. Empty without a reading.
        joules_over_s: seconds of batches, one after the other, that `joules` is the mean of: an energy counter steps
            every 20 to 100 ms, too coarse for one short batch.
        joules_from: `counter` (the card's own), `power` (integrated samples), or empty.
        power_w, utilisation_share, sm_mhz, memory_mhz, temperature_c: means over the batch.
        throttled: reasons the driver gave, parted by blanks; empty for none.
        other_processes: on the card, beside this one.
        commit: of this program; empty outside a checkout.
    """

    id: str
    session: str
    at: str
    model: str
    loaded_as: str
    pipeline: str
    weights: Literal["trained", "random"]
    revision: str
    gpu: str
    device_name: str
    engine: str
    attention: str
    precision: str
    weight_only: bool
    compile: bool
    cache: str
    offload: str
    lora: bool
    size: Size
    steps: int
    forwards_per_step: int
    references: int
    batch: int
    repeat: int
    wall_s: float
    device_s: float | None
    denoise_s: float | None
    joules: float | None
    joules_from: Literal["", "counter", "power"]
    joules_over_s: float | None
    power_w: float | None
    utilisation_share: float | None
    sm_mhz: float | None
    memory_mhz: float | None
    temperature_c: float | None
    throttled: str
    used_vram_gib: float | None
    peak_vram_gib: float | None
    other_processes: int | None
    driver: str
    cuda: str
    torch: str
    diffusers: str
    transformers: str
    python: str
    commit: str
    source: Source
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row without a time."""
        if self.wall_s <= 0 or self.batch < 1 or self.steps < 1:
            raise Invalid("wall_s", self.wall_s, "wall_s above 0, batch and steps of 1 or more are needed",
                          "write what was measured")
