"""What stands behind an answer of the throughput law: its label, the nearest measurements, what a reader must know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .measurements import why_left_out
from .runs import runs_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .measurements import Measurement
    from .service_time import Law, Timing
    from .setup import Footprint, Setup

__all__ = ["evidence_of", "label_of", "notes_on"]

_EVIDENCE_SHOWN = 6


def label_of(law: Law, made: Timing) -> Literal["measured", "transferred", "derived"]:
    """`measured` where this very batch or one that differs in steps or part alone was timed; see `Estimate`."""
    if made.own is not None:
        return "measured"
    on_card = [row for row in law.measurements if row.gpu == made.setup.gpu.id and not why_left_out(row, law.gpus)]
    if any(_distance(law, made.setup, row) == 0 for row in on_card):
        return "measured"
    return "transferred" if on_card else "derived"


def evidence_of(law: Law, made: Timing) -> tuple[Measurement, ...]:
    """The nearest measurements, own runs of this very batch first."""
    setup = made.setup
    near = sorted((row for row in law.measurements if not why_left_out(row, law.gpus) and (
        row.gpu == setup.gpu.id or row.engine == setup.engine)), key=lambda row: (_distance(law, setup, row), row.id))
    own = [] if made.own is None else [made.own.row]
    return tuple((own + [row for row in near if row not in own])[:_EVIDENCE_SHOWN])


def _distance(law: Law, setup: Setup, row: Measurement) -> int:
    """How much a measurement differs from the setup: 0 where only steps or part do."""
    card = law.models.cards.get(row.model)
    same_work = card is not None and card.architecture == setup.architecture.id
    return ((row.gpu != setup.gpu.id) * 16 + (row.engine != setup.engine) * 8 + (not same_work) * 4
            + (row.precision != setup.precision or row.weight_only != setup.stored_only) * 4
            + (row.compile != setup.compile) * 2 + (row.size != setup.size) * 2
            + (row.references != setup.references) * 2 + (row.batch != setup.batch) + row.lora)


def notes_on(law: Law, made: Timing) -> Iterator[str]:
    """One sentence each: what own runs say and lack, and where the answer stands on little."""
    yield from _of_own_runs(law, made)
    yield from _of_the_law(law, made.setup, made.memory)


def _of_own_runs(law: Law, made: Timing) -> Iterator[str]:
    if made.own is not None:
        weights = " with random weights, which time like trained ones" if made.own.weights == "random" else ""
        yield f"the median of {made.own.runs} own runs{weights}; the law is not asked"
        if made.setup.part == "end-to-end":
            yield "own runs end at the image in memory: writing the file and answering over HTTP are not in them"
    if law.own and law.coefficients.runs != runs_digest(law.own.values()):
        yield "the law has not seen all your runs: planner throughput --refit --data DIR"


def _of_the_law(law: Law, setup: Setup, memory: Footprint) -> Iterator[str]:
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
