"""A scenario's work as the router sees it: one stream of like requests for each segment, and what each may cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.case import Case  # noqa: TC001 (kept on the value)
from planner.errors import PlannerError
from planner.fleet import WEEK_H, Work
from planner.replay.money import Money
from router.adopting.traffic import RecordedRequest
from router.decide import compile_policy, decide
from router.delivery import parts_of
from router.moment_rules import last_moment_s
from router.options import TRAVEL_S, Catalogue, options_of
from router.pictures import Picture
from router.states import States

from .demand import shapes_of
from .documents import KEPT, planned_policy, planned_settings, policy_document, settings_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.drawing import Month
    from planner.scenario import Segment
    from planner.traffic import Promise, Shape
    from router.decide import Compiled
    from router.ranking import Candidate
    from router.settings import Settings

    from .documents import Rules

__all__ = ["Planned", "Stream", "compiled_for", "month_work", "request_of", "streams_of"]

_PROBE_IMAGES = 4


@dataclass(frozen=True)
class Stream:
    """Like requests.

    Attributes:
        images_per_month: asked of whoever makes them: `again` times today's, where fewer are accepted than today.
        hosted_again: images asked of others for each that is asked of our cards, so that as many are accepted.
        own: whether cards of ours may make it; `why_not` says what speaks against it.
        leaves: whether somebody else may.
        seconds: of a card for one image; its 95th percentile is `own_p95_s`, travel included.
        call_images: images the router puts into one call to our cards.
        usd, hosted: of one image elsewhere, and by which option; that option's time is `hosted_p50_s`, `hosted_p95_s`.
        own_usd: of one own image beyond what its card costs anyway.
        patience_s: how long work that can wait waits for an idle card.
    """

    segment: str
    can_wait: bool
    images_per_month: float
    again: float
    hosted_again: float
    shape: Shape
    promise: Promise
    request: RecordedRequest
    own: bool
    why_not: str
    leaves: bool
    seconds: float
    own_p95_s: float
    call_images: int
    own_usd: float
    usd: float
    hosted: str
    hosted_p50_s: float
    hosted_p95_s: float
    patience_s: float


@dataclass(frozen=True)
class Planned:
    """A scenario made ready for planning."""

    case: Case
    vendors: tuple[str, ...]
    streams: tuple[Stream, ...]


def streams_of(case: Case, rules: Rules, *, vendors: Sequence[str], ahead_months: float = 0.0) -> Planned:
    """Every stream with a volume, priced and timed by the router's own decision.

    Args:
        case: scenario and tables.
        rules: of the policy that is planned.
        vendors: hosted vendors with an account.
        ahead_months: months of growth from the scenario's volumes.

    Raises:
        PlannerError: a stream that nobody may make; no volume at all.
    """
    both = tuple(compiled_for(case, rules, cards=[on] * WEEK_H, vendors=vendors, tiers={})[0] for on in (1, 0))
    if not any(not option.backend.is_own for option in both[1].catalogue.options):
        raise PlannerError(f"{case.on}: no price of {', '.join(vendors)} is known on that day; give a later --on, or "
                           "rows with --data")
    shapes = shapes_of(case)
    made = []
    for segment in case.scenario.segment:
        traffic = segment.traffic or case.scenario.traffic
        grown = segment.volume * (1 + traffic.growth_share_per_month) ** ahead_months
        for name, can_wait, images in _parts(segment, grown):
            if images > 0:
                made.append(_stream(case, both, request_of(segment, name, can_wait=can_wait), images=images,
                                    shape=shapes[segment.name]))
    if not made:
        raise PlannerError("no segment has a volume above 0; give images_per_month")
    return Planned(case, tuple(vendors), tuple(made))


def compiled_for(case: Case, rules: Rules, *, cards: Sequence[int], vendors: Sequence[str], tiers: dict[str, str]) -> (
        tuple[Compiled, Settings]):
    """The planned policy over the planned backends, as the router compiles it."""
    settings = planned_settings(case, settings_document(case, cards, vendors=vendors, tiers=tiers))
    book = case.book
    catalogue = Catalogue(options_of(settings.backends, book.models, prices=book.prices, on=case.on), book.models,
                          book.prices, book.law)
    return compile_policy(planned_policy(policy_document(case, rules)), catalogue, on=case.on), settings


def request_of(segment: Segment, name: str, *, can_wait: bool) -> RecordedRequest:
    """A stand-in for a stream's requests, of one image."""
    references = tuple(Picture(b"", is_base64=False, format="png", size=size) for size in segment.references)
    return RecordedRequest(
        "." * max(1, 4 * segment.prompt_tokens), operation="edit" if references else "generate", size=segment.size,
        references=references, segment=name, data_class=segment.data_class,
        urgency="can_wait" if can_wait else "now", stated_words=segment.text_words)


