"""Seconds per image on a card: the one evaluator of the throughput law. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from .energy import energy_of, load_board_power
from .errors import OutOfReach
from .evidence import evidence_of, label_of, notes_on
from .gpus import find_gpu, load_gpus
from .law import predict, read_coefficients
from .measurements import load_measurements, setup_of
from .models import load_models
from .quantities import SECONDS_PER_HOUR, Size
from .runs import load_runs, own_timings
from .setup import Setup, find_engine, footprint, load_engines, read_precision
from .work import flop_per_image, peak_flop_per_s

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from pathlib import Path

    from .energy import BoardPower, Energy
    from .gpus import Gpu
    from .law import Coefficients
    from .measurements import Measurement
    from .models import Models
    from .runs import OwnTiming
    from .setup import Engine, Footprint

__all__ = ["Estimate", "Law", "ServiceAsk", "Timing", "estimate", "load_law", "resolve", "timing",
           "why_not_planned"]

_Z95 = 1.6448536269514722
_MOST_STEPS, _MOST_BATCH, _MOST_REFERENCES = 1000, 256, 10
_LEAST_SIDE, _SEEN_PIXELS = 64, 2048 * 2048
_ONE_MEGAPIXEL = Size(1024, 1024)
_SIBLING_LOG_SD = 0.03  # cards of one kind differ by 5 %; see docs/throughput.md
_ONE_RUN_LOG_SD = 0.03  # of a batch against its repetition, where there is none
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
    """The fitted law with the tables it speaks about.

    Attributes:
        measurements: published ones, and own runs.
        own: own runs that may be planned with, by what they answer.
        board_power: share of the power limit by card.
    """

    coefficients: Coefficients
    models: Models
    gpus: Mapping[str, Gpu]
    engines: Mapping[str, Engine]
    measurements: tuple[Measurement, ...]
    own: Mapping[Hashable, OwnTiming] = field(default_factory=dict)
    board_power: Mapping[str, BoardPower] = field(default_factory=dict)


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
    gpus, models = load_gpus(folders), load_models(folders)
    own = [each for each in own_timings(load_runs(folders), gpus) if not why_not_planned(each, models, gpus=gpus)]
    return Law(read_coefficients(folders), models, gpus, load_engines(folders),
               (*load_measurements(folders), *(each.row for each in own)), {each.key: each for each in own},
               load_board_power(folders))


def why_not_planned(own: OwnTiming, models: Models, *, gpus: Mapping[str, Gpu]) -> str:
    """Why own runs answer nothing although each of them is usable; empty where they answer."""
    card = models.cards.get(own.row.model)
    if card is None or not card.architecture:
        return f"{own.row.model} is no model of known architecture in models/cards.csv"
    setup = setup_of(own.row, models, gpus=gpus)
    if own.seconds_per_image < flop_per_image(setup) / peak_flop_per_s(setup):
        return f"faster than {setup.gpu.id} can be at its peak: check card, size and steps"
    return ""


def estimate(law: Law, ask: ServiceAsk) -> Estimate:
    """Seconds per image for what is asked, with their evidence.

    Raises:
        OutOfReach: as for `timing`.
    """
    made = timing(law, ask)
    setup = made.setup
    return Estimate(
        made.seconds_per_image, made.low, made.high, SECONDS_PER_HOUR / made.seconds_per_image, label_of(law, made),
        made.limit_seconds, made.limit_seconds / made.seconds_per_image, _residency(setup), made.memory, made.shares,
        evidence_of(law, made), tuple(notes_on(law, made)), setup, made.own, energy_of(law, made))


def timing(law: Law, ask: ServiceAsk) -> Timing:
    """Seconds per image for what is asked; a quarter of the work of `estimate`, for whoever decides.

    Raises:
        OutOfReach: an unknown name, closed weights, a value outside what is known, or a transformer that does not fit
            on the card; the text says what would mend it.
    """
    setup = resolve(law, ask)
    memory, own = footprint(setup), law.own.get(_own_key(setup))
    if own is None:
        _refuse_what_does_not_fit(setup, memory)
    setup = replace(setup, swap=own is None and not memory.holds_encoder)
    predicted, limit = predict(law.coefficients, setup), flop_per_image(setup) / peak_flop_per_s(setup)
    seconds = max(predicted.seconds if own is None else own.seconds_per_image, limit)
    doubt = (math.hypot(predicted.log_sd, _SWAP_LOG_SD if setup.swap else 0.0) if own is None else
             math.hypot((own.log_sd if own.runs > 1 else _ONE_RUN_LOG_SD) / math.sqrt(own.runs), _SIBLING_LOG_SD))
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
    gpu = find_gpu(law.gpus, ask.gpu)
    timed = f"machine:{gpu.id}" in law.coefficients.effects  # on another card the owner is as anybody
    return Setup(card, architecture, gpu, engine.id, precision, weight_only, ask.compile, ask.size, steps,
                 card.forwards_per_step or 1, ask.batch, ask.references, ask.part, kernel,
                 source=law.coefficients.owner if timed else "")


def _own_key(setup: Setup) -> Hashable:
    """As `OwnTiming.key`."""
    return (setup.card.id, setup.gpu.id, setup.engine, setup.precision, setup.weight_only, setup.compile,
            setup.attention, setup.size, setup.steps, setup.forwards, setup.references, setup.batch,
            setup.part == "denoise")


def _refuse_what_does_not_fit(setup: Setup, memory: Footprint) -> None:
    if not memory.fits:
        raise OutOfReach(_too_large(setup, memory))
    if memory.encoder_bits is None and setup.part == "end-to-end":
        raise OutOfReach(_encoder_too_large(setup, memory))


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
