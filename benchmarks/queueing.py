"""How fast the queue engines are, beside SimPy on the same arrivals; one core, medians of five."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from planner.conditions import Conditions, Failures, Scaling
from planner.fleet import WEEK_H, Work, serve
from planner.queueing import waits

sys.path.insert(0, str(Path(__file__).parents[1]))  # the model in SimPy is the tests'
from tests.planner.fleet_of_simpy import Shop

RESULTS = Path(__file__).with_name("results") / "queueing.json"
CUSTOMERS, OF_SIMPY, RUNS, SERVICE_S = 1_000_000, 100_000, 5, 6.0


def world(servers: int, load: float, kind: str, size: int) -> tuple[Any, Any]:
    """Arrivals and service times."""
    rng = np.random.default_rng(servers)
    arrivals = np.cumsum(rng.exponential(SERVICE_S / (load * servers), size))
    spread = math.sqrt(math.log(1 + 0.72**2))
    if kind == "deterministic":
        return arrivals, np.full(size, SERVICE_S)
    if kind == "exponential":
        return arrivals, rng.exponential(SERVICE_S, size)
    return arrivals, rng.lognormal(math.log(SERVICE_S) - spread**2 / 2, spread, size)


def of_simpy(arrivals: Any, service: Any, servers: int) -> float:
    """Seconds that SimPy takes with a process for each customer."""
    environment = simpy.Environment()
    cards = simpy.Resource(environment, servers)

    def customer(taken: float) -> Any:
        with cards.request() as turn:
            yield turn
            yield environment.timeout(taken)

    def source() -> Any:
        before = 0.0
        for at, taken in zip(arrivals, service, strict=True):
            yield environment.timeout(at - before)
            before = at
            environment.process(customer(taken))

    environment.process(source())
    begun = time.process_time()
    environment.run()
    return time.process_time() - begun


def conditions(size: int) -> dict[str, Conditions]:
    """What the second engine is timed with."""
    rng = np.random.default_rng(0)
    return {"nothing": Conditions(), "priorities": Conditions(priority=rng.integers(0, 3, size)),
            "fine-tunes": Conditions(kind=rng.integers(0, 5, size), switch_s=np.full(size, 1.0)),
            "failures": Conditions(failures=Failures(100_000.0, 1_000.0, (1,))),
            "serverless": Conditions(scaling=Scaling(0, 20.0, 0.0, 5.0))}


def events() -> list[dict[str, Any]]:
    """The second engine on eight cards at a load of 0.6, beside a model with a process for each card in SimPy."""
    rows = []
    print(f"\n{'conditions':>14} {'M requests/s':>14} {'SimPy, k/s':>11} {'ratio':>8}")
    arrivals, service = world(8, 0.6, "lognormal", CUSTOMERS)
    ones, no = np.ones(CUSTOMERS, np.int64), np.zeros(CUSTOMERS, np.bool_)
    work = Work(arrivals, ones, service, ones, ~no, no, no, np.zeros(CUSTOMERS), np.full(CUSTOMERS, 1e12))
    first = Work(*(column[:OF_SIMPY // 5] for column in work))
    beside = conditions(OF_SIMPY // 5)
    for name, terms in conditions(CUSTOMERS).items():
        serve(first, np.full(WEEK_H, 8), conditions=beside[name])
        runs = []
        for _ in range(RUNS):
            begun = time.process_time()
            serve(work, np.full(WEEK_H, 8), conditions=terms)
            runs.append(time.process_time() - begun)
        theirs = []
        for _ in range(3):
            begun = time.process_time()
            Shop(first, 8, beside[name])
            theirs.append(time.process_time() - begun)
        ours, simpys = CUSTOMERS / statistics.median(runs), first.at.size / statistics.median(theirs)
        rows.append({"conditions": name, "requests_per_s": ours, "runs_s": runs, "simpy_requests_per_s": simpys,
                     "ratio": ours / simpys})
        print(f"{name:>14} {ours / 1e6:>14.2f} {simpys / 1e3:>11.1f} {ours / simpys:>8.0f}")
    return rows


def main() -> None:
    """Measure, print, keep."""
    os.sched_setaffinity(0, {0})
    rows = []
    print(f"{'servers':>7} {'load':>5} {'service':>14} {'M customers/s':>14} {'SimPy, k/s':>11} {'ratio':>8}")
    for servers, load, kind in ((1, 0.8, "lognormal"), (4, 0.8, "lognormal"), (8, 0.8, "deterministic"),
                                (8, 0.8, "exponential"), (8, 0.8, "lognormal"), (64, 0.9, "lognormal")):
        arrivals, service = world(servers, load, kind, CUSTOMERS)
        waits(arrivals[:10], service[:10], servers=servers)
        runs = []
        for _ in range(RUNS):
            begun = time.process_time()
            waits(arrivals, service, servers=servers)
            runs.append(time.process_time() - begun)
        ours = CUSTOMERS / statistics.median(runs)
        theirs = OF_SIMPY / statistics.median(
            of_simpy(arrivals[:OF_SIMPY].tolist(), service[:OF_SIMPY].tolist(), servers) for _ in range(3))
        rows.append({"servers": servers, "load": load, "service": kind, "customers_per_s": ours, "runs_s": runs,
                     "simpy_customers_per_s": theirs, "ratio": ours / theirs})
        print(f"{servers:>7} {load:>5} {kind:>14} {ours / 1e6:>14.1f} {theirs / 1e3:>11.1f} {ours / theirs:>8.0f}")
    RESULTS.write_text(json.dumps({"machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
                                              f"{platform.python_version()}, one core, CPU seconds", "rows": rows,
                                   "events": events()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
