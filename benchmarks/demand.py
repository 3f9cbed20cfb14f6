"""Demand of the past: known numbers fitted back, and what is left of a past's bursts when its days are drawn again.

    python benchmarks/demand.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from planner.book import open_book
from planner.demand import Demand, fit_demand
from planner.drawing import Month, draw_month
from planner.past import Kind, Past
from planner.past_days import clump_of
from planner.past_shape import shape_of_past
from planner.queueing import waits
from planner.trace import Trace
from planner.traffic import Shape, Traffic, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN = datetime(2026, 9, 7, tzinfo=UTC).timestamp()  # a Monday
WEEKS, WORLDS, CLUMP, CLUMP_S = 12, 12, 6, 20.0
WINDOWS_S = (60, 600, 3600)
FLEETS, IMAGE_S = (2, 3, 4, 6), 10.0


def trace_of(month: Month) -> Trace:
    """A month as a trace that begins on a Monday."""
    return Trace(BEGIN + month.at, month.images, np.full(month.at.size, np.nan))


def known(hour_shape: float, day_cv: float) -> Shape:
    """The usual hours of the week, with this noise."""
    return shape_of(Traffic(hour_shape=hour_shape, day_cv=day_cv), open_book(None, {}).archetypes)


def recovered(hour_shape: float, day_cv: float) -> str:
    """A row: drawn from these numbers, fitted back."""
    drawn = [draw_month([(60_000.0, known(hour_shape, day_cv))], np.random.default_rng((2, seed)),
                        hours=WEEKS * 168) for seed in range(WORLDS)]
    whole = [fit_demand(trace_of(month)).whole for month in drawn]
    shapes = np.array([1 / one.hour_noise for one in whole if one.hour_noise])
    days = np.array([one.day_cv for one in whole], dtype=np.float64)
    held = sum(one.growth is not None and one.growth.low < 1 < one.growth.high for one in whole)
    return (f"| {hour_shape:g}, {day_cv:g} | {shapes.mean():.2f} ± {shapes.std(ddof=1):.2f} | {days.mean():.2f} ± "
            f"{days.std(ddof=1):.2f} | {held} of {WORLDS} |")


def clumped() -> Trace:
    """People who come by chance in hours that go up and down; each asks six times in 20 seconds."""
    rng = np.random.default_rng(5)
    people = draw_month([(16_000.0, known(4.0, 0.15))], rng, hours=WEEKS * 168).at
    at = np.sort(np.repeat(people, CLUMP) + CLUMP_S * rng.random(CLUMP * people.size))
    at = at[at < WEEKS * 168 * 3600]
    return Trace(BEGIN + at, rng.choice((1, 2, 4, 8), at.size, p=(0.58, 0.08, 0.19, 0.15)), np.full(at.size, np.nan))


def kept(name: str, shape: Shape, past: Trace, *, times: float) -> str:
    """A row: months at so many times the past's volume, beside what as many people would bring.

    Variance over mean is what clumps make of it, which does not depend on how many people come, and what hours and days
    make of it, which grows with their number. Neighbouring windows share the hour: they tell the first part.
    """
    volume = float(past.images.sum()) / (7 * WEEKS) * 730 / 24
    drawn = [draw_month([(times * volume, shape)], np.random.default_rng((7, seed))) for seed in range(WORLDS)]
    found: list[Demand] = [fit_demand(trace_of(month)) for month in drawn]
    was, cells = fit_demand(past).dispersion, []
    for seconds in WINDOWS_S:
        counts = np.bincount(((past.arrived - BEGIN) // min(seconds, 600)).astype(np.int64))
        pairs = counts[:counts.size // 2 * 2].reshape(-1, 2).astype(np.float64)
        clumps = float(((pairs[:, 0] - pairs[:, 1])**2).sum() / pairs.sum())
        expected = clumps + times * (was[seconds] - clumps)
        cells.append(f"{np.mean([one.dispersion[seconds] for one in found]) / expected:.2f}")
    return f"| {name} | {' | '.join(cells)} | {np.mean([clump_of(month.at) for month in drawn]):.1f} |"


def waited(name: str, traces: Sequence[Trace]) -> str:
    """A row: the p95 wait of requests for fleets, whose images take a card so many seconds each, on average."""
    cells = []
    for cards in FLEETS:
        p95 = [float(np.percentile(waits(one.arrived, one.images * IMAGE_S, servers=cards), 95)) for one in traces]
        cells.append(f"{np.mean(p95):.0f} ({min(p95):.0f} to {max(p95):.0f})" if len(p95) > 1 else f"{p95[0]:.0f}")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the three tables."""
    print("| drawn: shape of hours, CV of days | fitted shape | fitted CV | growth of 0 within 90 % |")
    print("|---|---|---|---|")
    for hour_shape, day_cv in ((4.0, 0.3), (2.0, 0.15), (8.0, 0.0), (3.5, 0.5)):
        print(recovered(hour_shape, day_cv))
    past = clumped()
    shape = shape_of_past(Traffic(), Past(past, (Kind(),), np.zeros(past.arrived.size, np.int64), "past", "0" * 64),
                          segment="all")
    print(f"\n| times the past's volume | in 1 min | in 10 min | in 60 min | requests in a clump (past: "
          f"{clump_of(past.arrived):.1f}) |\n|---|---|---|---|---|")
    for times in (0.1, 0.3, 1.0, 2.5, 8.0):
        print(kept(f"{times:g}", shape, past, times=times))
    chance = shape.model_copy(update={"past": None, "hour_shape": 1e6, "day_cv": 0.0})
    print(kept("1, by chance in the same hours of the week", chance, past, times=1.0))
    print(f"\n| p95 wait, s, {IMAGE_S:g} s an image | {' | '.join(f'{cards} cards' for cards in FLEETS)} |")
    print("|---|" + "---|" * len(FLEETS))
    found = fit_demand(past)
    fitted = chance.model_copy(update={"hour_shape": 1 / (found.whole.hour_noise or 1e-6),
                                       "day_cv": found.whole.day_cv or 0.0})
    volume = float(past.images.sum()) / (7 * WEEKS) * 730 / 24
    print(waited("the past itself", [past]))
    ways = (("its days drawn again", shape), ("the fitted shape", fitted), ("chance in the same hours", chance))
    for name, one in ways:
        print(waited(name, [trace_of(draw_month([(volume, one)], np.random.default_rng((9, seed))))
                            for seed in range(WORLDS)]))


if __name__ == "__main__":
    main()
