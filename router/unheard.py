"""Answers that nobody heard, of requests without a key: kept for a quarter of an hour, each given once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errand import Clock

__all__ = ["Slot", "Unheard"]

Slot = tuple[str, bool, str]
"""Tenant, whether there is a key, and the key or the fingerprint: what a repetition has in common with its request."""
_KEPT_S = 900.0


class Unheard:
    """In this process only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Slot, deque[tuple[float, str]]] = {}

    def note(self, slot: Slot, answer: str) -> None:
        """Keep an answer."""
        now = self._clock.monotonic()
        for known, kept in list(self._kept.items()):
            while kept and kept[0][0] < now:
                kept.popleft()
            if not kept:
                del self._kept[known]
        self._kept.setdefault(slot, deque()).append((now + _KEPT_S, answer))

    def take(self, slot: Slot) -> str:
        """The oldest kept answer that still holds, or nothing."""
        kept, now = self._kept.get(slot, deque()), self._clock.monotonic()
        while kept:
            until, answer = kept.popleft()
            if until >= now:
                return answer
        return ""
