"""What real cards do beside working: load another fine-tune, fail, start and stop with demand, serve some first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .queueing import Array

__all__ = ["Conditions", "Failures", "Happened", "Scaling", "nothing_happened"]


@dataclass(frozen=True)
class Failures:
    """Cards that fail after an exponential time of being up, each by its own dice.

    Attributes:
        mean_s: seconds from start or repair to the next failure.
        repair_s: seconds until it is back.
        seed: of the dice; a card fails at the same instants in a fleet of any size.
    """

    mean_s: float
    repair_s: float
    seed: tuple[int, ...]

    def lives_s(self, cards: int, *, until_s: float) -> Array:
        """Seconds each card is up between its repairs, a row for each, long enough to reach `until_s`."""
        least = int(until_s / self.mean_s) + 1
        count = least + 6 * int(np.sqrt(least)) + 8
        return np.array([np.random.default_rng((*self.seed, card)).exponential(self.mean_s, count)
                         for card in range(cards)])


@dataclass(frozen=True)
class Scaling:
    """Cards that start and stop with demand.

    Attributes:
        least: that are always on.
        start_s: from being asked for to being there.
        wait_s: one more is asked for where a call would wait longer.
        idle_s: a card beyond the least is switched off after so long without work.
    """

    least: int
    start_s: float
    wait_s: float
    idle_s: float


@dataclass(frozen=True)
class Conditions:
    """What holds beside arrivals and cards; what is None does not happen. Arrays have one value for each request.

    Attributes:
        kind: what must be loaded; `switch_s` are the seconds a card with something else loaded then takes first.
        priority: the highest is served first among what waits for a card, first come, first served among equals.
        deadline_s: from its arrival; what waits longer leaves for others where it may, or is lost.
        until_s: the end of the time that is looked at, for cards that stay on to the last.
    """

    kind: NDArray[np.int64] | None = None
    switch_s: Array | None = None
    priority: NDArray[np.int64] | None = None
    deadline_s: Array | None = None
    failures: Failures | None = None
    scaling: Scaling | None = None
    until_s: float = 0.0


class Happened(NamedTuple):
    """What the cards did beside working, in sum.

    Attributes:
        starts: cards switched on by demand.
        failed, down_s: failures of cards that were on, and the seconds until they were back.
        again, sent: images a failing card lost that cards of ours made again, and that went elsewhere.
        switches, switch_s: loadings of another fine-tune.
        late: images whose deadline passed while they waited for a card.
        cold, cold_s: calls that waited for a card to start, and how long all of them did.
    """

    starts: float
    failed: float
    down_s: float
    again: float
    sent: float
    switches: float
    switch_s: float
    late: float
    cold: float
    cold_s: float


def nothing_happened() -> Array:
    """Zeros for every field of `Happened`, to be counted up."""
    return np.zeros(len(Happened._fields))
