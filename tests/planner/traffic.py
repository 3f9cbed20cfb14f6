"""Worlds of image traffic: days and weekends, hours that differ beyond chance, growth, images of a request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from planner.trace import DAY_S, Trace

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2026, 9, 7, tzinfo=UTC).timestamp()  # a Monday
IMAGES, SHARES = (1, 2, 4, 8), (0.58, 0.08, 0.19, 0.15)
WEEKDAYS = np.array([1.2, 1.15, 1.1, 1.2, 1.0, 0.6, 0.75])


def traffic(seed: int, *, days: int = 28, requests_per_day: float = 1200.0, growth: float = 1.0,
            service_s: float = 23.0) -> Trace:
    """A trace; `growth` is that of the volume from the first day to the last."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    shape = np.maximum(0.05, 1 + 1.4 * np.cos((hours - 15) / 24 * 2 * np.pi))
    found = []
    for day in range(days):
        level = requests_per_day * growth ** (day / days) * WEEKDAYS[day % 7] / shape.sum()
        for hour in hours:
            count = rng.poisson(level * shape[hour] * rng.gamma(4.0, 0.25))
            found.append(BEGIN + day * DAY_S + (hour + rng.random(count)) * 3600)
    arrived = np.sort(np.concatenate(found))
    images = rng.choice(IMAGES, arrived.size, p=SHARES)
    return Trace(arrived, images, rng.lognormal(np.log(service_s), 0.65, arrived.size))


def clumped(trace: Trace, size: int) -> Trace:
    """The same requests in clumps of `size`, each at the instant of its first."""
    return Trace(np.repeat(trace.arrived[::size], size)[:trace.arrived.size], trace.images, trace.service)


def write(trace: Trace, path: Path) -> Path:
    """The trace as a file."""
    lines = ["arrived_at,n,service_s,width"]
    for arrived, images, service in zip(trace.arrived, trace.images, trace.service, strict=True):
        when = datetime.fromtimestamp(arrived, UTC).isoformat().replace("+00:00", "Z")
        lines.append(f"{when},{images},{service:.4f},1024")
    path.write_text("\n".join(lines) + "\n")
    return path
