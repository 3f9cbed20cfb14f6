"""What is true of the backends at this moment, as values that a decision reads and never changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IDLE", "BackendState", "States"]


@dataclass(frozen=True)
class BackendState:
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


@dataclass(frozen=True)
class States:
    """Every backend by name, and what the tightest budget of the caller has left in micro-dollars (None: no limit)."""

    backends: Mapping[str, BackendState] = field(default_factory=lambda: MappingProxyType({}))
    left_micro_usd: int | None = None
    budget: str = ""
