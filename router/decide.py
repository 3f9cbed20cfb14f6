"""Where a request may go, and where it goes: every option with its verdict, the cheapest accepted image first. Pure.

The time-free half of the verdicts is folded once per class of request; what depends on the moment is looked at anew.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from .acceptance import Acceptance
from .meaning import options_meant
from .moment_rules import Moment, last_moment_s, may_buy, verdict_now
from .option_rules import Asked, RuleMemory, first_refusal
from .ranking import Candidate, Ranked, Shelf
from .verdicts import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from .options import Catalogue, Option
    from .policy import Policy, SegmentPolicy
    from .quantities import Size
    from .request import ImageRequest
    from .states import BackendState, States

__all__ = ["Compiled", "Decision", "compile_policy", "decide"]

_CLASSES_KEPT, _MOMENTS_KEPT = 4096, 16


class _Folded:
    """What is known of a class of requests before the clock is looked at."""

    __slots__ = ("_codes", "_refusals", "asked", "ranked")

    def __init__(self, asked: Asked, ranked: Ranked) -> None:
        self.asked, self.ranked = asked, ranked
        self._refusals: dict[str, Verdict] | None = None
        self._codes: dict[tuple[object, ...], str] = {}

    def codes(self, reasons: tuple[Reason | None, ...], *, lowest: int, catalogue: Catalogue) -> str:
        """A code per option where `reasons` speak against the ranked ones now; made once while nothing changes."""
        known = self._codes.get((lowest, reasons))
        if known is None:
            now = sorted(zip(self.ranked.all(), reasons, strict=True), key=lambda pair: pair[1] is not None)
            told = [(one.option.label, Reason.LOWER_STEP if reason is None and one.step > lowest else reason)
                    for one, reason in now]
            refusals = self.refusals(catalogue)
            told += [(option.label, refusals[option.label].reason) for option in catalogue.options
                     if option.label in refusals]
            if len(self._codes) >= _MOMENTS_KEPT:
                self._codes.clear()
            known = self._codes[lowest, reasons] = " ".join(
                f"{label}:{'ok' if reason is None else reason.name.lower()}" for label, reason in told)
        return known

    def refusals(self, catalogue: Catalogue) -> dict[str, Verdict]:
        """Why the options that are not ranked are not, by label; worked out when somebody reads it."""
        if self._refusals is None:
            ranked = {candidate.option.label for candidate in self.ranked.all()}
            self._refusals = {option.label: self._refusal(option) for option in catalogue.options
                              if option.label not in ranked}
        return self._refusals

    def _refusal(self, option: Option) -> Verdict:
        verdict = first_refusal(self.asked, option)
        return self.ranked.unpriced(option) if verdict.reason is None else verdict


class Compiled:
    """A policy over a catalogue on a day. Values only, but for the memory of what was worked out once.

    Attributes:
        digest: of the policy.
        on: the day it prices for.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, on: date, acceptance: Acceptance) -> None:
        self.policy, self.catalogue, self.on, self.digest = policy, catalogue, on, policy.digest
        self.acceptance = acceptance
        options = tuple(sorted(catalogue.options, key=lambda option: option.label))
        self._rules, self._shelf = RuleMemory(options), Shelf(options, catalogue, on, acceptance)
        self._wanted: dict[str, frozenset[str] | None] = {"": None, "auto": None}
        self._classes: OrderedDict[tuple[object, ...], _Folded] = OrderedDict()
        self._lock = Lock()

    def folded(self, request: ImageRequest) -> _Folded:
        """The time-free half for a request's class, made on first sight.

        Raises:
            BadRequest: the model asked for means nothing here.
        """
        known = self._classes.get(request.request_class)
        if known is None:
            known = self._fold(request)
            with self._lock:
                self._classes[request.request_class] = known
                while len(self._classes) > _CLASSES_KEPT:
                    self._classes.popitem(last=False)
        return known

    def _fold(self, request: ImageRequest) -> _Folded:
        segment = self.policy.segment(request.segment)
        if request.model not in self._wanted:
            if len(self._wanted) >= _CLASSES_KEPT:
                self._wanted = {"": None, "auto": None}
            self._wanted[request.model] = options_meant(self.catalogue, request.model)
        asked = Asked(request, self.policy, segment, request.size or segment.size, self._wanted[request.model])
        return _Folded(asked, self._shelf.ranked(asked, refused=self._rules.refused(asked)))


