"""How often the 90 % intervals of `planner backtest` hold, and how wide they are, on worlds the planner never saw.

    python benchmarks/intervals.py [ServeGen CSV]

The worlds of image traffic are made here. The other ones are drawn from a file with the rate and the CV of gaps of
every ten minutes (columns t, rate_per_s, rate_weighted_client_cv); without it their last results are kept.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from planner.backtest import Fleet, backtest
from planner.trace import DAY_S, Trace

RESULTS = Path(__file__).with_name("results") / "coverage.json"
FLEETS, DRAWS, SLO_WAIT_S = range(1, 9), 200, 30.0
IMAGES, SHARES = (1, 2, 4, 8), (0.58, 0.08, 0.19, 0.15)
SERVICE_S, NINE_OF_TEN_S = 23.0, 53.0
WORLDS, SEEDS = 70, 16
WINDOW_S, MONTH_H, IMAGES_A_REQUEST = 600.0, 730, 2.69
WEEKDAYS = np.array([1.37, 1.27, 1.19, 1.52, 0.8, 0.28, 0.7])
MOST = 30_000
Draw = Callable[[int], Any]


def trace_of(arrived: Any, rng: np.random.Generator) -> Trace:
    """Arrivals with images and lognormal GPU-seconds of a request."""
    spread = math.log(NINE_OF_TEN_S / SERVICE_S) / 1.2816
    return Trace(arrived, rng.choice(IMAGES, arrived.size, p=SHARES),
                 rng.lognormal(math.log(SERVICE_S), spread, arrived.size))


def image_traffic(seed: int, *, grows: str, stray: float = 0.0) -> Trace:
    """24 to 40 days; volume changes by 0.6 to 2 `all along`, at once in the `middle`, or `between` past and future.

    `stray` is the standard deviation of the log of a day's level.
    """
    rng = np.random.default_rng(seed)
    days, growth = int(rng.integers(24, 41)), math.exp(rng.uniform(math.log(0.6), math.log(2)))
    per_s = math.exp(rng.uniform(math.log(30e3), math.log(300e3))) / IMAGES_A_REQUEST / (MONTH_H * 3600)
    hours = np.maximum(0.02, 1 + rng.uniform(1, 2.5) * np.cos((np.arange(24) - 15) / 24 * 2 * math.pi))
    weekdays, shape = WEEKDAYS**rng.uniform(0.3, 1), rng.uniform(1.5, 6)
    jump = {"between": 14.0, "middle": days * rng.uniform(0.4, 0.6)}.get(grows)
    day = np.arange(days)
    level = growth**(day / days) if jump is None else np.where(day >= jump, growth, 1.0)
    level *= weekdays[day % 7] / weekdays.mean() * rng.lognormal(-stray**2 / 2, stray, days)
    rate = per_s * np.outer(level, hours / hours.mean()).ravel() * rng.gamma(shape, 1 / shape, days * 24)
    counts = rng.poisson(rate * 3600)
    begin = np.repeat(np.arange(days * 24) * 3600.0, counts)
    return trace_of(np.sort(begin + rng.random(begin.size) * 3600), rng)


def renewal(draw: Draw, most: int) -> Any:
    """Instants of the gaps drawn, from the window's begin to its end, `most` at the most."""
    found: list[Any] = []
    at, count = 0.0, 0
    while at < WINDOW_S and count < most:
        found.append(at + np.cumsum(draw(64)))
        at, count = float(found[-1][-1]), count + 64
    instants = np.concatenate(found)[:most]
    return instants[instants < WINDOW_S]


def window(rng: np.random.Generator, rate: float, *, cv: float, kind: str) -> Any:
    """Arrivals of ten minutes in seconds from their begin, by one reading of what a rate and a CV of gaps say."""
    mean, shape = rate * WINDOW_S, 1 / cv**2
    gaps: Draw = partial(rng.gamma, shape, 1 / (rate * shape))
    if kind == "gamma":
        return renewal(gaps, MOST)
    if kind == "gamma, at most 6-fold":
        return renewal(gaps, int(6 * mean) + 50)
    if kind == "gamma, running on":  # the first gap is the rest of one that began before
        first = rng.gamma(shape + 1, 1 / (rate * shape)) * rng.random()
        return np.append(first, first + renewal(gaps, MOST)) if first < WINDOW_S else np.empty(0)
    if kind == "hyperexponential":
        short = 0.5 * (1 + math.sqrt(max(0.0, cv**2 - 1) / (cv**2 + 1)))
        return renewal(lambda size: rng.exponential(1, size) / (2 * rate * np.where(
            rng.random(size) < short, short, 1 - short)), MOST)
    if kind == "gamma counts":  # of variance CV^2 x mean
        excess = max(cv**2 - 1, 1e-9)
        return rng.random(min(rng.poisson(rng.gamma(mean / excess, excess)), MOST)) * WINDOW_S
    shares = rng.gamma(shape, 1, rng.poisson(mean) + 1) + 1e-300  # Poisson counts, gamma gaps
    return np.cumsum(shares)[:-1] / shares.sum() * WINDOW_S


