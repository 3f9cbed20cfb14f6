"""Timing a pipeline: warm-up, a stretch for the energy counter, then every repetition a row of its own."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from router.tables import Source
from router.worker.order import Order

from .sampling import LEAST_COUNTED_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.nvml import Card
    from router.quantities import Size
    from router.runs import Run
    from router.worker.order import Facts
    from router.worker.tickets import Painter

    from .cells import Cell
    from .machine import Machine
    from .sampling import Sampler, Stretch

__all__ = ["Subject", "measure_cell", "run_id"]

_PROMPT = ("A quiet harbour at dawn, fishing boats at the quay, mist over the water, gulls above the masts, a "
           "lighthouse in the distance, soft light, fine detail")
_AGREE = 0.05
_MOST_WARM_UPS = 5
_MOST_ENERGY_BATCHES = 200
# What the throughput law calls the numbers a pipeline computes in.
_PRECISIONS = {"none": "bf16", "fp8-wo": "fp8", "int8-wo": "int8", "fp8": "fp8", "nf4": "nf4"}


@dataclass(frozen=True)
class Subject:
    """What is measured and on what.

    Attributes:
        gpu: id of the card in gpus/specs.csv, `cpu`, or empty.
        card: where readings come from; None where nothing can be read.
        alien: processes on the card that are not this one's, seen before anything was loaded.
        note: written into every row: why the card should not have been measured, where it was all the same.
        energy_s: seconds of batches that joules are the mean of, where one batch is too short to be counted.
    """

    painter: Painter
    machine: Machine
    session: str
    gpu: str
    card: Card | None
    sampler: Sampler | None
    alien: int | None
    note: str = ""
    energy_s: float = 6.0


def run_id(facts: Facts, gpu: str, *, cell: Cell, repeat: int) -> str:
    """The id of a repetition: the same where the same is measured again, so that a resumed session knows it."""
    text = "|".join(map(str, (facts.loaded_as, facts.weights, facts.revision, facts.dtype, facts.device_name, gpu,
                              facts.compile, facts.offload, facts.quantisation, facts.attention, facts.cache,
                              cell.size, cell.steps, cell.batch, cell.references)))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{repeat:03d}"


def measure_cell(subject: Subject, cell: Cell, *, repeats: Sequence[int], told: Callable[[], None]) -> Iterator[Run]:
    """Measure a cell.

    Args:
        subject: the pipeline and its card.
        cell: the kind of batch.
        repeats: numbers of the repetitions that are missing.
        told: called after every batch, warm-up included.

    Raises:
        OutOfMemory: the cell does not fit.
    """
    order = _order(cell)
    _warm_up(subject, order, told)
    joules = _energy(subject, order, told)
    for repeat in repeats:
        at, begun = datetime.now(UTC), monotonic()
        ran = subject.painter.run(order)
        stretch = subject.sampler.between(begun, monotonic()) if subject.sampler else None
        told()
        yield _row(subject, cell, (at, repeat), ran=ran, stretch=stretch, joules=joules)


def _order(cell: Cell) -> Order:
    return Order(_PROMPT, cell.size, n=cell.batch, steps=cell.steps, seed=1,
                 references=(_reference(cell.size),) * cell.references)


def _reference(size: Size) -> bytes:
    """A picture of the size to be made."""
    from PIL import Image  # noqa: PLC0415 (comes with the extra `worker`)

    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((size.width, size.height)).save(file, "PNG")
    return file.getvalue()


def _warm_up(subject: Subject, order: Order, told: Callable[[], None]) -> None:
    """Until two batches in a row take the same time: kernels are chosen and compiled in the first ones."""
    before = 0.0
    for _ in range(_MOST_WARM_UPS):
        seconds = subject.painter.run(order).seconds.wall
        told()
        if before and abs(seconds - before) <= _AGREE * before:
            return
        before = seconds


def _energy(subject: Subject, order: Order, told: Callable[[], None]) -> tuple[Stretch, int] | None:
    """Batches one after the other for some seconds, where one alone is too short for the energy counter."""
    if subject.sampler is None:
        return None
    begun, made = monotonic(), 0
    while made < _MOST_ENERGY_BATCHES and monotonic() - begun < subject.energy_s:
        seconds = subject.painter.run(order).seconds.wall
        made += 1
        told()
        if seconds >= LEAST_COUNTED_S:
            return None
    return subject.sampler.between(begun, monotonic()), made


def _row(subject: Subject, cell: Cell, when: tuple[datetime, int], *, ran: Any, stretch: Stretch | None,
         joules: tuple[Stretch, int] | None) -> Run:
    from router.runs import Run  # noqa: PLC0415 (kept beside its one use)

    facts, (at, repeat) = subject.painter.facts, when
    counted, batches = (stretch, 1) if joules is None else joules
    per_batch = None if counted is None or counted.joules is None else counted.joules / batches
    source: Literal["", "counter", "power"] = "" if counted is None else counted.joules_from
    return Run(
        id=run_id(facts, subject.gpu, cell=cell, repeat=repeat), session=subject.session,
        at=at.strftime("%Y-%m-%dT%H:%M:%SZ"), model=facts.model, loaded_as=facts.loaded_as, pipeline=facts.pipeline,
        weights=facts.weights, revision=facts.revision, gpu=subject.gpu, device_name=facts.device_name,
        engine="diffusers", attention=facts.attention,
        precision=facts.dtype if facts.quantisation == "none" else _PRECISIONS[facts.quantisation],
        weight_only=facts.quantisation in ("fp8-wo", "int8-wo", "nf4"), compile=facts.compile != "none",
        cache=facts.cache, offload=facts.offload, lora=False, size=cell.size, steps=cell.steps,
        forwards_per_step=facts.forwards_per_step, references=cell.references, batch=cell.batch, repeat=repeat,
        wall_s=ran.seconds.wall, device_s=ran.seconds.device, denoise_s=ran.seconds.denoise, joules=per_batch,
        joules_from=source if per_batch is not None else "",
        joules_over_s=None if per_batch is None or counted is None else counted.seconds,
        **_readings(subject, stretch, counted), peak_vram_gib=_gib(ran.peak_vram_bytes), **subject.machine.__dict__,
        source=Source("planner measure"), note=subject.note)


def _readings(subject: Subject, stretch: Stretch | None, counted: Stretch | None) -> dict[str, Any]:
    """Of the repetition; where it was shorter than the time between two samples, of the stretch of its energy."""
    read = [each for each in (stretch, counted) if each is not None]
    names = {"utilisation_share": "utilisation_share", "sm_mhz": "sm_mhz", "memory_mhz": "memory_mhz",
             "temperature_c": "temperature_c", "used_vram_gib": "used_gib"}
    found = {column: next((value for each in read if (value := getattr(each, name)) is not None), None)
             for column, name in names.items()}
    throttled = dict.fromkeys(reason for each in read for reason in each.throttled.split())
    return found | {"power_w": None if counted is None else counted.power_w, "throttled": " ".join(throttled),
                    "other_processes": subject.alien}


def _gib(count: int | None) -> float | None:
    return None if count is None else count / 2**30
