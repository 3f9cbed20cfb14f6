"""Requests of a bill as a trace: each bucket's requests spread over it by a seed. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.ledger.export import neutral

from .scenario_text import segment_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .pricing import Line
    from .uses import Use

__all__ = ["arrivals_label", "trace_lines"]

_COLUMNS = ("arrived_at", "n", "width", "height", "model", "segment")
_MOST = 5_000_000
_HOUR_S = 3600.0


@dataclass(frozen=True, order=True)
class _Arrival:
    """One request, its instant in milliseconds since 1970."""

    at_ms: int
    n: int
    line_number: int


def trace_lines(uses: list[Use], lines: tuple[Line, ...], *, seed: int) -> Iterable[str]:
    """Lines of a trace in CSV, oldest first: even chances over each bucket, images dealt evenly over its requests.

    Where a source names no requests, each image is one. The same uses and seed give the same lines.

    Raises:
        PlannerError: no request, or more than a trace can hold.
    """
    numbers = {line.kind: number for number, line in enumerate(lines)}
    chance = random.Random(seed)
    total = sum(_requests(use) for use in uses)
    if not 0 < total <= _MOST:
        raise PlannerError(f"{total:,} requests were counted; a trace holds 1 to {_MOST:,}: import other days")
    found: list[_Arrival] = []
    for use in sorted(uses, key=lambda use: (use.begin, use.end, use.identity, use.place)):
        found.extend(_spread(use, numbers[use.kind], chance))
    found.sort()
    named = segment_names(lines)
    ends = [f"{line.size.width},{line.size.height},{_cell(line.model)},{named[line.kind]}\n" for line in lines]
    return chain([f"{','.join(_COLUMNS)}\n"], (f"{_instant(one.at_ms)},{one.n},{ends[one.line_number]}"
                                               for one in found))


def _cell(text: str) -> str:
    """A name of somebody else's: no formula, no second cell."""
    told = str(neutral(text)).replace('"', '""')
    return f'"{told}"' if {'"', ","} & set(told) else told


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def arrivals_label(uses: list[Use], *, seed: int) -> str:
    """What must be said of such a trace."""
    widest = max((use.end - use.begin for use in uses), default=0.0)
    if not widest:
        return "arrivals as the export states them"
    hours = "" if widest <= _HOUR_S else "; hours of the day are not known and come out flat"
    return f"arrivals are not measured: spread over each bucket by chance, seed {seed}{hours}"


def _requests(use: Use) -> int:
    """Requests that brought an image: no more than there are images."""
    return min(use.images if use.requests is None else max(1, use.requests), use.images)


def _spread(use: Use, number: int, chance: random.Random) -> Iterator[_Arrival]:
    requests = _requests(use)
    each, over = divmod(use.images, requests)
    more = set(chance.sample(range(requests), over))
    for place in range(requests):
        at = use.begin + chance.random() * (use.end - use.begin)
        yield _Arrival(int(at * 1000), each + (place in more), number)
