"""`planner measure --endpoint` from its options to its rows."""

from __future__ import annotations

import asyncio
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.progress import Progress

from planner.errors import PlannerError

from .cells import numbers_of, sizes_of
from .endpoint import Asked, Endpoint, arrivals, check_cost, load_of, measure_endpoint
from .row_file import RowFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import Console

    from .endpoint import Load

__all__ = ["measure_rates"]

_MOST_RATE = 1000.0


def measure_rates(asked: Mapping[str, Any], console: Console) -> list[Load]:
    """Measure every rate, the lowest first; a sweep ends with the first rate that the server does not keep up with.

    Raises:
        PlannerError: an option that cannot be used, or a server that does not answer.
    """
    url = asked["endpoint"]
    check_cost(url, may_cost=asked["may_cost"])
    (size, *more), steps = sizes_of(asked["sizes"]), numbers_of(asked["steps"], "--steps") if asked["steps"] else ()
    (n, *batches) = numbers_of(asked["batch"], "--batch")
    if more or batches or len(steps) > 1:
        raise PlannerError("--endpoint: one size, one number of steps and one --batch at a time")
    endpoint = Endpoint(url, asked["model"], size, steps[0] if steps else None, n, asked["key"])
    rates, file = _rates(asked["rate"]), RowFile(_path(asked, url), Asked)
    file.open()
    loads: list[Load] = []
    for rate in rates:
        due = arrivals(rate, asked["requests"], seed=asked["seed"])
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"{rate:g} requests/s", total=len(due))
            keeper = _Keeper(file, partial(bar.advance, task))
            rows = asyncio.run(measure_endpoint(endpoint, due, rate=rate, told=keeper))
        loads.append(load_of(rows))
        if not loads[-1].keeps_up and rate != rates[-1]:
            console.print(f"at {rate:g} requests/s it does not keep up: higher rates are left out")
            break
    console.print(f"{file.path}: {sum(load.requests for load in loads)} rows")
    return loads


class _Keeper:
    """Writes every answer down and counts it."""

    def __init__(self, file: RowFile[Asked], count: Callable[[], None]) -> None:
        self._file, self._count = file, count

    def __call__(self, row: Asked) -> None:
        self._file.append(row)
        self._count()


def _rates(text: str) -> tuple[float, ...]:
    try:
        rates = sorted({float(each) for each in text.split(",")})
    except ValueError:
        rates = []
    if not rates or not all(math.isfinite(rate) and 0 < rate <= _MOST_RATE for rate in rates):
        raise PlannerError(f"--rate {text}: give requests a second above 0, parted by commas, as in 0.5,1,2")
    return tuple(rates)


def _path(asked: Mapping[str, Any], url: str) -> Path:
    parts = urlsplit(url)
    name = re.sub(r"[^a-z0-9.]+", "-", f"{parts.hostname}-{parts.port or ''}-{asked['model']}".lower()).strip("-.")
    out: Path | None = asked["out"]
    if out is not None and out.suffix == ".csv":
        return out
    folder: Path = asked["folder"]
    return (out or folder / "throughput" / "endpoints") / f"{name}.csv"
