"""One request of a replay: when it came, what it asked, and how long it held a card where that was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from router.request import ImageRequest

__all__ = ["HOUR_S", "Asked", "week_hour"]

HOUR_S = 3600.0
_HOURS_PER_WEEK, _EPOCH_HOUR = 168, 72  # 1 January 1970 was a Thursday


class Asked(NamedTuple):
    """A request.

    Attributes:
        at: seconds since 1970, UTC.
        request: equal requests had better be one object: what is known of their class is kept with it.
        own_s: GPU-seconds of the whole request where a trace says so; None for the router's own estimate.
    """

    at: float
    request: ImageRequest
    own_s: float | None = None


def week_hour(at: float) -> int:
    """Hour of the week of an instant in seconds since 1970; 0 is Monday 00:00 to 01:00 UTC."""
    return (int(at // HOUR_S) + _EPOCH_HOUR) % _HOURS_PER_WEEK
