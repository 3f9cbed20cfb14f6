"""Work that waits for idle cards: who asks next, without asking for everybody once a minute.

The router asks again for each such request once a minute. Nearly every answer is the same; this finds the one request
whose minute comes round first after a card has become idle.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.decide import Decision

    from .lives import Life

__all__ = ["AGAIN_S", "Waiting", "buys_at"]

AGAIN_S = 60.0


class Waiting:
    """Requests by the second of the minute at which each is asked for again."""

    def __init__(self) -> None:
        self._phases: list[tuple[float, int]] = []
        self._lives: dict[int, Life] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._lives)

    def add(self, life: Life) -> None:
        """One more."""
        insort(self._phases, (life.asked.at % AGAIN_S, life.number))
        self._lives[life.number] = life

    def take(self, life: Life) -> bool:
        """It waits no longer; False where it did not."""
        if self._lives.pop(life.number, None) is None:
            return False
        key = (life.asked.at % AGAIN_S, life.number)
        del self._phases[bisect_left(self._phases, key)]
        return True

    def next(self, now: float) -> tuple[float, Life]:
        """Who is asked for first from now on, and when; it waits no longer."""
        at = bisect_left(self._phases, (now % AGAIN_S, -1))
        phase, number = self._phases.pop(at if at < len(self._phases) else 0)
        return now + (phase - now) % AGAIN_S, self._lives.pop(number)


def buys_at(decision: Decision, life: Life) -> float:
    """When the router buys elsewhere what waits for cards of ours: at the first of its minutes that is late enough."""
    asked = life.asked.at
    left = decision.deadline_s - decision.at_last_s
    return asked + math.ceil((decision.at + left - asked) / AGAIN_S) * AGAIN_S
