"""What stands in for the outside: cards that work first come, first served, and vendors that take their usual time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from router.attempts import Kind
from router.backends.protocol import Reply, Trouble
from router.options import TRAVEL_S

from .asked import week_hour

if TYPE_CHECKING:
    from router.own_gpus import OwnGpus
    from router.ranking import Candidate
    from router.settings import BackendSettings, Settings

    from .asked import Asked

__all__ = ["Called", "Faults", "World"]

_Z95 = 1.6448536269514722
_OK = Reply(Kind.OK, possibly_billed=True)
_FAILED = Reply(Kind.FAILED, trouble=Trouble.OUTAGE, code="http_503")
_OFF = Reply(Kind.NOT_STARTED, trouble=Trouble.BUSY, code="off")


@dataclass(frozen=True)
class Faults:
    """What goes wrong outside; nothing, where nobody says otherwise.

    Attributes:
        failed_share: of hosted calls that end in an error that is not billed.
        steady: vendors always take their median time.
        own_cv: coefficient of variation of a card's time around the law's median, where a trace says none.
    """

    failed_share: float = 0.0
    own_cv: float = 0.0
    steady: bool = False


class Called(NamedTuple):
    """What comes of a call: when it ends, in seconds since 1970, with what, and how long it waited for a card."""

    ends_at: float
    reply: Reply
    waited_s: float


class World:
    """Cards and vendors, drawn from a seed."""

    def __init__(self, settings: Settings, *, faults: Faults, seed: int) -> None:
        self._random, self._faults = random.Random(seed), faults
        self._cards = {one.name: _Cards(one, one.own) for one in settings.backends if one.own is not None}
        self._own_sigma = math.sqrt(math.log1p(faults.own_cv**2))

    def call(self, candidate: Candidate, *, n: int, asked: Asked, at: float) -> Called:
        """One call, sent now.

        Args:
            candidate: where to.
            n: images of the call.
            asked: the request it is for.
            at: seconds since 1970.
        """
        cards = self._cards.get(candidate.backend)
        if cards is not None:
            return cards.take(self._own_s(candidate, n, asked), at)
        if self._faults.failed_share and self._random.random() < self._faults.failed_share:
            return Called(at + 1.0, _FAILED, 0.0)
        seconds = candidate.p50_s
        if not self._faults.steady and candidate.p95_s > seconds:
            seconds *= math.exp(self._random.gauss(0.0, math.log(candidate.p95_s / seconds) / _Z95))
        return Called(at + seconds, _OK, 0.0)

    def hours_worked(self, backend: str) -> float:
        """GPU-hours the cards of a backend have worked."""
        return self._cards[backend].worked_s / 3600

    def _own_s(self, candidate: Candidate, n: int, asked: Asked) -> float:
        if asked.own_s is not None:
            return asked.own_s * n / asked.request.n
        noise = math.exp(self._random.gauss(0.0, self._own_sigma) - self._own_sigma**2 / 2) if self._own_sigma else 1.0
        return (candidate.p50_s - TRAVEL_S) * n * noise


class _Cards:
    """The cards of one backend; who comes next takes the card that is free first among those that are on."""

    def __init__(self, settings: BackendSettings, own: OwnGpus) -> None:
        self._own, self._free = own, [0.0] * own.cards
        self.worked_s, self.name = 0.0, settings.name

    def take(self, seconds: float, at: float) -> Called:
        cards = self._own.cards_at(week_hour(at))
        if not cards:
            return Called(at, _OFF, 0.0)
        free = self._free
        soonest = min(free) if cards == len(free) else min(free[:cards])
        begun = max(at, soonest)
        free[free.index(soonest)] = begun + seconds
        self.worked_s += seconds
        return Called(begun + seconds + TRAVEL_S, _OK, begun - at)
