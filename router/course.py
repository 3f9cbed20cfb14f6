"""From a decision to a request's life: which legs its flow has, for whoever drives it, live or in a replay."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .flow import MOST_PAID, End, FlowRules, Leg, flow

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from decimal import Decimal

    from .attempts import Attempt, Outcome
    from .decide import Decision
    from .options import Option
    from .ranking import Candidate
    from .states import BackendState

__all__ = ["Legs", "course_of", "placed_part"]


def placed_part(decision: Decision, *, n: int, states: Callable[[], Mapping[str, BackendState]], now: float) -> (
        Decision):
    """Where a part of a request's images goes: as decided for all, or image by image behind those placed before.

    Args:
        decision: of the whole request.
        n: images of the part.
        states: the backends now; asked for only where the policy lets single images overflow.
        now: monotonic seconds.
    """
    if decision.segment.overflow_by == "request" or n == decision.request.n:
        return decision
    placed = decision.placed(states(), now=now, n=n)
    return decision if placed.choice is None else placed


class Legs:
    """The options that may make `n` images in one call, best first, and the steps down behind them.

    They are looked at as the flow asks for them, most often the first one or two.
    """

    def __init__(self, decision: Decision, *, n: int) -> None:
        self._decision, self._n = decision, n
        self._seen: dict[Option, Candidate] = {}

    def __iter__(self) -> Iterator[Candidate]:
        """Each of them."""
        for some in (self._decision.each, self._decision.steps_down):
            for candidate in some():
                if candidate.option.most_images >= self._n:
                    self._seen[candidate.option] = candidate
                    yield candidate

    def __getitem__(self, option: Option) -> Candidate:
        """One that was seen."""
        return self._seen[option]


def course_of(decision: Decision, legs: Legs, *, reserve_usd: Callable[[Option], Decimal], n: int,
              most_paid: int = MOST_PAID) -> Generator[Attempt, Outcome, End]:
    """The flow of `n` images over the legs.

    Args:
        decision: what was decided.
        legs: of the same decision.
        reserve_usd: worst case of an option's images; asked for when money is set aside.
        n: images.
        most_paid: attempts that may be paid for.
    """
    return flow((Leg(candidate.option, candidate.backend, candidate.p95_s, partial(reserve_usd, candidate.option),
                     candidate.step) for candidate in legs),
                FlowRules(decision.deadline_s, decision.segment.on_refusal, decision.segment.at_limit, most_paid), n=n)
