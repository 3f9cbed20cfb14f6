"""The fitted throughput law as data, and its evaluation: a median in seconds and how sure it is."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .catalog import table_files
from .errors import TableError
from .work import base_seconds, effects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .setup import Setup

__all__ = ["LAW_FILE", "Coefficients", "FittedEffect", "Kind", "Prediction", "predict",
           "read_coefficients"]

LAW_FILE = "throughput/law.json"


@dataclass(frozen=True)
class Kind:
    """What is believed of a kind of effect before anything is measured: the mean and the spread of its log."""

    mean: float
    sd: float


@dataclass(frozen=True)
class FittedEffect:
    """A level that was measured: its log effect, and its row of the matrix by which the measurements narrow doubt.

    `narrowing` is in units of the kind's spread, one number for each direction the measurements determine.
    """

    mean: float
    narrowing: Sequence[float]


@dataclass(frozen=True)
class Coefficients:
    """The fit: kinds, levels, the noise of one timing, and the year of each engine's newest measurement.

    `owner` is the source on whose machine answers hold; empty for a machine nobody has timed.
    """

    kinds: Mapping[str, Kind]
    effects: Mapping[str, FittedEffect]
    noise_sd: float
    newest_year: Mapping[str, float]
    owner: str = ""


@dataclass(frozen=True)
class Prediction:
    """The median seconds of an image, the spread of their log, and how the seconds are shared by component."""

    seconds: float
    log_sd: float
    shares: Mapping[str, float]


def predict(coefficients: Coefficients, setup: Setup) -> Prediction:
    """Evaluate the law for a setup; a level that was never measured has its kind's mean and full spread."""
    keys = effects_of(setup)
    seconds = {name: base * math.exp(sum(weight * _mean(coefficients, key) for key, weight in keys[name]))
               for name, base in base_seconds(setup).items() if base > 0}
    total = sum(seconds.values())
    gradient: dict[str, float] = defaultdict(float)
    for name, value in seconds.items():
        for key, weight in keys[name]:
            gradient[key] += weight * value / total
    return Prediction(total, math.sqrt(_variance(coefficients, gradient)),
                      {name: value / total for name, value in seconds.items()})


def _mean(coefficients: Coefficients, key: str) -> float:
    known = coefficients.effects.get(key)
    return coefficients.kinds[_kind(key)].mean if known is None else known.mean


def _variance(coefficients: Coefficients, gradient: Mapping[str, float]) -> float:
    """First order: the prior's variance along the gradient, less what the measurements took from it."""
    prior = sum((slope * coefficients.kinds[_kind(key)].sd) ** 2 for key, slope in gradient.items())
    known = [(coefficients.effects[key].narrowing, slope * coefficients.kinds[_kind(key)].sd)
             for key, slope in gradient.items() if key in coefficients.effects]
    directions = len(known[0][0]) if known else 0
    taken = sum(sum(row[at] * slope for row, slope in known) ** 2 for at in range(directions))
    return max(prior - taken, 0.0) + coefficients.noise_sd**2


def _kind(key: str) -> str:
    return key.partition(":")[0]


def read_coefficients(roots: Iterable[Path]) -> Coefficients:
    """The fit in the last folder that has one.

    Raises:
        TableError: no folder has one, or it is not what `planner throughput --fit` writes.
    """
    paths = table_files(roots, LAW_FILE)
    path = paths[-1]
    try:
        return _coefficients(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(path, 0, key="file", value=path.name, problem=f"not a fitted law ({type(error).__name__})",
                         remedy="write it anew with: planner throughput --fit") from None


def _coefficients(document: Mapping[str, Any]) -> Coefficients:
    return Coefficients(
        kinds={name: Kind(*map(float, numbers)) for name, numbers in document["kinds"].items()},
        effects={name: FittedEffect(float(mean), tuple(map(float, row)))
                 for name, (mean, *row) in document["effects"].items()},
        noise_sd=float(document["noise_sd"]),
        newest_year={name: float(year) for name, year in document["newest_year"].items()},
        owner=str(document["owner"]))
