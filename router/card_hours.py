"""Which hours of the week cards of ours are switched on: written as `mon-fri 08-20 = 4`, in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

__all__ = ["HOURS_PER_WEEK", "hour_of_week", "hours_text", "read_hours"]

HOURS_PER_WEEK = 168
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS_PER_DAY = 24
_LINE = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? +([0-9]{1,2})-([0-9]{1,2})")


def hour_of_week(at: datetime) -> int:
    """0 is Monday 00:00 to 01:00 of the instant's own time zone; hand in UTC."""
    return at.weekday() * _HOURS_PER_DAY + at.hour


def read_hours(lines: Mapping[str, int]) -> tuple[int, ...]:
    """Cards by hour of the week from lines such as `mon-fri 08-20` and their cards; what no line names has none.

    Raises:
        ValueError: a line that means no hours; the text says how one is written.
    """
    cards = [0] * HOURS_PER_WEEK
    for line, count in lines.items():
        for hour in _named(line):
            cards[hour] = count
    return tuple(cards)


def hours_text(cards: Sequence[int]) -> dict[str, int]:
    """The fewest plain lines that `read_hours` reads back: runs of equal hours, days alike taken together."""
    days = [tuple(cards[day * _HOURS_PER_DAY:(day + 1) * _HOURS_PER_DAY]) for day in range(len(_DAYS))]
    lines: dict[str, int] = {}
    first = 0
    for day in range(1, len(days) + 1):
        if day < len(days) and days[day] == days[first]:
            continue
        name = _DAYS[first] if day - first == 1 else f"{_DAYS[first]}-{_DAYS[day - 1]}"
        lines |= {f"{name} {begin:02d}-{end:02d}": count for begin, end, count in _runs(days[first]) if count}
        first = day
    return lines


def _named(line: str) -> Iterator[int]:
    match = _LINE.fullmatch(line.strip().lower())
    first, last = (match[1], match[2] or match[1]) if match else ("", "")
    if match is None or first not in _DAYS or last not in _DAYS or _DAYS.index(first) > _DAYS.index(last):
        raise ValueError(f"{line[:40]!r}: no hours; write them as 'mon-fri 08-20', in UTC")
    begin, end = int(match[3]), int(match[4])
    if not 0 <= begin < end <= _HOURS_PER_DAY:
        raise ValueError(f"{line[:40]!r}: hours run from 00 to 24, the first below the last; part a night in two")
    for day in range(_DAYS.index(first), _DAYS.index(last) + 1):
        yield from range(day * _HOURS_PER_DAY + begin, day * _HOURS_PER_DAY + end)


def _runs(day: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    begin = 0
    for hour in range(1, len(day) + 1):
        if hour == len(day) or day[hour] != day[begin]:
            yield begin, hour, day[begin]
            begin = hour
