"""Own measurements as they were taken: every repetition is a row, and nothing is averaged on the way to the file."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .errors import TableError
from .measurements import Measurement
from .quantities import Day, Size
from .tables import Invalid, Source, read_rows
from .work import OWN_SOURCE

if TYPE_CHECKING:
    from collections.abc import Container, Hashable, Iterable, Sequence
    from pathlib import Path

__all__ = ["OwnTiming", "Run", "load_runs", "own_timings", "runs_digest", "why_unused"]

_MODELLED = ("bf16", "fp8", "int8")
_DEFAULT_ATTENTION = ("", "auto", "native")
_NO_SLOWING = ("idle", "power-cap", "sync-boost", "display-clocks")  # a card at its power limit runs as it does in use
_GB_PER_GIB = 1.073741824


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


@dataclass(frozen=True)
class OwnTiming:
    """The repetitions of one kind of batch together.

    Attributes:
        runs: how many repetitions.
        seconds_per_image: their median.
        log_sd: spread of the log of one repetition; 0.0 where there is one alone.
        joules_per_image: mean of the repetitions that have a reading; None without one.
        weights: `random` where none was run with trained weights; where some were, the others are not in it.
        row: the same as a row of the published measurements, so that the law is fitted to both alike.
    """

    runs: int
    seconds_per_image: float
    log_sd: float
    joules_per_image: float | None
    weights: Literal["trained", "random"]
    row: Measurement

    @property
    def key(self) -> Hashable:
        """What has to be the same for a question to be answered by it."""
        row = self.row
        return (row.model, row.gpu, row.engine, row.precision, row.weight_only, row.compile, row.attention, row.size,
                row.steps, row.forwards_per_step, row.references, row.batch, row.part == "denoise")


def load_runs(roots: Iterable[Path]) -> tuple[Run, ...]:
    """Every row of `throughput/runs/*.csv`; a later folder's row replaces the row of the same id.

    Raises:
        TableError: a row cannot be read, or one folder names an id twice.
    """
    rows: dict[str, Run] = {}
    for root in roots:
        here: dict[str, Run] = {}
        for path in table_files([root], "throughput/runs/*.csv"):
            for row in read_rows(path, Run):
                if row.id in here:
                    raise TableError(path, row.line, key="id", value=row.id, problem="also the id of another run",
                                     remedy="keep one of the two files")
                here[row.id] = row
        rows |= here
    return tuple(rows.values())


def why_unused(run: Run, gpus: Container[str]) -> str:
    """Why a run is no evidence for a plan; empty where it is."""
    slowed = [reason for reason in run.throttled.split() if reason not in _NO_SLOWING]
    reasons = (
        (run.gpu == "cpu", "made on the CPU: says nothing of a card"),
        (not run.model, "a configuration that is in no table, as a tiny one"),
        (run.gpu not in gpus, f"the card {run.device_name!r} is not in gpus/specs.csv"),
        (bool(run.note), f"measured all the same: {run.note}"),
        (bool(run.other_processes), "other processes were on the card"),
        (bool(slowed), f"the card was slowed down: {', '.join(slowed)}"),
        (run.cache != "none", "step caching on"),
        (run.offload != "none", "weights moved between host and card"),
        (run.lora, "with a fine-tune"),
        (run.precision not in _MODELLED, f"precision {run.precision} is not modelled"))
    return next((reason for applies, reason in reasons if applies), "")


def own_timings(runs: Iterable[Run], gpus: Container[str]) -> tuple[OwnTiming, ...]:
    """The usable runs by kind of batch, whole and, where it was timed, the denoising alone."""
    kinds: dict[Hashable, list[Run]] = {}
    for run in runs:
        if not why_unused(run, gpus):
            kinds.setdefault((run.model, run.gpu, run.engine, run.precision, run.weight_only, run.compile,
                              run.attention in _DEFAULT_ATTENTION or run.attention, run.size, run.steps,
                              run.forwards_per_step, run.references, run.batch), []).append(run)
    same_runs = [_trained_first(same) for same in kinds.values()]
    whole = [_timing(same, [run.wall_s for run in same], "pipeline") for same in same_runs]
    steps = [(same, [run.denoise_s for run in same if run.denoise_s is not None]) for same in same_runs]
    return (*whole, *(_timing(same, seconds, "denoise") for same, seconds in steps if seconds))


def _trained_first(runs: Sequence[Run]) -> Sequence[Run]:
    return [run for run in runs if run.weights == "trained"] or runs


def runs_digest(timings: Iterable[OwnTiming]) -> str:
    """Names what a fit has seen of own runs; empty where there are none."""
    seen = sorted(f"{each.row.id} {each.runs} {each.seconds_per_image:.6g}" for each in timings)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16] if seen else ""


def _timing(runs: Sequence[Run], seconds: Sequence[float], part: Literal["pipeline", "denoise"]) -> OwnTiming:
    first, each = runs[0], [taken / runs[0].batch for taken in seconds]
    joules = [run.joules / run.batch for run in runs if run.joules is not None] if part == "pipeline" else []
    burnt, middle = fmean(joules) if joules else None, median(each)
    weights: Literal["trained", "random"] = first.weights
    row = Measurement(
        id=f"own-{first.id.rsplit('-', 1)[0]}-{part}", model=first.model, gpu=first.gpu, gpu_count=1,
        engine=first.engine, engine_as_printed=f"{first.engine} {first.diffusers}".strip(),
        attention="" if first.attention in _DEFAULT_ATTENTION else first.attention, precision=first.precision,
        precision_as_printed=first.precision, weight_only=first.weight_only, compile=first.compile, cache=first.cache,
        offload=first.offload, lora=first.lora, size=first.size, steps=first.steps,
        forwards_per_step=first.forwards_per_step, references=first.references, batch=first.batch, part=part,
        seconds_per_image=middle, peak_vram_gb=first.peak_vram_gib and first.peak_vram_gib * _GB_PER_GIB,
        power_w=None if burnt is None else burnt / middle, trust="A", source_key=OWN_SOURCE, source=first.source,
        source_on=Day.parse(first.at[:10]), note="random weights" if weights == "random" else "")
    spread = stdev(map(math.log, each)) if len(each) > 1 else 0.0
    return OwnTiming(len(each), middle, spread, burnt, weights, row)
