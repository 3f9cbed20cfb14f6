"""Seconds of an own image, from attempts that had the cards to themselves. Only reads.

From sending to answer an attempt also stands in line. One that begins when nothing else is under way at its backend,
and that ends before the next begins, does not; what is left is the card's time and the way there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from router.ledger.rows import to_us
from router.ledger.tables import attempts
from router.quantities import Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["ENOUGH_ALONE", "OwnTimes", "own_times"]

ENOUGH_ALONE = 30
_MOST_ROWS = 50_000
_Z_90 = 1.6449
_US = 1_000_000


@dataclass(frozen=True)
class OwnTimes:
    """The median, and the 90 % interval of it by ranks.

    Attributes:
        rows: attempts that were looked at, the newest; `alone` of them had the cards to themselves.
        sizes: of what these made.
    """

    median_s: float
    low_s: float
    high_s: float
    rows: int
    alone: int
    sizes: frozenset[Size]


def own_times(connection: Connection, begin: datetime, *, end: datetime, models: Sequence[str]) -> OwnTimes | None:
    """What own attempts of some models took alone; None where there are none. Own ones have no price row."""
    tried = attempts.c
    newest = connection.execute(
        select(tried.backend, tried.reserved_at, tried.sent_at, tried.settled_at, tried.images, tried.size)
        .where(tried.reserved_at >= to_us(begin), tried.reserved_at < to_us(end), tried.price_row == "",
               tried.model.in_(models)).order_by(tried.reserved_at.desc(), tried.id.desc()).limit(_MOST_ROWS)).all()
    found: list[tuple[float, str]] = []
    for backend in sorted({row.backend for row in newest}):
        rows = sorted((row.sent_at or row.reserved_at, row.settled_at, row.images, row.size)
                      for row in newest if row.backend == backend and row.settled_at is not None)
        free_at = -math.inf
        for place, (sent, settled, images, size) in enumerate(rows):
            after = rows[place + 1][0] if place + 1 < len(rows) else math.inf
            if images and sent >= free_at and settled <= after and settled > sent:
                found.append(((settled - sent) / images / _US, size))
            free_at = max(free_at, settled)
    if not newest:
        return None
    return _summed(sorted(seconds for seconds, _ in found), len(newest), frozenset(
        size for _, text in found if (size := _size(text)) is not None))


def _summed(seconds: Sequence[float], rows: int, sizes: frozenset[Size]) -> OwnTimes:
    count = len(seconds)
    if not count:
        return OwnTimes(0.0, 0.0, 0.0, rows, 0, sizes)
    reach = _Z_90 * math.sqrt(count) / 2
    low, high = (seconds[min(count - 1, max(0, round((count - 1) / 2 + side * reach)))] for side in (-1, 1))
    return OwnTimes(round(seconds[count // 2], 4), round(low, 4), round(high, 4), rows, count, sizes)


def _size(text: str) -> Size | None:
    try:
        return Size.parse(text)
    except ValueError:
        return None