def month_work(planned: Planned, month: Month, *, rules: Rules) -> Work:
    """A drawn month as work for a fleet."""
    streams = planned.streams

    def each(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.asarray(values, dtype=np.float64)[month.stream]

    leaves = each([one.leaves for one in streams]) > 0
    limits = [rules.most_wait_s.get(one.segment, np.inf) if one.leaves else _deadline(planned.case, rules, one)
              for one in streams]
    return Work(month.at, month.images, each([one.seconds for one in streams]),
                each([one.call_images for one in streams]).astype(np.int64), each([one.own for one in streams]) > 0,
                leaves, each([one.can_wait for one in streams]) > 0, each([one.patience_s for one in streams]),
                each(limits))


def _deadline(case: Case, rules: Rules, stream: Stream) -> float:
    """The longest queue at which what may go nowhere else is still taken."""
    segment = policy_document(case, rules)["segment"][stream.segment]
    return float(segment["deadline_s"]) - stream.own_p95_s


def _parts(segment: Segment, volume: float) -> list[tuple[str, bool, float]]:
    moving = volume * segment.movable_share
    return [(segment.name, False, moving * (1 - segment.deferrable_share)),
            (segment.name, True, moving * segment.deferrable_share),
            (segment.name + KEPT, False, volume - moving)]


def _stream(case: Case, both: tuple[Compiled, ...], request: RecordedRequest, *, images: float, shape: Shape) -> Stream:
    """`both` are the policy with own cards, and without any."""
    segment = next(one for one in case.scenario.segment if one.name == request.segment.removesuffix(KEPT))
    patience = 2 * 86_400.0 if request.urgency == "can_wait" else None
    asked = replace(request, deadline_s=patience)
    compiled, hosted = both
    plain, away = (decide(each, asked, states=States(), now=0.0) for each in (compiled, hosted))
    mine = next((one for one in plain.ranked if one.option.backend.is_own), None)
    kept = plain.choice is not None and mine is plain.choice
    other = away.choice
    if mine is None and other is None:
        if segment.data_class == "restricted" and segment.movable_share < 1:
            raise PlannerError(f"segment {segment.name}: restricted work stays on own cards, and movable_share = "
                               f"{segment.movable_share:g} keeps a part with {segment.today.model}; give 1, or another "
                               "data_class")
        raise PlannerError(f"segment {request.segment}: nobody may make it: " + "; ".join(
            f"{option.label} {verdict}" for option, verdict, _ in plain.verdicts()[:4]))
    several = decide(compiled, replace(asked, n=_PROBE_IMAGES), states=States(), now=0.0)
    own = mine is not None and (kept or other is None)
    again, hosted_again = _again(case, segment, mine=mine if own else None, other=other)
    return Stream(
        request.segment, request.urgency == "can_wait", images * again, again, hosted_again, shape,
        segment.promise or case.scenario.promise, request, own,
        "" if mine is not None else _why_not(plain), other is not None,
        mine.p50_s - TRAVEL_S if mine else 0.0, mine.p95_s if mine else 0.0, max(parts_of(several), default=1),
        Money(plain, n=1).of(mine.option).quoted_micro / 1e6 if mine else 0.0,
        Money(away, n=1).of(other.option).quoted_micro / 1e6 if other else 0.0, other.option.label if other else "",
        other.p50_s if other else 0.0, other.p95_s if other else 0.0,
        0.0 if patience is None else _patience(patience, other))


def _again(case: Case, segment: Segment, *, mine: Candidate | None, other: Candidate | None) -> tuple[float, float]:
    """Images asked for each of today's by who makes most of them, and of others for each of those."""
    today = segment.today.acceptance_share
    times = [today / case.acceptance_share(one.option.card.id, segment) for one in (mine, other) if one is not None]
    return times[0], times[-1] / times[0]


def _why_not(decision: object) -> str:
    verdicts = decision.verdicts()  # type: ignore[attr-defined]
    return next((str(verdict) for option, verdict, _ in verdicts if option.backend.is_own), "no own card")


def _patience(patience_s: float, other: Candidate | None) -> float:
    """Until the router buys elsewhere what waited for an idle card."""
    return patience_s if other is None else max(0.0, patience_s - last_moment_s(other))
