"""The fitted throughput law as data, and its evaluation: a median in seconds and how sure it is."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalog import table_files
from .errors import TableError
from .text_files import read_plain_text
from .work import base_seconds, effects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .setup import Setup

__all__ = ["LAW_FILE", "Coefficients", "FittedEffect", "Kind", "Prediction", "predict",
           "read_coefficients"]

LAW_FILE = "throughput/law.json"
_MOST_LOG = 50.0


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
    """The fit: kinds, levels, and the noise of one timing.

    `owner` is the source on whose machine answers hold; empty for a machine nobody has timed.
    """

    kinds: Mapping[str, Kind]
    effects: Mapping[str, FittedEffect]
    noise_sd: float
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
    seconds = {name: base * math.exp(sum(_mean(coefficients, key) for key in keys[name]))
               for name, base in base_seconds(setup).items() if base > 0}
    total = sum(seconds.values())
    gradient: dict[str, float] = defaultdict(float)
    for name, value in seconds.items():
        for key in keys[name]:
            gradient[key] += value / total
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
    if not paths:
        raise TableError(Path(LAW_FILE), 0, key="file", value=LAW_FILE, problem="in none of the data folders",
                         remedy="write it with: planner throughput --fit")
    path = paths[-1]
    try:
        return _coefficients(json.loads(read_plain_text(path)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise TableError(path, 0, key="file", value=path.name, problem=f"not a fitted law ({type(error).__name__})",
                         remedy="write it anew with: planner throughput --fit") from None


def _coefficients(document: Mapping[str, Any]) -> Coefficients:
    directions = {len(row) for row in document["effects"].values()}
    if len(directions) > 1:
        raise ValueError("effects of different length")
    return Coefficients(
        kinds={name: Kind(_finite(numbers[0]), _spread(numbers[1])) for name, numbers in document["kinds"].items()},
        effects={name: FittedEffect(_finite(mean), tuple(map(_finite, row)))
                 for name, (mean, *row) in document["effects"].items()},
        noise_sd=_spread(document["noise_sd"]),
        owner=str(document["owner"]))


def _finite(number: object) -> float:
    """A log effect; nothing real is beyond 50."""
    value = float(number)  # type: ignore[arg-type]
    if not abs(value) <= _MOST_LOG:
        raise ValueError("not a number of sensible size")
    return value


def _spread(number: object) -> float:
    value = _finite(number)
    if value < 0:
        raise ValueError("a spread below 0")
    return value
