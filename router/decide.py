"""Where a request may go, and where it goes: every option with its verdict, the cheapest accepted image first. Pure.

The time-free half of the verdicts is folded once per class of request; what depends on the moment is looked at anew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from .acceptance import Acceptance
from .errors import BadRequest, OutOfReach, PriceError
from .names import find_named
from .option_rules import Asked, first_refusal, quality_step
from .quantities import micro_usd
from .states import IDLE
from .verdicts import Reason, Verdict, allowed, refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from decimal import Decimal

    from .options import Catalogue, Option
    from .policy import Policy, SegmentPolicy
    from .prices import Quote
    from .quantities import Size
    from .request import ImageRequest
    from .states import BackendState, States

__all__ = ["Candidate", "Compiled", "Decision", "compile_policy", "decide", "verdict_now"]

_CLASSES_KEPT = 4096


@dataclass(frozen=True, eq=False)
class Candidate:
    """An option that no time-free rule speaks against, for one class of request.

    Attributes:
        usd_per_image: list price of one image, or the power of an own one; without the prompt's own tokens.
        usd_per_accepted: that over the share of images people accept; `acceptance` says where that comes from.
        step: how far down its quality ladder it stands.
        p50_s, p95_s: of one call, without waiting.
        images: of one call.
    """

    option: Option
    usd_per_image: Decimal
    usd_per_accepted: float
    acceptance: str
    step: int
    p50_s: float
    p95_s: float
    images: int
    quote: Quote | None
    backend: str
    usd_micro: int


@dataclass(frozen=True, eq=False)
class _Folded:
    """What is known of a class of requests before the clock is looked at."""

    segment: SegmentPolicy
    size: Size
    ranked: tuple[Candidate, ...]
    refusals: Mapping[str, Verdict]


class Compiled:
    """A policy over a catalogue on a day. Values only, but for the memory of folded classes.

    Attributes:
        digest: of the policy.
        on: the day it prices for.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, on: date, acceptance: Acceptance) -> None:
        self.policy, self.catalogue, self.on, self.digest = policy, catalogue, on, policy.digest
        self.acceptance = acceptance
        self._classes: OrderedDict[tuple[object, ...], _Folded] = OrderedDict()
        self._lock = Lock()

    def folded(self, request: ImageRequest) -> _Folded:
        """The time-free half for a request's class, made on first sight.

        Raises:
            BadRequest: the model asked for means nothing here.
        """
        known = self._classes.get(request.request_class)
        if known is None:
            known = _fold(self, request)
            with self._lock:
                self._classes[request.request_class] = known
                while len(self._classes) > _CLASSES_KEPT:
                    self._classes.popitem(last=False)
        return known


class Decision:
    """What was decided for a request.

    Attributes:
        choice: where it goes; None where no option may make it now.
        at: monotonic seconds of the decision.
        deadline_s: seconds from acceptance to the answer.
        stepped_down: the choice stands lower on its ladder than the policy's first choice, for want of budget.
    """

    __slots__ = ("_folded", "_states", "at", "choice", "compiled", "deadline_s", "request", "stepped_down")

    def __init__(self, compiled: Compiled, request: ImageRequest, folded: _Folded, states: States, now: float) -> None:
        self.compiled, self.request, self.at = compiled, request, now
        self._folded, self._states = folded, states
        self.deadline_s = request.deadline_s or folded.segment.deadline_s
        self.choice = next(self._open(), None)
        self.stepped_down = self.choice is not None and self.choice.step > 0

    @property
    def segment(self) -> SegmentPolicy:
        """The treatment it gets."""
        return self._folded.segment

    @property
    def size(self) -> Size:
        """The size, `auto` resolved."""
        return self._folded.size

    def candidates(self) -> tuple[Candidate, ...]:
        """The choice, then where a failed attempt may go: the allowed ones in order, as the policy's fallbacks say."""
        if self.choice is None:
            return ()
        chosen = self.choice
        fallbacks = self.compiled.policy.fallbacks
        named = fallbacks.get(chosen.option.label, fallbacks.get(chosen.option.card.id))
        rest = [candidate for candidate in self._open() if candidate is not chosen]
        if named is not None:
            rest = [candidate for name in named for candidate in rest
                    if name in (candidate.option.label, candidate.option.card.id)]
        return (chosen, *rest)

    def verdicts(self) -> tuple[tuple[Option, Verdict, Candidate | None], ...]:
        """Every option with its verdict, the allowed ones first and in order; made when it is read."""
        ranked = [(candidate, self._verdict(candidate)) for candidate in self._folded.ranked]
        allowed_first = sorted(ranked, key=lambda pair: pair[1].reason is not None)
        seen = [(candidate.option, verdict, candidate) for candidate, verdict in allowed_first]
        lowest = max((candidate.step for candidate in self.candidates()), default=0)
        lower = Verdict(Reason.LOWER_STEP)
        seen = [(option, lower if verdict.reason is None and candidate.step > lowest else verdict, candidate)
                for option, verdict, candidate in seen]
        refusals = self._folded.refusals
        return (*seen, *((option, refusals[option.label], None) for option in self.compiled.catalogue.options
                         if option.label in refusals))

    def _open(self) -> Iterator[Candidate]:
        """Candidates nothing speaks against now; lower steps only where the budget forbade every upper one."""
        lowest = 0
        for candidate in self._folded.ranked:
            if candidate.step > lowest:
                if not self._may_step_down(candidate.step):
                    return
                lowest = candidate.step
            if self._verdict(candidate).reason is None:
                yield candidate

    def _may_step_down(self, step: int) -> bool:
        if self.segment.at_limit != "downgrade":
            return False
        above = [self._verdict(candidate).reason for candidate in self._folded.ranked if candidate.step < step]
        return all(reason is not None for reason in above) and any(
            reason in (Reason.BUDGET, Reason.MAX_USD) for reason in above)

    def _verdict(self, candidate: Candidate) -> Verdict:
        return verdict_now(candidate, self.request, states=self._states, now=self.at, deadline_s=self.deadline_s)


