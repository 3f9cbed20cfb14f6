"""A request on its way through a replay, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from router.attempts import Attempt, Outcome
    from router.course import Legs
    from router.flow import End
    from router.options import Option

    from .asked import Asked
    from .money import Money
    from .world import Called

__all__ = ["Ended", "Life", "Paid", "Part"]


class Ended(NamedTuple):
    """How a request ended.

    Attributes:
        number: of the request, from 0 in order of arrival.
        state: as in the books: `ok`, `partial`, `failed`, `timed_out`, `refused`, `no_budget`, or `rejected` where
            nothing was sent.
        why: of a request without all its images, one word.
        images: by option.
        usd_micro: of this request, late answers included.
        latency_s: from its arrival to its last image.
        waited_s: the longest wait for a card of ours.
    """

    number: int
    asked: Asked
    state: str
    why: str
    images: Mapping[str, int]
    usd_micro: int
    latency_s: float
    waited_s: float


class Paid(NamedTuple):
    """One attempt that was settled: whom, how many images came, and micro-dollars."""

    option: Option
    images: int
    usd_micro: int
    at: float


class Life:
    """One request on its way."""

    __slots__ = ("asked", "buys_at", "committed", "images", "left", "number", "state", "until", "waited_s", "why")

    def __init__(self, number: int, asked: Asked) -> None:
        self.number, self.asked = number, asked
        self.left, self.committed, self.buys_at = 0, 0, 0.0
        self.state, self.why, self.until, self.waited_s = "ok", "", asked.at, 0.0
        self.images: dict[str, int] = {}


class Part:
    """Images that one call makes."""

    __slots__ = ("calls", "flow", "legs", "life", "money", "n", "running")

    def __init__(self, life: Life, n: int, money: Money, legs: Legs) -> None:
        self.life, self.n, self.money, self.legs = life, n, money, legs
        self.flow: Generator[Attempt, Outcome, End]
        self.running: dict[int, Called] = {}
        self.calls: dict[int, Option] = {}