def servegen(seed: int, *, rows: list[tuple[float, float, float]], kind: str, most_cv: float) -> Trace:
    """Rates thinned to 100,000 images a month; every ten minutes drawn from their rate and CV."""
    rng = np.random.default_rng(seed)
    thinner = 100_000 / IMAGES_A_REQUEST / (MONTH_H * 3600) / float(np.mean([rate for _, rate, _ in rows]))
    parts = [begin + window(rng, rate * thinner, cv=min(max(cv, 0.3), most_cv), kind=kind)
             for begin, rate, cv in rows if rate > 0]
    arrived = np.sort(np.concatenate(parts))
    return trace_of(arrived[arrived < rows[-1][0] + WINDOW_S], rng)


def origins(trace: Trace, train_days: int, test_days: int) -> list[Trace]:
    """The parts of a trace that have the first origin in it, one in the middle and the last, whole days apart."""
    begin, span = float(trace.arrived[0]), (train_days + test_days) * DAY_S
    last = max(0, int((float(trace.arrived[-1]) - begin - span) // DAY_S))
    return [trace.between(begin + day * DAY_S, begin + day * DAY_S + span) for day in sorted({0, last // 2, last})]


def wilson(share: float, size: int) -> tuple[float, float]:
    """The 90 % interval of a share found in `size` independent trials."""
    z = 1.6449
    middle, scale = share + z**2 / (2 * size), 1 + z**2 / size
    half = z * math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def measure(fleets: list[Fleet], name: str, worlds: int) -> dict[str, Any]:
    """Coverage and widths of one measure; seconds for waits, 0 to 1 for shares."""
    found = [getattr(fleet, name) for fleet in fleets]
    covered = float(np.mean([each.covered for each in found]))
    return {"coverage": covered, "coverage_90": wilson(covered, worlds),
            "above": float(np.mean([each.truth > each.high for each in found])),
            "median_width": float(np.median([each.high - each.low for each in found])),
            "median_ratio": float(np.median([each.high / each.low for each in found if each.low > 0] or [math.inf]))}


def row(label: str, made: Callable[[int], Trace], *, worlds: int, train_days: int) -> dict[str, Any]:
    """One line of the table, printed as it is found."""
    fleets, begun = [], time.process_time()
    for seed in range(worlds):
        for part in origins(made(seed), train_days, 7):
            fleets += backtest(part, FLEETS, train_days=train_days, test_days=7, slo_wait_s=SLO_WAIT_S, draws=DRAWS,
                               seed=seed).fleets
    found = {"world": label, "worlds": worlds, "intervals": len(fleets), "train_days": train_days,
             "p95_wait_s": measure(fleets, "p95_wait_s", worlds),
             "share_over_slo": measure(fleets, "share_over_slo", worlds), "cpu_s": time.process_time() - begun}
    show(found)
    return found


def show(found: dict[str, Any]) -> None:
    """A line of the table."""
    wait, share = found["p95_wait_s"], found["share_over_slo"]
    print(f"{found['world']:<58} {found['worlds']:>4} x {found['intervals'] / found['worlds']:>4.1f}   " + "   ".join(
        f"{each['coverage']:.1%} ({each['coverage_90'][0]:.0%} to {each['coverage_90'][1]:.0%}) {width}"
        for each, width in ((wait, f"{wait['median_width']:.0f} s, {wait['median_ratio']:.0f}-fold"),
                            (share, f"{100 * share['median_width']:.1f} points"))), flush=True)


def main() -> None:
    """Measure, print, keep."""
    rows = []
    for seed, grows in enumerate(("all along", "in the middle", "between")):
        made = partial(image_traffic, grows=grows.removeprefix("in the "))
        rows.append(row(f"image traffic, grows {grows}", lambda number, made=made, first=10_000 * (seed + 1):  # type: ignore[misc]
                        made(first + number), worlds=WORLDS, train_days=14))
    rows.append(row("image traffic, grows all along, days stray by 40 %", partial(
        image_traffic, grows="all along", stray=0.4), worlds=WORLDS, train_days=14))
    if len(sys.argv) > 1:
        with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
            windows = [(float(each["t"]), float(each["rate_per_s"]), float(each["rate_weighted_client_cv"] or 1))
                       for each in csv.DictReader(file)]
        rows += [row(f"ServeGen, {kind}, CV {'to 10' if most == 10 else 'as published'}", partial(  # noqa: PLR2004 (as written)
            servegen, rows=windows, kind=kind, most_cv=most), worlds=SEEDS, train_days=7)
            for kind, most in [(kind, most) for kind in ("gamma, at most 6-fold", "gamma, running on", "gamma")
                               for most in (10.0, math.inf)]
            + [(kind, math.inf) for kind in ("Poisson counts, gamma gaps", "hyperexponential", "gamma counts")]]
    else:
        rows += [each for each in json.loads(RESULTS.read_text())["rows"] if each["world"].startswith("ServeGen")]
    RESULTS.write_text(json.dumps({"draws": DRAWS, "fleets": list(FLEETS), "slo_wait_s": SLO_WAIT_S, "rows": rows},
                                  indent=1) + "\n")


if __name__ == "__main__":
    main()
