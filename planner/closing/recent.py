"""What the last whole months of the books hold, for the plan of the next ones. Only reads."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, cast, func, select

from router.ledger.rows import from_us, month_bounds
from router.ledger.tables import months, requests, rollups

from .made import judged_work, segment_of
from .own_times import own_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from router.acceptance import Looked

    from .made import MadeMonth
    from .own_times import OwnTimes

__all__ = ["Asked", "Recent", "last_months", "recent"]

_HOUR = timedelta(hours=1)
_MANY, _STRIDE = 500_000, 7


@dataclass
class Asked:
    """Requests of a segment that brought images, and how many were asked for in each.

    Attributes:
        of: what `requests` counts.
    """

    of: str = "requests"
    requests: int = 0
    images: int = 0
    images_of_request: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Recent:
    """Some months of the books.

    Attributes:
        source: the ledger, the months that hold something, and the day they were read.
        hours: of these months, from the first request of the books on.
        judged: accepted and judged images by segment, model and quality.
        own_times: seconds of an own image; None where none was made.
    """

    source: str
    hours: float
    segments: Mapping[str, Asked]
    judged: Mapping[tuple[str, str, str], Looked]
    own_times: OwnTimes | None

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(one.requests for one in self.segments.values())

    @property
    def digest(self) -> str:
        """SHA-256 over what they hold."""
        held = (self.hours, sorted((name, one.requests, one.images, sorted(one.images_of_request.items()))
                                   for name, one in self.segments.items()),
                sorted((key, one.accepted, one.judged) for key, one in self.judged.items()),
                None if self.own_times is None else (*self.own_times.__dict__.values(),)[:-1])
        return hashlib.sha256(repr(held).encode()).hexdigest()

    @property
    def images_of_request(self) -> dict[int, int]:
        """Requests by the images they asked for, of all segments."""
        return dict(sum((one.images_of_request for one in self.segments.values()), Counter[int]()))


def last_months(last: str, count: int) -> tuple[str, ...]:
    """The months up to `last`, the oldest first."""
    year, month = map(int, last.split("-"))
    places = range(year * 12 + month - count, year * 12 + month)
    return tuple(f"{place // 12}-{place % 12 + 1:02d}" for place in places)


def recent(connection: Connection, shown: str, *, over: Sequence[str], own_models: Sequence[str],
           read: MadeMonth | None = None, now: datetime | None = None) -> Recent:
    """What some months hold.

    Args:
        connection: one transaction over the books.
        shown: the ledger, without a password.
        over: the months, the oldest first, all of them over.
        own_models: names of the model that cards of ours run.
        read: the last month, where it is added up already.
        now: when they are read.
    """
    segments: dict[str, Asked] = {}
    held: list[str] = []
    hours = 0.0
    first = connection.execute(select(func.min(requests.c.received_at))).scalar()
    pruned = set(connection.execute(select(months.c.month).where(months.c.pruned_at.is_not(None))).scalars())
    for text in over:
        before = sum(one.requests for one in segments.values())
        begin, end = map(from_us, month_bounds(text))
        if read is not None and text == over[-1] and read.attempts > _MANY and text not in pruned:
            _add_read(connection, text, segments, read)
        else:
            _add(connection, text, segments, is_pruned=text in pruned)
        if sum(one.requests for one in segments.values()) == before:
            continue
        held.append(text)
        since = begin if first is None or text in pruned else max(begin, _whole_hour(from_us(first)))
        hours += (end - since) / _HOUR
    begin, end = from_us(month_bounds(over[0])[0]), from_us(month_bounds(over[-1])[1])
    newest = from_us(month_bounds(over[-1])[0])
    read_on = (now or datetime.now(tz=UTC)).date()
    return Recent(f"{shown}, {', '.join(held) or over[-1]}, read {read_on}", hours, segments,
                  judged_work(connection, begin, end=end), own_times(connection, newest, end=end, models=own_models))


def _whole_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _add_read(connection: Connection, month: str, segments: dict[str, Asked], read: MadeMonth) -> None:
    """A large month that was read: its images, and the requests of one hour of each day, another one every day."""
    begin, end = month_bounds(month)
    day, hour = (span // timedelta(microseconds=1) for span in (timedelta(days=1), _HOUR))
    for number in range((end - begin) // day):
        at = begin + number * day + number * _STRIDE % 24 * hour
        for segment, asked, count, _ in _asked(connection, at, at + hour):
            segments.setdefault(segment_of(segment), Asked()).images_of_request[asked] += count
    for (segment, _), made in read.work.items():
        one = segments.setdefault(segment, Asked())
        one.of = "requests or attempts"
        one.requests += made.attempts
        one.images += made.images


def _asked(connection: Connection, begin: int, end: int) -> list[tuple[Any, ...]]:
    """Requests that brought images, and these images, by segment and by how many were asked for."""
    asked = requests.c
    return [tuple(row) for row in connection.execute(
        select(asked.segment, asked.n_asked, func.count(), cast(func.sum(asked.n_delivered), BigInteger))
        .where(asked.received_at >= begin, asked.received_at < end, asked.n_delivered > 0)
        .group_by(asked.segment, asked.n_asked))]


def _add(connection: Connection, month: str, segments: dict[str, Asked], *, is_pruned: bool) -> None:
    kept = rollups.c
    if is_pruned:
        found = [(row.segment, 0, row.requests, row.images) for row in connection.execute(select(
            kept.segment, *(cast(func.sum(column), BigInteger).label(column.name)
                            for column in (kept.requests, kept.images)))
            .where(kept.month == month, kept.images > 0).group_by(kept.segment))]
    else:
        found = _asked(connection, *month_bounds(month))
    for segment, number, count, images in found:
        one = segments.setdefault(segment_of(segment), Asked())
        one.requests += count
        one.images += images
        if number:
            one.images_of_request[number] += count