def compile_policy(policy: Policy, catalogue: Catalogue, *, on: date, acceptance: Acceptance | None = None) -> Compiled:
    """A policy made ready for a catalogue, a price day and what is known of acceptance; to be kept and asked often."""
    return Compiled(policy, catalogue, on, acceptance or Acceptance())


def decide(compiled: Compiled, request: ImageRequest, *, states: States, now: float) -> Decision:
    """Where a request goes.

    Args:
        compiled: policy, catalogue and price day.
        request: what is asked.
        states: the backends at this moment, and what is left of the budget.
        now: monotonic seconds.

    Raises:
        BadRequest: the model asked for means nothing here.
    """
    return Decision(compiled, request, compiled.folded(request), states, now)


def verdict_now(candidate: Candidate, request: ImageRequest, *, states: States, now: float,
                deadline_s: float) -> Verdict:
    """What speaks against a candidate at this moment: breaker, limits, time, money; the first of them."""
    state = states.backends.get(candidate.backend, IDLE)
    if state.closed_until > now:
        return refused(Reason.CLOSED, asked=state.why_closed, limit=state.closed_until - now)
    full = _is_full(candidate, request, state)
    if full is not None:
        return full
    predicted = state.queued_s + candidate.p95_s
    if predicted > deadline_s:
        return refused(Reason.DEADLINE, asked=predicted, limit=deadline_s)
    micro = candidate.usd_micro * request.n
    if request.max_usd is not None and candidate.usd_per_image * request.n > request.max_usd:
        return refused(Reason.MAX_USD, asked=candidate.usd_per_image * request.n, limit=request.max_usd)
    if states.left_micro_usd is not None and micro > states.left_micro_usd:
        return refused(Reason.BUDGET, asked=micro / 1e6, limit=states.left_micro_usd / 1e6)
    return _ALLOWED


_ALLOWED = allowed()


def _is_full(candidate: Candidate, request: ImageRequest, state: BackendState) -> Verdict | None:
    if state.images_left is not None and request.n > state.images_left:
        return refused(Reason.RATE, asked=request.n, limit=state.images_left)
    concurrent = candidate.option.backend.concurrent
    if concurrent is not None and state.in_flight >= concurrent and not candidate.option.backend.is_own:
        return refused(Reason.CONCURRENT, asked=state.in_flight, limit=concurrent)
    return None


def _fold(compiled: Compiled, request: ImageRequest) -> _Folded:
    segment = compiled.policy.segment(request.segment)
    asked = Asked(request, compiled.policy, segment, request.size or segment.size, _wanted(compiled, request.model))
    ranked: list[Candidate] = []
    refusals: dict[str, Verdict] = {}
    for option in compiled.catalogue.options:
        verdict = first_refusal(asked, option)
        made = _candidate(compiled, asked, option) if verdict.reason is None else verdict
        if isinstance(made, Candidate):
            ranked.append(made)
        else:
            refusals[option.label] = made
    ranked.sort(key=lambda candidate: (candidate.step, candidate.usd_per_accepted, candidate.option.label))
    return _Folded(segment, asked.size, tuple(ranked), refusals)


def _candidate(compiled: Compiled, asked: Asked, option: Option) -> Candidate | Verdict:
    catalogue, request = compiled.catalogue, asked.request
    try:
        usd, quoted = catalogue.price(option, request, size=asked.size, on=compiled.on)
        seconds = catalogue.seconds(option, request, size=asked.size)
    except PriceError as error:
        return refused(Reason.NO_PRICE, asked=str(error))
    except OutOfReach as error:
        return refused(Reason.NO_TIME, asked=str(error))
    accepted = compiled.acceptance.of(asked.segment, option)
    return Candidate(option, usd, float(usd) / accepted.share, accepted.label, quality_step(asked, option),
                     seconds.p50, seconds.p95, min(request.n, option.most_images), quoted, option.backend.name,
                     micro_usd(usd))


def _wanted(compiled: Compiled, name: str) -> frozenset[str] | None:
    """Labels of the options a name means: an option, an offer, a backend's or anybody's model; None for auto."""
    if name in ("", "auto"):
        return None
    options = compiled.catalogue.options
    exact = frozenset(option.label for option in options
                      if name in (option.label, option.label.partition("@")[0], option.model, option.wire_model))
    if exact:
        return exact
    try:
        card = find_named(name, compiled.catalogue.models.cards.values(), kind="model")
    except OutOfReach as error:
        raise BadRequest(str(error), param="model", code="model_not_found") from None
    found = frozenset(option.label for option in options if option.card.id == card.id)
    if not found:
        raise BadRequest(f"model = {name!r}: no backend here makes it; ask auto, or one of "
                         f"{', '.join(sorted({option.card.id for option in options}))}", param="model",
                         code="model_not_found")
    return found

