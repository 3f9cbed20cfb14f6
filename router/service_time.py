"""Seconds per image on a card: the one evaluator of the throughput law. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from .energy import busy_shares, derived_energy, measured_energy
from .errors import OutOfReach
from .gpus import find_gpu, load_gpus
from .law import predict, read_coefficients
from .measurements import load_measurements, why_left_out
from .models import load_models
from .quantities import SECONDS_PER_HOUR, Size
from .runs import load_runs, own_timings, runs_digest
from .setup import Setup, find_engine, footprint, load_engines, read_precision
from .work import flop_per_image, peak_flop_per_s

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from pathlib import Path

    from .energy import Energy
    from .gpus import Gpu
    from .law import Coefficients
    from .measurements import Measurement
    from .models import Models
    from .runs import OwnTiming
    from .setup import Engine, Footprint

__all__ = ["Estimate", "Law", "ServiceAsk", "Timing", "estimate", "load_law", "resolve", "timing"]

_Z95 = 1.6448536269514722
_MOST_STEPS, _MOST_BATCH, _MOST_REFERENCES = 1000, 256, 10
_LEAST_SIDE, _SEEN_PIXELS = 64, 2048 * 2048
_ONE_MEGAPIXEL = Size(1024, 1024)
_EVIDENCE_SHOWN = 6
_SIBLING_LOG_SD = 0.03  # cards of one kind differ by 5 %; see docs/throughput.md
_SWAP_LOG_SD = 0.1  # engines hide the encoder's way to the card well or badly; see docs/throughput.md


@dataclass(frozen=True)
class ServiceAsk:
    """What is to be timed; names are forgiving.

    Attributes:
        steps: the model's default where left out.
        batch: images made together; seconds are per image all the same.
        references: reference images of an edit.
        part: `denoise` is the transformer alone; `end-to-end` adds text encoder, VAE and answering.
    """

    model: str
    gpu: str
    engine: str = "diffusers"
    precision: str = "bf16"
    compile: bool = False
    size: Size = _ONE_MEGAPIXEL
    steps: int | None = None
    batch: int = 1
    references: int = 0
    part: Literal["denoise", "end-to-end"] = "end-to-end"


@dataclass(frozen=True)
class Law:
    """The fitted law with the tables it speaks about."""

    coefficients: Coefficients
    models: Models
    gpus: Mapping[str, Gpu]
    engines: Mapping[str, Engine]
    measurements: tuple[Measurement, ...]
    own: Mapping[Hashable, OwnTiming] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """Seconds per image: median and 90 % interval, never below what the card's fastest known rate allows.

    `own` are the runs that were taken of exactly this; the median is theirs then, and not the law's.
    """

    seconds_per_image: float
    low: float
    high: float
    limit_seconds: float
    shares: Mapping[str, float]
    setup: Setup
    memory: Footprint
    own: OwnTiming | None = None


@dataclass(frozen=True)
class Estimate:
    """An answer of the law.

    Attributes:
        seconds_per_image, low, high: median and 90 % interval.
        images_per_hour: of one card that is never idle.
        label: `measured` (this model, card, engine, precision, mode, size were timed), `transferred` (the card was),
            `derived` (the card was not).
        limit_seconds: the floor that the card's fastest known rate sets; no software gets below it.
        mfu: share of that rate in use, limit_seconds over seconds_per_image.
        residency: what stays on the card.
        shares: share of the time by component.
        evidence: ids of the nearest measurements, nearest first.
        own: runs that were taken of exactly this; the median and the interval are theirs then.
        energy: joules per image; None where no card's power was ever read.
        notes: what a reader must know, one sentence each.
    """

    seconds_per_image: float
    low: float
    high: float
    images_per_hour: float
    label: Literal["measured", "transferred", "derived"]
    limit_seconds: float
    mfu: float
    residency: str
    memory: Footprint
    shares: Mapping[str, float]
    evidence: tuple[Measurement, ...]
    notes: tuple[str, ...]
    setup: Setup
    own: OwnTiming | None = None
    energy: Energy | None = None


def load_law(roots: Iterable[Path]) -> Law:
    """The law and its tables from all folders.

    Raises:
        TableError: a table or the fitted law cannot be read.
    """
    folders = tuple(roots)
    gpus = load_gpus(folders)
    own = own_timings(load_runs(folders), gpus)
    return Law(read_coefficients(folders), load_models(folders), gpus, load_engines(folders),
               (*load_measurements(folders), *(each.row for each in own)), {each.key: each for each in own})


def estimate(law: Law, ask: ServiceAsk) -> Estimate:
    """Seconds per image for what is asked, with their evidence.

    Raises:
        OutOfReach: as for `timing`.
    """
    made = timing(law, ask)
    setup = made.setup
    return Estimate(
        made.seconds_per_image, made.low, made.high, SECONDS_PER_HOUR / made.seconds_per_image, _label(law, setup),
        made.limit_seconds, made.limit_seconds / made.seconds_per_image, _residency(setup), made.memory, made.shares,
        _evidence(law, setup), (*_own_notes(law, made), *_notes(law, setup, made.memory)), setup, made.own,
        _energy(law, made))


def timing(law: Law, ask: ServiceAsk) -> Timing:
    """Seconds per image for what is asked; a quarter of the work of `estimate`, for whoever decides.

    Raises:
        OutOfReach: an unknown name, closed weights, a value outside what is known, or a transformer that does not fit
            on the card; the text says what would mend it.
    """
    setup = resolve(law, ask)
    memory = footprint(setup)
    if not memory.fits:
        raise OutOfReach(_too_large(setup, memory))
    if memory.encoder_bits is None and setup.part == "end-to-end":
        raise OutOfReach(_encoder_too_large(setup, memory))
    setup = replace(setup, swap=not memory.holds_encoder)
    predicted, own = predict(law.coefficients, setup), law.own.get(_own_key(setup))
    limit = flop_per_image(setup) / peak_flop_per_s(setup)
    seconds = max(predicted.seconds if own is None else own.seconds_per_image, limit)
    doubt = (math.hypot(predicted.log_sd, _SWAP_LOG_SD if setup.swap else 0.0) if own is None
             else math.hypot(own.log_sd / math.sqrt(own.runs), _SIBLING_LOG_SD))
    width = math.exp(_Z95 * doubt)
    return Timing(seconds, max(seconds / width, limit), seconds * width, limit, predicted.shares, setup, memory, own)


def resolve(law: Law, ask: ServiceAsk) -> Setup:
    """The setup that is meant, with defaults filled in; whether it fits on the card is not looked at.

    Raises:
        OutOfReach: an unknown name, closed weights or a value outside what is known.
    """
    card = law.models.find(ask.model)
    architecture = law.models.architecture_of(card)
    engine, kernel = find_engine(law.engines, ask.engine)
    precision, weight_only = read_precision(ask.precision, engine.id)
    steps = ask.steps if ask.steps is not None else card.default_steps or 1
    for key, value, least, most in (("steps", steps, 1, _MOST_STEPS), ("batch", ask.batch, 1, _MOST_BATCH),
                                    ("references", ask.references, 0, _MOST_REFERENCES)):
        if not least <= value <= most:
            raise OutOfReach(f"{key} = {value}: outside {least} to {most}; give a value in between")
    if min(ask.size.width, ask.size.height) < _LEAST_SIDE or ask.size.pixels > _SEEN_PIXELS:
        raise OutOfReach(f"size = '{ask.size}': Flux makes {_LEAST_SIDE}x{_LEAST_SIDE} to 2048x2048 (4 MP); "
                         "ask a size in between and upscale")
    if ask.part not in ("denoise", "end-to-end"):
        raise OutOfReach(f"part = {ask.part!r}: unknown; use denoise or end-to-end")
    return Setup(card, architecture, find_gpu(law.gpus, ask.gpu), engine.id, precision, weight_only, ask.compile,
                 ask.size, steps, card.forwards_per_step or 1, ask.batch, ask.references, ask.part, kernel,
                 source=law.coefficients.owner)


def _own_key(setup: Setup) -> Hashable:
    """As `OwnTiming.key`."""
    return (setup.card.id, setup.gpu.id, setup.engine, setup.precision, setup.weight_only, setup.compile,
            setup.attention, setup.size, setup.steps, setup.references, setup.batch, setup.part == "denoise")


def _energy(law: Law, made: Timing) -> Energy | None:
    measured = measured_energy(made.own) if made.own is not None else None
    return measured or derived_energy(made.setup.gpu, (made.low, made.seconds_per_image, made.high),
                                      shares=busy_shares(law.measurements, law.gpus))


def _own_notes(law: Law, made: Timing) -> Iterable[str]:
    if made.own is not None:
        weights = " of random weights, which time like trained ones" if made.own.weights == "random" else ""
        yield f"measured by you: median of {made.own.runs} runs{weights}; the law is not asked"
    if law.own and law.coefficients.runs != runs_digest(law.own.values()):
        yield "your runs are not in the law yet: planner throughput --refit --data DIR"


def _too_large(setup: Setup, memory: Footprint) -> str:
    return (f"gpu = {setup.gpu.id!r}: {setup.card.id} in {setup.precision_key} at {setup.size} needs "
            f"{memory.needed_gib:.1f} GiB for the transformer and its work, {memory.available_gib:g} GiB are there; "
            "use a smaller precision, a smaller batch or a larger card (offloading weights is not modelled)")


def _encoder_too_large(setup: Setup, memory: Footprint) -> str:
    return (f"gpu = {setup.gpu.id!r}: the text encoder of {setup.card.id} needs {memory.encoder_gib:.1f} GiB in bf16 "
            f"and does not fit in {memory.available_gib:g} GiB even in 4 bits; use a larger card, or --part denoise "
            "with the encoder elsewhere")


def _residency(setup: Setup) -> str:
    if setup.swap:
        return "encoder swapping: transformer and text encoder do not fit together"
    return "everything on the card"


def _label(law: Law, setup: Setup) -> Literal["measured", "transferred", "derived"]:
    on_card = [row for row in law.measurements if row.gpu == setup.gpu.id and not why_left_out(row, law.gpus)]
    if any(_distance(law, setup, row) == 0 for row in on_card):
        return "measured"
    return "transferred" if on_card else "derived"


def _evidence(law: Law, setup: Setup) -> tuple[Measurement, ...]:
    near = sorted((row for row in law.measurements if not why_left_out(row, law.gpus) and (
        row.gpu == setup.gpu.id or row.engine == setup.engine)), key=lambda row: (_distance(law, setup, row), row.id))
    return tuple(near[:_EVIDENCE_SHOWN])


def _distance(law: Law, setup: Setup, row: Measurement) -> int:
    """How much a measurement differs from the setup: 0 where only steps or part do."""
    card = law.models.cards.get(row.model)
    same_work = card is not None and card.architecture == setup.architecture.id
    return ((row.gpu != setup.gpu.id) * 16 + (row.engine != setup.engine) * 8 + (not same_work) * 4
            + (row.precision != setup.precision or row.weight_only != setup.stored_only) * 4
            + (row.compile != setup.compile) * 2 + (row.size != setup.size) * 2
            + (row.references != setup.references) * 2 + (row.batch != setup.batch) + row.lora)


def _notes(law: Law, setup: Setup, memory: Footprint) -> Iterable[str]:
    if setup.swap and memory.encoder_bits != 16:  # noqa: PLR2004
        yield (f"the text encoder fits on the card only in {memory.encoder_bits or 0} bits a weight; in bf16 it needs "
               f"{memory.encoder_gib:.1f} GiB")
    if setup.gpu.matmul_basis == "derived":
        yield f"the matmul rate of {setup.gpu.id} is our estimate: {setup.gpu.matmul_source}"
    if setup.precision != "bf16" and setup.stored_only and not setup.weight_only:
        yield f"{setup.gpu.id} has no {setup.precision} matmul unit: weights alone are {setup.precision}, work is bf16"
    if not any(row.engine == setup.engine and not why_left_out(row, law.gpus) for row in law.measurements):
        yield f"no usable measurement of {setup.engine}: it is taken as an average engine"
    if setup.swap and setup.part == "end-to-end":
        yield "the text encoder crosses the host link for every prompt; engines differ widely in how well they hide it"
    if any(row.gpu == setup.gpu.id and "counted as" in row.note for row in law.measurements):
        yield f"some rows name the card only roughly and are counted as {setup.gpu.id}; their notes say so"
    if setup.card.licence_needed:
        yield f"running {setup.card.id} in production needs a commercial licence"
