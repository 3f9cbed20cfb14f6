"""From a decision to a request's life: which legs its flow has, for whoever drives it, live or in a replay."""

from __future__ import annotations

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

    __slots__ = ("_decision", "_n", "_seen")

    def __init__(self, decision: Decision, *, n: int) -> None:
        self._decision, self._n = decision, n
        self._seen: dict[Option, Candidate] = {}

    def each(self, reserve_usd: Callable[[Option], Decimal]) -> Iterator[Leg]:
        """One by one; what is set aside for one is asked when money is."""
        decision, at = self._decision, 0
        while (candidate := decision.candidate(at)) is not None:
            at += 1
            if candidate.option.most_images >= self._n:
                yield self._leg(candidate, reserve_usd)
        for candidate in decision.steps_down():
            if candidate.option.most_images >= self._n:
                yield self._leg(candidate, reserve_usd)

    def _leg(self, candidate: Candidate, reserve_usd: Callable[[Option], Decimal]) -> Leg:
        self._seen[candidate.option] = candidate
        return Leg(candidate.option, candidate.backend, candidate.p95_s, reserve_usd, candidate.step)

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
    segment = decision.segment
    return flow(legs.each(reserve_usd), FlowRules(decision.deadline_s, segment.on_refusal, segment.at_limit, most_paid),
                n=n)
