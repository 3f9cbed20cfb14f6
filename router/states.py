"""What is true of the backends at this moment, as values that a decision reads and never changes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IDLE", "BackendState", "States"]


class BackendState(NamedTuple):
    """One backend now.

    Attributes:
        in_flight: calls of ours it is working on.
        queued_s: seconds until a new image would start, on own GPUs.
        is_off: no card of ours is switched on at this hour.
        images_left: images that may still be asked for in this minute; None where there is no limit.
        closed_until: monotonic seconds until which nothing is sent; 0 while it is well.
        why_closed: what closed it, as in `outage`, `money`, `account`.
    """

    in_flight: int = 0
    queued_s: float = 0.0
    images_left: int | None = None
    closed_until: float = 0.0
    why_closed: str = ""
    is_off: bool = False


IDLE = BackendState()
_NOBODY: Mapping[str, BackendState] = MappingProxyType({})


class States(NamedTuple):
    """Every backend by name, and what the tightest budget of the caller has left in micro-dollars (None: no limit)."""

    backends: Mapping[str, BackendState] = _NOBODY
    left_micro_usd: int | None = None
    budget: str = ""
