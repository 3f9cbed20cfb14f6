"""Own runs and the law: the law refitted with them, and held against them as if it had not seen them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from router.catalog import is_installed
from router.errors import OutOfReach
from router.law import LAW_FILE, read_coefficients
from router.runs import load_runs, runs_digest, why_unused
from router.service_time import ServiceAsk, load_law, timing
from router.work import OWN_SOURCE

from .errors import PlannerError
from .law_file import write_law
from .throughput import Design, fit_timings, to_coefficients, usable_timings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.runs import OwnTiming

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
    if is_installed(roots[-1]):
        raise PlannerError("the installed tables are not written to; name a folder of your own with --data")
    timings = usable_timings(law.measurements, law.models, gpus=law.gpus)
    fitted = to_coefficients(fit_timings(Design(timings)), keep_source=OWN_SOURCE)
    write_law(roots[-1] / LAW_FILE, replace(fitted, runs=runs_digest(law.own.values())))
    return sum(each.row.part != "denoise" for each in law.own.values())


def compare(roots: Sequence[Path]) -> Comparison:
    """The law of the first data folder, which has seen no own run, against the own runs.

    Raises:
        TableError: a table cannot be read.
    """
    law = load_law(roots)
    unseen = replace(law, coefficients=read_coefficients(roots[:1]), own={})
    reasons: dict[str, int] = {}
    for run in load_runs(roots):
        if reason := why_unused(run, law.gpus):
            reasons[reason] = reasons.get(reason, 0) + 1
    rows: list[Compared] = []
    for own in law.own.values():
        try:
            foreseen = timing(unseen, _ask(own))
        except OutOfReach as error:
            reasons[f"the law does not reach it: {error}"] = own.runs
            continue
        rows.append(Compared(own, foreseen.seconds_per_image, foreseen.low, foreseen.high))
    return Comparison(tuple(rows), tuple(sorted(reasons.items())))


def _ask(own: OwnTiming) -> ServiceAsk:
    row = own.row
    if row.size is None:
        raise OutOfReach(f"{row.id}: no size")
    return ServiceAsk(row.model, row.gpu, row.engine, row.precision + ("-wo" if row.weight_only else ""),
                      compile=row.compile, size=row.size, steps=row.steps, batch=row.batch,
                      references=row.references or 0, part="denoise" if row.part == "denoise" else "end-to-end")
