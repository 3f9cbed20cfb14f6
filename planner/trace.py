"""A trace of requests: when they came, how many images each asked for, how long each held a card. Read from CSV."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from .errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from .queueing import Array

__all__ = ["DAY_S", "Trace", "read_trace"]

DAY_S = 86_400.0
_MOST_SERVICE_S, _MOST_IMAGES = 86_400.0, 10_000


@dataclass(frozen=True)
class Trace:
    """Requests in order of time.

    Attributes:
        arrived: seconds since 1970 in UTC.
        images: images of each request.
        service: GPU-seconds of each whole request.
    """

    arrived: Array
    images: NDArray[np.int64]
    service: Array

    def between(self, begin: float, end: float) -> Trace:
        """The requests from `begin` on and before `end`."""
        first, last = np.searchsorted(self.arrived, (begin, end))
        return Trace(self.arrived[first:last], self.images[first:last], self.service[first:last])


def read_trace(path: Path) -> Trace:
    """A CSV file with `arrived_at` (ISO 8601, UTC where no offset stands), `n` and `service_s`; others are passed over.

    Raises:
        PlannerError: a file that cannot be read, an empty one, or a row that cannot be: which line and what.
    """
    arrived: list[float] = []
    images: list[int] = []
    service: list[float] = []
    for line, row in _rows(path):
        arrived.append(_instant(path, line, row["arrived_at"]))
        images.append(_count(path, line, row.get("n") or "1"))
        service.append(_seconds(path, line, row["service_s"]))
        if len(arrived) > 1 and arrived[-1] < arrived[-2]:
            raise PlannerError(f"{path}:{line}: arrived_at = {row['arrived_at']!r}: the clock goes backwards; sort the "
                               "trace by arrived_at")
    if not arrived:
        raise PlannerError(f"{path}: no request in it; give a trace with one line for each request")
    return Trace(np.array(arrived), np.array(images, dtype=np.int64), np.array(service))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in ("arrived_at", "service_s") if name not in (reader.fieldnames or ())]
            if missing:
                raise PlannerError(f"{path}: no column {' and no column '.join(missing)}; a trace has arrived_at, n "
                                   "and service_s")
            for row in reader:
                if None in row.values():
                    raise PlannerError(f"{path}:{reader.line_num}: the line is cut off; mend or remove it")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8") from None


def _instant(path: Path, line: int, text: str) -> float:
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise PlannerError(f"{path}:{line}: arrived_at = {text[:40]!r}: no instant; write it as 2026-11-25T12:00:00Z"
                           ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _count(path: Path, line: int, text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= _MOST_IMAGES:
        raise PlannerError(f"{path}:{line}: n = {text[:40]!r}: no number of images; give 1 to {_MOST_IMAGES:,}")
    return int(text)


def _seconds(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST_SERVICE_S:
        raise PlannerError(f"{path}:{line}: service_s = {text[:40]!r}: no time; give GPU-seconds from 0 to "
                           f"{_MOST_SERVICE_S:,.0f}")
    return value
