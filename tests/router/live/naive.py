"""Deciding the slow way: nothing kept, every rule asked of every option, everything sorted; `decide` must equal it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.errors import OutOfReach, PriceError
from router.moment_rules import Moment, last_moment_s, may_buy, verdict_now
from router.names import find_named
from router.option_rules import Asked, first_refusal, quality_step
from router.options import Catalogue
from router.quantities import micro_usd
from router.ranking import Candidate
from router.verdicts import Reason

if TYPE_CHECKING:
    from router.decide import Compiled
    from router.options import Option
    from router.request import ImageRequest
    from router.states import States
    from router.verdicts import Verdict

MONEY = (Reason.BUDGET, Reason.MAX_USD)


@dataclass(frozen=True)
class Row:
    """One option as it stands: where it ranks, and what speaks against it."""

    option: Option
    verdict: Verdict
    step: int = 0
    usd_per_accepted: float = 0.0
    ranked: bool = False
    candidate: Candidate | None = None


def rows(compiled: Compiled, request: ImageRequest, states: States, now: float) -> list[Row]:
    """Every option, the ranked ones in order, then those a time-free rule refuses, as the catalogue has them."""
    segment = compiled.policy.segment(request.segment)
    asked = Asked(request, compiled.policy, segment, request.size or segment.size, wanted(compiled, request.model))
    made = [_row(compiled, asked, option, states, now) for option in compiled.catalogue.options]
    ranked = sorted((row for row in made if row.ranked),
                    key=lambda row: (row.step, row.usd_per_accepted, row.option.label))
    if request.urgency == "can_wait" and any(row.verdict.reason in (Reason.NOT_IDLE, Reason.OFF) for row in ranked):
        deadline_s = request.deadline_s or segment.deadline_s
        open_now = [row.candidate for row in ranked if row.candidate is not None and row.verdict.reason is None]
        at_last_s = next((last_moment_s(one) for one in open_now if not one.option.backend.is_own), 0.0)
        ranked = [replace(row, verdict=may_buy(row.candidate, row.verdict, deadline_s=deadline_s, at_last_s=at_last_s))
                  for row in ranked if row.candidate is not None]
    return ranked + [row for row in made if not row.ranked]


def reached(compiled: Compiled, segment: str, ranked: list[Row], step: int) -> bool:
    """Whether money alone forbade every step above."""
    above = [one.verdict.reason for one in ranked if one.step < step]
    return not step or (compiled.policy.segment(segment).at_limit == "downgrade" and all(above)
                        and any(reason in MONEY for reason in above))


def told(compiled: Compiled, request: ImageRequest, states: States, now: float) -> dict[str, Reason | None]:
    """The reason of every option; what nothing speaks against waits where its step is not reached."""
    known = rows(compiled, request, states, now)
    ranked = [row for row in known if row.ranked]
    return {row.option.label: Reason.LOWER_STEP if row.verdict.reason is None
            and not reached(compiled, request.segment, ranked, row.step) else row.verdict.reason for row in known}


def candidates(compiled: Compiled, request: ImageRequest, states: States, now: float) -> list[str]:
    """Labels of the choice and of where a failed attempt may go."""
    known = rows(compiled, request, states, now)
    ranked = [row for row in known if row.ranked]
    open_now = [row.option for row in ranked
                if row.verdict.reason is None and reached(compiled, request.segment, ranked, row.step)]
    if not open_now:
        return []
    choice, rest = open_now[0], open_now[1:]
    fallbacks = compiled.policy.fallbacks
    named = fallbacks.get(choice.label, fallbacks.get(choice.card.id))
    if named is not None:
        rest = [option for name in named for option in rest if name in (option.label, option.card.id)]
    return [choice.label, *(option.label for option in rest)]


def wanted(compiled: Compiled, name: str) -> frozenset[str] | None:
    if name in ("", "auto"):
        return None
    options = compiled.catalogue.options
    exact = {option.label for option in options
             if name in (option.label, option.label.split("@")[0], option.model, option.wire_model)}
    if exact:
        return frozenset(exact)
    card = find_named(name, compiled.catalogue.models.cards.values(), kind="model")
    return frozenset(option.label for option in options if option.card.id == card.id)


def _row(compiled: Compiled, asked: Asked, option: Option, states: States, now: float) -> Row:
    verdict = first_refusal(asked, option)
    if verdict.reason is not None:
        return Row(option, verdict)
    known = compiled.catalogue
    fresh = Catalogue(known.options, known.models, known.prices, known.law)
    try:
        usd, quoted = fresh.price(option, asked.request, size=asked.size, on=compiled.on)
        seconds = fresh.seconds(option, asked.request, size=asked.size)
    except PriceError:
        return Row(option, replace(verdict, reason=Reason.NO_PRICE))
    except OutOfReach:
        return Row(option, replace(verdict, reason=Reason.NO_TIME))
    stated = asked.segment.accepted_share.get(option.card.id)
    candidate = Candidate(option, quality_step(asked, option), option.backend.name, usd, micro_usd(usd),
                          float(usd) / (stated or 1.0), "stated" if stated else "assumed", seconds.p50,
                          seconds.p95, quoted)
    deadline_s = asked.request.deadline_s or asked.segment.deadline_s
    verdict = verdict_now(candidate, Moment(asked.request, states, now, deadline_s, asked.segment.most_wait_s,
                                            asked.request.n))
    return Row(option, verdict, candidate.step, candidate.usd_per_accepted, ranked=True, candidate=candidate)
