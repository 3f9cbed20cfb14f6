"""The fitted throughput law as data, and its evaluation: a median in seconds and how sure it is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .catalog import table_files
from .errors import TableError
from .text_files import read_plain_text
from .work import base_seconds, effects_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from .setup import Setup

__all__ = ["LAW_FILE", "Coefficients", "FittedEffect", "Kind", "Prediction", "predict",
           "read_coefficients"]

LAW_FILE = "throughput/law.json"
_MOST_LOG = 50.0
_MOST_SETUPS = 4096


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

    `owner` is the source on whose machine answers hold; empty for a machine nobody has timed. `runs` is the
    `router.runs.runs_digest` of the own runs that the fit has seen.
    """

    kinds: Mapping[str, Kind]
    effects: Mapping[str, FittedEffect]
    noise_sd: float
    owner: str = ""
    runs: str = ""
    _sized: dict[Hashable, _AnySize] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Prediction:
    """The median seconds of an image, the spread of their log, and how the seconds are shared by component."""

    seconds: float
    log_sd: float
    shares: Mapping[str, float]


class _AnySize(NamedTuple):
    """What the law says of a setup whatever the size of the image, and however many steps and references.

    Attributes:
        factors: by which each component's seconds are multiplied.
        doubt: the variance of the log that a share of the time in one component and a share in another bring together.
    """

    factors: Mapping[str, float]
    doubt: Mapping[tuple[str, str], float]


def predict(coefficients: Coefficients, setup: Setup) -> Prediction:
    """Evaluate the law for a setup; a level that was never measured has its kind's mean and full spread."""
    known = _any_size(coefficients, setup)
    seconds = {name: base * known.factors[name] for name, base in base_seconds(setup).items() if base > 0}
    total = sum(seconds.values())
    shares = {name: value / total for name, value in seconds.items()}
    doubt = sum(one * other * known.doubt[name, beside] for name, one in shares.items()
                for beside, other in shares.items())
    return Prediction(total, math.sqrt(max(doubt, 0.0) + coefficients.noise_sd**2), shares)


def _any_size(coefficients: Coefficients, setup: Setup) -> _AnySize:
    key = (setup.architecture.id, setup.gpu, setup.engine, setup.precision_key, setup.mode, setup.attention, setup.lora,
           setup.source)
    known = coefficients._sized.get(key)  # noqa: SLF001 (its own memory, kept where it is thrown away with it)
    if known is None:
        if len(coefficients._sized) >= _MOST_SETUPS:  # noqa: SLF001
            coefficients._sized.clear()  # noqa: SLF001
        keys = effects_of(setup)
        factors = {name: math.exp(sum(_mean(coefficients, key) for key in keys[name])) for name in keys}
        known = coefficients._sized[key] = _AnySize(factors, _doubt(coefficients, keys))  # noqa: SLF001
    return known


def _mean(coefficients: Coefficients, key: str) -> float:
    known = coefficients.effects.get(key)
    return coefficients.kinds[_kind(key)].mean if known is None else known.mean


def _doubt(coefficients: Coefficients, keys: Mapping[str, tuple[str, ...]]) -> Mapping[tuple[str, str], float]:
    """First order: the prior's covariance of the components' effects, less what the measurements took from it."""
    alone = {key: coefficients.kinds[_kind(key)].sd for some in keys.values() for key in some}
    narrowed = {key: [spread * part for part in coefficients.effects[key].narrowing] for key, spread in alone.items()
                if key in coefficients.effects}
    taken = {name: list(map(sum, zip(*(narrowed[key] for key in some if key in narrowed), strict=True)))
             for name, some in keys.items()}
    doubt: dict[tuple[str, str], float] = {}
    for name, some in keys.items():
        for beside, others in keys.items():
            known = doubt.get((beside, name))
            doubt[name, beside] = known if known is not None else sum(
                alone[key] ** 2 for key in some if key in others) - sum(map(mul, taken[name], taken[beside]))
    return doubt


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
        owner=str(document["owner"]), runs=str(document.get("runs", "")))


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
