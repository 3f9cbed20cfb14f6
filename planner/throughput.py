"""The fit of the throughput law: effects pooled over cards, engines, precisions, models and sources.

Each timing is one equation: log(seconds) = log(sum of components x exp(effects)) + noise. The effects have normal
priors by kind (a linear mixed model, made non-linear by the sum), the noise has heavy tails, and the fit is the
posterior's mode by Gauss-Newton; a user's own timings have no such tails. Doubt about a prediction is the prior's
variance along its gradient, less what the measurements took away; effects of sources stay in it, since a plan runs on
nobody's machine in the tables.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.law import Coefficients, FittedEffect, Kind
from router.measurements import setup_of, why_left_out
from router.work import OWN_SOURCE, base_seconds, effects_of

from .priors import NOISE_SD, PRIORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from router.gpus import Gpu
    from router.measurements import Measurement
    from router.models import Models
    from router.setup import Setup

    from .uncertainty import Array

__all__ = ["Design", "Fit", "Timing", "fit_timings", "to_coefficients", "usable_timings"]

_TAIL_DEGREES = 4.0  # of the noise's Student t
_MOST_ROUNDS, _STILL = 40, 1e-3
_REPEAT_SHARE = 0.5  # a repeated row of one source and setup counts half, the other half is shared with its twins
_DIRECTIONS = 90  # of the measurements' narrowing that are kept; the rest moves no spread by a thousandth
_SOURCE_KINDS = ("source:", "source-cell:", "endpoint-source:")


@dataclass(frozen=True)
class Timing:
    """A measurement with its setup."""

    row: Measurement
    setup: Setup


def usable_timings(rows: Sequence[Measurement], models: Models, *, gpus: Mapping[str, Gpu]) -> tuple[Timing, ...]:
    """The measurements the law is fitted to, in their order."""
    return tuple(Timing(row, setup_of(row, models, gpus=gpus)) for row in rows if not why_left_out(row, gpus))


class Design:
    """Base seconds and effects of many timings as arrays: components x timings, and components x timings x effects."""

    def __init__(self, timings: Sequence[Timing]) -> None:
        """Lay out the arrays; the order of timings is kept."""
        bases = [base_seconds(timing.setup) for timing in timings]
        effects = [effects_of(timing.setup) for timing in timings]
        names = sorted({name for base in bases for name in base})
        used = {key for base, keys in zip(bases, effects, strict=True) for name in base for key in keys[name]}
        self.effects = {key: at for at, key in enumerate(sorted(used))}
        self.log_base = np.array([[np.log(base[name]) if base.get(name) else -np.inf for base in bases]
                                  for name in names])
        self.weights = np.zeros((len(names), len(timings), len(self.effects)))
        for at, (base, keys) in enumerate(zip(bases, effects, strict=True)):
            for component, name in enumerate(names):
                for key in keys[name] if name in base else ():
                    self.weights[component, at, self.effects[key]] = 1.0
        self.log_seconds = np.log([timing.row.seconds_per_image for timing in timings])
        self.votes = _votes(timings)
        self.sure = np.array([timing.setup.source == OWN_SOURCE for timing in timings])

    def predict(self, effects: Array, rows: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Log seconds of the chosen timings, and their slope by effect."""
        logs = self.log_base[:, rows] + self.weights[:, rows] @ effects
        top = logs.max(axis=0)
        parts = np.exp(logs - top)
        total = parts.sum(axis=0)
        return top + np.log(total), np.einsum("ci,cie->ie", parts / total, self.weights[:, rows])


def _votes(timings: Sequence[Timing]) -> Array:
    """How much each timing counts: repeats of one source, setup and part share half of their votes."""
    keys = [(timing.row.source_key, timing.setup.cell, timing.row.model, timing.row.size, timing.row.steps,
             timing.row.batch, timing.row.part, timing.row.references) for timing in timings]
    twins = Counter(keys)
    return np.array([_REPEAT_SHARE + (1 - _REPEAT_SHARE) / twins[key] for key in keys])


@dataclass(frozen=True)
class Fit:
    """The posterior of the effects: their mode, their priors, and the equations it came from."""

    design: Design
    mode: Array
    prior_mean: Array
    prior_variance: Array
    slopes: Array
    covariance: Array
    noise_sd: float

    @property
    def narrowing(self) -> Array:
        """Equations x effects: what the measurements took from the prior's variance is its square along a gradient."""
        return np.linalg.solve(np.linalg.cholesky(self.covariance), self.slopes * self.prior_variance)

    def predict(self, rows: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Log seconds and their spread for timings of the design, measured by somebody new."""
        logs, slopes = self.design.predict(self.mode, rows)
        variance = slopes**2 @ self.prior_variance - ((slopes @ self.narrowing.T) ** 2).sum(axis=1)
        return logs, np.sqrt(np.maximum(variance, 0.0) + self.noise_sd**2)


def fit_timings(design: Design, rows: NDArray[np.bool_] | None = None, *, priors: Mapping[str, Kind] = PRIORS,
                noise_sd: float = NOISE_SD) -> Fit:
    """The posterior mode from the chosen timings (all of them where `rows` is left out)."""
    chosen = np.ones(len(design.log_seconds), dtype=bool) if rows is None else rows
    kinds = [priors[key.partition(":")[0]] for key in design.effects]
    mean, variance = np.array([kind.mean for kind in kinds]), np.array([kind.sd**2 for kind in kinds])
    seen, votes, sure, mode = design.log_seconds[chosen], design.votes[chosen], design.sure[chosen], mean.copy()
    for turn in range(_MOST_ROUNDS):
        logs, slopes = design.predict(mode, chosen)
        left = seen - logs
        tails = (_TAIL_DEGREES + 1) / (_TAIL_DEGREES + (left / noise_sd) ** 2)
        trust = votes * np.where(sure, 1.0, tails if turn else 1.0)
        covariance = (slopes * variance) @ slopes.T + np.diag(noise_sd**2 / trust)
        moved = mean + (slopes * variance).T @ np.linalg.solve(covariance, left + slopes @ (mode - mean))
        still = float(np.abs(moved - mode).max()) < _STILL
        mode = moved
        if still:
            break
    return Fit(design, mode, mean, variance, slopes, covariance, noise_sd)


def to_coefficients(fitted: Fit, *, keep_source: str = "") -> Coefficients:
    """What the router needs of a fit: no effect of a source, but for one that is the user's own.

    Args:
        fitted: the fit.
        keep_source: the source key whose effects are kept, so that its owner's predictions use them.
    """
    kept = {key: at for key, at in fitted.design.effects.items()
            if not key.startswith(_SOURCE_KINDS) or (keep_source and keep_source in key)}
    columns = list(kept.values())
    _, scale, directions = np.linalg.svd(fitted.narrowing[:, columns] / np.sqrt(fitted.prior_variance[columns]),
                                         full_matrices=False)
    rows = (scale[:, None] * directions)[:_DIRECTIONS].T
    return Coefficients(
        kinds=PRIORS, owner=keep_source, noise_sd=fitted.noise_sd,
        effects={key: FittedEffect(float(fitted.mode[at]), tuple(float(number) for number in row))
                 for (key, at), row in zip(kept.items(), rows, strict=True)})

