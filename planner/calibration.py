"""A user's own timings beside the published ones: the law as it holds on the user's machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from router.errors import TableError
from router.quantities import Size  # noqa: TC001 (the loader reads field types at run time)
from router.service_time import ServiceAsk, resolve
from router.setup import footprint
from router.tables import Invalid, read_rows
from router.work import OWN_SOURCE, flop_per_image, peak_flop_per_s

from .errors import PlannerError
from .throughput import Design, Timing, fit_timings, to_coefficients, usable_timings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.service_time import Law

__all__ = ["OwnRun", "calibrated", "read_runs"]

_MOST_S = 100_000


@dataclass(frozen=True)
class OwnRun:
    """One run of the user's: the columns of `planner throughput`, and the seconds per image that were measured."""

    model: str
    gpu: str
    engine: str
    precision: str
    compile: bool
    size: Size
    steps: int
    batch: int
    references: int
    part: Literal["denoise", "end-to-end"]
    seconds_per_image: float
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a time of 0 or less."""
        if not 0 < self.seconds_per_image <= _MOST_S:
            raise Invalid("seconds_per_image", self.seconds_per_image, f"outside 0 to {_MOST_S:,}",
                          "write seconds per image")

    @property
    def ask(self) -> ServiceAsk:
        """The question that this run answers."""
        return ServiceAsk(self.model, self.gpu, self.engine, self.precision, compile=self.compile, size=self.size,
                          steps=self.steps, batch=self.batch, references=self.references, part=self.part)


def read_runs(path: Path) -> tuple[OwnRun, ...]:
    """The user's runs from a CSV file.

    Raises:
        TableError: a row cannot be read, or there is none.
    """
    runs = read_rows(path, OwnRun)
    if not runs:
        raise TableError(path, 0, key="rows", value=0, problem="no run in it",
                         remedy="write one line for each run, two runs of different steps or sizes at best")
    return runs


def calibrated(law: Law, runs: Sequence[OwnRun]) -> Law:
    """The law refitted with the user's runs; its answers hold on the user's machine.

    Raises:
        OutOfReach: a run names something unknown.
        PlannerError: the tables hold no measurement to stand on.
    """
    known = usable_timings(law.measurements, law.models, gpus=law.gpus)
    if not known:
        raise PlannerError("throughput/: no usable measurement; give back flux1.csv or flux2.csv")
    timings = (*known, *(_timing(law, run, known[0]) for run in runs))
    fitted = fit_timings(Design(timings))
    return replace(law, coefficients=to_coefficients(fitted, keep_source=OWN_SOURCE))


def _timing(law: Law, run: OwnRun, like: Timing) -> Timing:
    setup = resolve(law, run.ask)
    floor = flop_per_image(setup) / peak_flop_per_s(setup)
    if run.seconds_per_image < floor:
        raise PlannerError(f"run in line {run.line}: {run.seconds_per_image:g} s is below the {floor:.3g} s that "
                           f"{setup.gpu.id} needs at its peak; check card, size, steps and unit")
    setup = replace(setup, source=OWN_SOURCE, swap=not footprint(setup).holds_encoder)
    row = replace(like.row, id=f"own-{run.line}", model=setup.card.id, gpu=setup.gpu.id, engine=setup.engine,
                  precision=setup.precision, weight_only=setup.weight_only, compile=run.compile, size=run.size,
                  steps=run.steps, references=run.references, batch=run.batch, part=run.part,
                  seconds_per_image=run.seconds_per_image, source_key=OWN_SOURCE)
    return Timing(row, setup)
