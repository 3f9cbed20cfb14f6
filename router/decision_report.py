"""A decision for a person and as a document: every option, allowed or not, with its reason and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .decide import Decision
    from .options import Option
    from .ranking import Candidate
    from .verdicts import Verdict

__all__ = ["decision_json", "decision_lines"]

_AN_HOUR_S = 3600.0


def decision_json(decision: Decision) -> dict[str, Any]:
    """The decision as a document; amounts are text in US dollars."""
    choice = decision.choice
    brief = decision.request.brief
    return {
        "choice": choice.option.label if choice else None,
        "backend": choice.backend if choice else None,
        "model": choice.option.card.id if choice else None,
        "quality": choice.option.quality or None if choice else None,
        "simulated": choice.option.backend.simulated if choice else None,
        "size": str(decision.size),
        "usd_per_image": str(choice.usd_per_image) if choice else None,
        "segment": decision.segment.name,
        "deadline_s": decision.deadline_s,
        "stepped_down": decision.stepped_down,
        "policy": {"name": decision.compiled.policy.name, "digest": decision.compiled.digest},
        "prices_of": decision.compiled.on.isoformat(),
        "brief": {"needs_text": brief.needs_text, "rendered_words": brief.rendered_words},
        "fallbacks": [candidate.option.label for candidate in decision.candidates()[1:]],
        "options": [_option_json(*row) for row in decision.verdicts()]}


def decision_lines(decision: Decision) -> Iterator[str]:
    """The decision for a terminal."""
    choice, brief = decision.choice, decision.request.brief
    if choice is None:
        yield "nowhere: no option may make it now"
    else:
        simulated = " (simulated)" if choice.option.backend.simulated else ""
        yield (f"{choice.option.label}{simulated}: {choice.usd_per_image:.6f} USD an image, {_duration(choice.p50_s)} "
               f"(19 of 20 within {_duration(choice.p95_s)})")
        others = [candidate.option.label for candidate in decision.candidates()[1:]]
        yield f"  if it fails: {', '.join(others[:3]) or 'nothing else may make it'}"
    yield (f"  {decision.size}, segment {decision.segment.name}, {brief.rendered_words} words to render, "
           f"deadline {decision.deadline_s:g} s")
    compiled = decision.compiled
    yield f"  policy {compiled.policy.name} {compiled.digest}, prices of {compiled.on}"
    width = max((len(option.label) for option, _, _ in decision.verdicts()), default=0)
    for option, verdict, candidate in decision.verdicts():
        cost = f"{candidate.usd_per_image:>10.6f}" if candidate is not None else " " * 10
        yield f"  {option.label:<{width}}  {cost}  {verdict}"


def _option_json(option: Option, verdict: Verdict, candidate: Candidate | None) -> dict[str, Any]:
    return {
        "option": option.label, "backend": option.backend.name, "model": option.card.id,
        "quality": option.quality or None, "tier": option.tier, "own": option.backend.is_own,
        "allowed": verdict.is_allowed, "reason": verdict.reason.name.lower() if verdict.reason else None,
        "text": str(verdict), "asked": _plain(verdict.asked), "limit": _plain(verdict.limit),
        "usd_per_image": str(candidate.usd_per_image) if candidate else None,
        "usd_per_accepted_image": candidate.usd_per_accepted if candidate else None,
        "acceptance": candidate.acceptance if candidate else None,
        "p50_s": candidate.p50_s if candidate else None, "p95_s": candidate.p95_s if candidate else None}


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)


def _duration(seconds: float) -> str:
    """As people say it: seconds, or hours where they are long."""
    return f"{seconds:.3g} s" if seconds < _AN_HOUR_S else f"{seconds / _AN_HOUR_S:.3g} h"
