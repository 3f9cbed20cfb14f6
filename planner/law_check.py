"""How far the throughput law is off on sources it has not seen, beside a plain efficiency table on the same rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.work import DENOISING, base_seconds, flop_per_image, peak_flop_per_s

from .throughput import Design, Timing, fit_timings
from .uncertainty import Z95

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.setup import Engine

    from .uncertainty import Array

__all__ = ["Group", "LeftOut", "groups", "leave_sources_out"]

_MISS_SHARE = 0.20
_OVERHEAD_SHARE = 0.3


@dataclass(frozen=True)
class LeftOut:
    """A timing as predicted from all other sources.

    Attributes:
        seconds, low, high: predicted median and 90 % interval, per image.
        table_seconds: what a plain table of efficiencies says, fitted to the same rows.
        core: bf16 or fp8, a main engine, batch 1, no weight offload.
        cell_known: another source has timed the same card, engine, precision and mode.
        around_share: share of the predicted time outside the transformer.
    """

    timing: Timing
    seconds: float
    low: float
    high: float
    table_seconds: float
    core: bool
    cell_known: bool
    gpu_known: bool
    engine_known: bool
    around_share: float

    @property
    def error(self) -> float:
        """Predicted over measured, minus 1."""
        return self.seconds / self.timing.row.seconds_per_image - 1

    @property
    def table_error(self) -> float:
        """The same for the plain table."""
        return self.table_seconds / self.timing.row.seconds_per_image - 1

    @property
    def covered(self) -> bool:
        """Whether the interval holds the measurement."""
        return self.low <= self.timing.row.seconds_per_image <= self.high

    @property
    def reason(self) -> str:
        """Why it is far off, where it is; empty otherwise."""
        if abs(self.error) <= _MISS_SHARE:
            return ""
        if not self.gpu_known:
            return "no other source has timed this card"
        if not self.engine_known:
            return "no other source has timed this engine"
        if not self.cell_known:
            return "no other source has timed this card with this engine, precision and mode"
        if self.around_share > _OVERHEAD_SHARE:
            return "most of it is not the transformer: what a server adds differs by source"
        return "the sources of this very setup disagree"


def leave_sources_out(timings: Sequence[Timing], engines: Mapping[str, Engine], *,
                      progress: Callable[[float], None] | None = None) -> tuple[LeftOut, ...]:
    """Predict every timing from the timings of all other sources; in the order given."""
    design, sources = Design(timings), [timing.row.source_key for timing in timings]
    found: dict[int, LeftOut] = {}
    for done, source in enumerate(sorted(set(sources))):
        left = np.array([key == source for key in sources])
        others = [timing for timing in timings if timing.row.source_key != source]
        logs, spreads = fit_timings(design, ~left).predict(left)
        for at, log, spread in zip(np.flatnonzero(left), logs, spreads, strict=True):
            found[int(at)] = _left_out(timings[int(at)], others, engines, seconds=(float(log), float(spread)))
        if progress is not None:
            progress((done + 1) / len(set(sources)))
    return tuple(found[at] for at in range(len(timings)))


def _left_out(timing: Timing, others: Sequence[Timing], engines: Mapping[str, Engine], *,
              seconds: tuple[float, float]) -> LeftOut:
    setup, row = timing.setup, timing.row
    log, width = seconds[0], Z95 * seconds[1]
    engine = engines.get(setup.engine)
    core = (setup.precision in ("bf16", "fp8") and not row.weight_only and engine is not None and engine.main
            and row.batch == 1 and row.offload != "model")
    return LeftOut(
        timing, float(np.exp(log)), float(np.exp(log - width)), float(np.exp(log + width)), _by_table(timing, others),
        core, any(other.setup.cell == setup.cell for other in others),
        any(other.setup.gpu.id == setup.gpu.id for other in others),
        any(other.setup.engine == setup.engine for other in others), _around_share(timing))


def _around_share(timing: Timing) -> float:
    base = base_seconds(timing.setup)
    return 1 - sum(seconds for name, seconds in base.items() if name in DENOISING) / sum(base.values())


def _by_table(timing: Timing, others: Sequence[Timing]) -> float:
    """Work over peak rate over the mean efficiency of the closest cell: what a spreadsheet would do."""
    keys: tuple[Callable[[Timing], object], ...] = (
        lambda one: one.setup.cell, lambda one: (one.setup.engine, one.setup.precision_key, one.setup.mode),
        lambda one: (one.setup.precision_key, one.setup.mode), lambda _: "all")
    for key in keys:
        known = [_efficiency(other) for other in others if key(other) == key(timing)]
        if known:
            return _floor(timing) / float(np.mean(known))
    return _floor(timing)


def _floor(timing: Timing) -> float:
    return flop_per_image(timing.setup) / peak_flop_per_s(timing.setup)


def _efficiency(timing: Timing) -> float:
    return _floor(timing) / timing.row.seconds_per_image


@dataclass(frozen=True)
class Group:
    """Errors of a group of timings: medians, one vote a row and one vote a source and setup; cover and width."""

    name: str
    rows: int
    median_error: float
    table_median_error: float
    votes: int
    vote_median_error: float
    p90_error: float
    covered_share: float
    median_width: float


def groups(left_out: Sequence[LeftOut]) -> tuple[Group, ...]:
    """The groups that are reported."""
    choices: tuple[tuple[str, Callable[[LeftOut], bool]], ...] = (
        ("core rows", lambda one: one.core),
        ("core rows, setup known to another source", lambda one: one.core and one.cell_known),
        ("all usable rows of trust A and B on one card", lambda _: True),
        ("FLUX.2 rows", lambda one: one.timing.row.model.startswith("flux-2")),
        ("FLUX.2 core rows", lambda one: one.core and one.timing.row.model.startswith("flux-2")))
    return tuple(_group(name, [one for one in left_out if fits(one)]) for name, fits in choices)


def _group(name: str, chosen: Sequence[LeftOut]) -> Group:
    errors = np.abs([one.error for one in chosen])
    votes: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for one, error in zip(chosen, errors, strict=True):
        votes[one.timing.row.source_key, one.timing.setup.cell, one.timing.row.model].append(float(error))
    return Group(
        name, len(chosen), _median(errors), _median(np.abs([one.table_error for one in chosen])), len(votes),
        _median(np.array([_median(np.array(same)) for same in votes.values()])), float(np.quantile(errors, 0.9)),
        float(np.mean([one.covered for one in chosen])), _median(np.array([one.high / one.low for one in chosen])))


def _median(numbers: Array) -> float:
    return float(np.median(numbers))
