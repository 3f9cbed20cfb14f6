"""Own runs and the law: the law refitted with them, and held against them as if it had not seen them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from router.catalog import is_installed
from router.errors import OutOfReach
from router.law import LAW_FILE, read_coefficients
from router.runs import load_runs, own_timings, runs_digest, why_unused
from router.service_time import ServiceAsk, Timing, load_law, timing, why_not_planned
from router.work import OWN_SOURCE

from .errors import PlannerError
from .law_file import write_law
from .throughput import Design, fit_timings, to_coefficients, usable_timings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.law import Coefficients
    from router.runs import OwnTiming
    from router.service_time import Law

__all__ = ["Compared", "Comparison", "compare", "refit_with_runs"]


@dataclass(frozen=True)
class Compared:
    """A kind of batch as it was measured, and as the law foresaw it: seconds per image."""

    own: OwnTiming
    predicted: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted / self.own.seconds_per_image - 1

    @property
    def covered(self) -> bool:
        """Whether the measurement lies in the 90 % interval."""
        return self.low <= self.own.seconds_per_image <= self.high


@dataclass(frozen=True)
class Comparison:
    """Every kind of batch, and why the other runs say nothing: (reason, how many)."""

    rows: tuple[Compared, ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def median_error(self) -> float | None:
        """Median size of the error; None without rows."""
        return median(abs(row.error) for row in self.rows) if self.rows else None


def refit_with_runs(roots: Sequence[Path]) -> int:
    """Fit the law to the tables and the own runs and write it into the last data folder; how many kinds it saw.

    Raises:
        PlannerError: there is no folder of one's own to write to.
        TableError: a table cannot be read.
    """
    law = load_law(roots)
    if not law.own:
        return 0
    if len(roots) == 1 or is_installed(roots[-1]):
        raise PlannerError("the shipped law is not written over; name a folder of your own with --data")
    timings = usable_timings(law.measurements, law.models, gpus=law.gpus)
    fitted = to_coefficients(fit_timings(Design(timings)), keep_source=OWN_SOURCE)
    write_law(roots[-1] / LAW_FILE, replace(fitted, runs=runs_digest(law.own.values())))
    return sum(each.row.part != "denoise" for each in law.own.values())


def compare(roots: Sequence[Path]) -> Comparison:
    """Own runs against the law as it would be without them.

    Raises:
        TableError: a table cannot be read.
    """
    law, runs = load_law(roots), load_runs(roots)
    unseen = replace(law, coefficients=_without_own(law, read_coefficients(roots[:1])), own={})
    left_out = Counter(filter(None, (why_unused(run, law.gpus) for run in runs)))
    timings = own_timings(runs, law.gpus)
    rows: list[Compared] = []
    for own in timings:
        reason = why_not_planned(own, law.models, gpus=law.gpus)
        foreseen = None if reason else _foreseen(unseen, own)
        if isinstance(foreseen, Timing):
            rows.append(Compared(own, foreseen.seconds_per_image, foreseen.low, foreseen.high))
        elif own.row.part != "denoise":
            left_out[reason or f"the law does not reach it: {foreseen}"] += own.runs
    counted = sum(own.runs for own in timings if own.row.part != "denoise") + sum(
        bool(why_unused(run, law.gpus)) for run in runs)
    left_out["random weights, where the same was run with trained ones"] = len(runs) - counted
    return Comparison(tuple(rows), tuple(sorted((reason, count) for reason, count in left_out.items() if count)))


def _without_own(law: Law, shipped: Coefficients) -> Coefficients:
    """The shipped law, which has seen none; fitted anew where even that is somebody's own."""
    if not shipped.owner:
        return shipped
    others = [row for row in law.measurements if row.source_key != OWN_SOURCE]
    return to_coefficients(fit_timings(Design(usable_timings(others, law.models, gpus=law.gpus))))


def _foreseen(law: Law, own: OwnTiming) -> Timing | str:
    row = own.row
    if row.size is None:
        return "no size"
    engine = f"{row.engine} {row.attention}".strip()
    try:
        return timing(law, ServiceAsk(
            row.model, row.gpu, engine, row.precision + ("-wo" if row.weight_only else ""), compile=row.compile,
            size=row.size, steps=row.steps, batch=row.batch, references=row.references or 0,
            part="denoise" if row.part == "denoise" else "end-to-end"))
    except OutOfReach as error:
        return str(error)