class Decision:
    """What was decided for a request.

    Attributes:
        choice: where it goes; None where no option may make it now.
        at: monotonic seconds of the decision.
        deadline_s: seconds from acceptance to the answer.
        waits: it waits for idle cards of ours, and is bought elsewhere when `at_last_s` seconds are left.
        stepped_down: the choice stands lower on its ladder than the policy's first choice, for want of budget.
    """

    __slots__ = ("_folded", "_found", "_moment", "_open_now", "at", "at_last_s", "choice", "compiled", "deadline_s",
                 "request", "stepped_down", "waits")

    def __init__(self, compiled: Compiled, request: ImageRequest, folded: _Folded, moment: Moment) -> None:
        self.compiled, self.request, self.at = compiled, request, moment.now
        self._folded, self._moment, self.deadline_s = folded, moment, moment.deadline_s
        self.waits = request.urgency == "can_wait" and any(
            self._now(candidate).reason in (Reason.NOT_IDLE, Reason.OFF) for candidate in folded.ranked.all())
        self.at_last_s = self._last_moment_s() if self.waits else 0.0
        rest = self._open()
        self.choice = next(rest, None)
        self._found = [] if self.choice is None else [self.choice]
        self._open_now = rest if self.choice is None else iter(self._others(self.choice, rest))
        self.stepped_down = self.choice is not None and self.choice.step > 0

    @property
    def segment(self) -> SegmentPolicy:
        """The treatment it gets."""
        return self._folded.asked.segment

    @property
    def size(self) -> Size:
        """The size, `auto` resolved."""
        return self._folded.asked.size

    @property
    def has_own(self) -> bool:
        """Whether cards of ours may make it, by the rules that know no hour."""
        return any(candidate.option.backend.is_own for candidate in self.ranked)

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """Every candidate no rule that knows no hour speaks against, whatever speaks against it now."""
        return self._folded.ranked.all()

    def placed(self, backends: Mapping[str, BackendState], *, now: float, n: int) -> Decision:
        """The same for some of its images, at a later moment."""
        moment = self._moment._replace(states=self._moment.states._replace(backends=backends), now=now, n=n)
        return Decision(self.compiled, self.request, self._folded, moment)

    def candidates(self) -> tuple[Candidate, ...]:
        """The choice, then where a failed attempt may go: the allowed ones in order, as the policy's fallbacks say."""
        return tuple(self.each())

    def each(self) -> Iterator[Candidate]:
        """The candidates one by one: what nobody asks for is not looked at."""
        at = 0
        while (candidate := self.candidate(at)) is not None:
            yield candidate
            at += 1

    def candidate(self, at: int) -> Candidate | None:
        """One of `each`, from 0; None behind the last."""
        while at >= len(self._found):
            if not self._finds_another():
                return None
        return self._found[at]

    def _finds_another(self) -> bool:
        candidate = next(self._open_now, None)
        if candidate is not None:
            self._found.append(candidate)
        return candidate is not None

    def _others(self, chosen: Candidate, rest: Iterator[Candidate]) -> Iterable[Candidate]:
        if chosen.option.is_batched and self.segment.after_batch == "stop":
            return ()
        fallbacks = self.compiled.policy.fallbacks
        named = fallbacks.get(chosen.option.label, fallbacks.get(chosen.option.card.id)) if fallbacks else None
        if named is None:
            return rest
        known = tuple(rest)
        return (candidate for name in named for candidate in known
                if name in (candidate.option.label, candidate.option.card.id))

    def verdicts(self) -> tuple[tuple[Option, Verdict, Candidate | None], ...]:
        """Every option with its verdict, the allowed ones first and in order; made when it is read."""
        ranked = [(candidate, self._verdict(candidate)) for candidate in self._folded.ranked.all()]
        allowed_first = sorted(ranked, key=lambda pair: pair[1].reason is not None)
        lowest, lower = self._lowest_step(), Verdict(Reason.LOWER_STEP)
        seen = [(candidate.option, lower if verdict.reason is None and candidate.step > lowest else verdict, candidate)
                for candidate, verdict in allowed_first]
        catalogue = self.compiled.catalogue
        refusals = self._folded.refusals(catalogue)
        return (*seen, *((option, refusals[option.label], None) for option in catalogue.options
                         if option.label in refusals))

    def codes(self) -> str:
        """One short code per option, the allowed ones first, as in `bfl/flux-2-pro:ok openai/gpt-image-2@low:text`."""
        reasons = tuple(self._verdict(candidate).reason for candidate in self._folded.ranked.all())
        return self._folded.codes(reasons, lowest=self._lowest_step(), catalogue=self.compiled.catalogue)

    def _open(self) -> Iterator[Candidate]:
        """Candidates nothing speaks against now; lower steps only where the budget forbade every upper one.

        Cards of ours with a longer queue than the policy likes come last.
        """
        ranked, late = self._folded.ranked, []
        for step in range(ranked.steps):
            if step and not self._may_step_down(step):
                break
            for candidate in ranked.at(step):
                reason = (self._verdict(candidate) if self.waits else verdict_now(candidate, self._moment)).reason
                if reason is None:
                    yield candidate
                elif reason is Reason.QUEUE:
                    late.append(candidate)
        yield from late

    def steps_down(self) -> tuple[Candidate, ...]:
        """Lower steps of the ladders, for a budget that turns out to be short when money is set aside."""
        if self.segment.at_limit != "downgrade":
            return ()
        ranked = self._folded.ranked
        return tuple(candidate for step in range(self._lowest_step() + 1, ranked.steps) for candidate in ranked.at(step)
                     if self._verdict(candidate).reason is None)

    def _lowest_step(self) -> int:
        steps = self._folded.ranked.steps
        return next((step - 1 for step in range(1, steps) if not self._may_step_down(step)), steps - 1)

    def _may_step_down(self, step: int) -> bool:
        if self.segment.at_limit != "downgrade":
            return False
        ranked = self._folded.ranked
        above = [self._verdict(candidate).reason for upper in range(step) for candidate in ranked.at(upper)]
        return all(reason is not None for reason in above) and any(
            reason in (Reason.BUDGET, Reason.MAX_USD) for reason in above)

    def _verdict(self, candidate: Candidate) -> Verdict:
        verdict = self._now(candidate)
        if not self.waits:
            return verdict
        return may_buy(candidate, verdict, deadline_s=self.deadline_s, at_last_s=self.at_last_s)

    def _last_moment_s(self) -> float:
        return next((last_moment_s(one) for one in self.ranked
                     if not one.option.backend.is_own and self._now(one).reason is None), 0.0)

    def _now(self, candidate: Candidate) -> Verdict:
        return verdict_now(candidate, self._moment)


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
    folded = compiled.folded(request)
    segment = folded.asked.segment
    return Decision(compiled, request, folded, Moment(request, states, now, request.deadline_s or segment.deadline_s,
                                                      segment.most_wait_s, request.n))
