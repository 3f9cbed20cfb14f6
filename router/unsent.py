"""Why there is no image, in words for a caller, as the parameter at fault, and as an HTTP status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attempts import Kind
from .errors import NotDelivered
from .verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .decide import Decision
    from .delivery import Delivery
    from .options import Option
    from .verdicts import Verdict

__all__ = ["AGAIN", "not_delivered", "param_of", "status_of"]

AGAIN = frozenset({"busy", "queued"})
"""States that waiting may mend."""
_PASSING = frozenset({Reason.CLOSED, Reason.RATE, Reason.CONCURRENT, Reason.NOT_IDLE, Reason.WAITS,
                      Reason.OFF})
_MONEY = frozenset({Reason.BUDGET, Reason.MAX_USD})
_PARAMS: Mapping[Reason, str] = {
    Reason.DEADLINE: "deadline_s", Reason.MAX_USD: "max_usd", Reason.NO_STEPS: "steps",
    Reason.NO_TRANSPARENCY: "background", Reason.NO_FORMAT: "output_format", Reason.NO_LORA: "lora",
    Reason.TEXT: "prompt",
    Reason.TOO_MANY_REFERENCES: "image", Reason.REFERENCE_TOO_LARGE: "image", Reason.NO_MASK: "mask",
    Reason.NO_EDITS: "image", Reason.SIDES: "size", Reason.SIDE_TOO_LONG: "size", Reason.SIDE_TOO_SHORT: "size",
    Reason.TOO_LARGE: "size", Reason.TOO_SMALL: "size", Reason.QUALITY: "quality", Reason.SEGMENT: "segment",
    Reason.NO_LICENCE: "model", Reason.CLOSED_WEIGHTS: "model", Reason.RESIDENCY: "residency",
    Reason.TERMS: "data_class", Reason.DATA_CLASS: "data_class", Reason.NOT_IN_LADDER: "quality",
    Reason.OTHER_MODEL: "model"}
"""The parameter a caller would change. The reason nearest to being allowed stands first: it is the last that is looked
at; what the caller never asked for stands last."""
_NEAREST = tuple(_PARAMS)
_STATUS = {"refused": 400, "no_option": 400, "busy": 503, "no_budget": 402, "queued": 429, "failed": 502,
           "timed_out": 504, "expired": 410}
_REASONS_TOLD = 4
_WAIT_S = 5.0


def not_delivered(decision: Decision, delivery: Delivery | None, *, request_id: str,
                  retry_after_s: float | None) -> NotDelivered:
    """The error of a request that no image came of."""
    if delivery is None:
        return _no_option(decision, request_id)
    outcome, code = delivery.outcome, delivery.outcome.code if delivery.outcome else ""
    nothing_started = outcome is not None and outcome.kind is Kind.NOT_STARTED and not delivery.pending
    state = "busy" if delivery.state == "failed" and nothing_started else delivery.state
    told = {
        "refused": "the provider refused the content; another provider is not asked unless the policy says so",
        "no_budget": f"the budget {code or 'of this request'} does not cover another attempt; nothing was sent",
        "queued": f"the budget {code or 'of this request'} is spent; the policy has this segment wait for the next: "
                  "ask for a job (Prefer: respond-async)",
        "busy": f"every allowed backend is busy ({code or 'no code'}); nothing was paid for: ask again, or for a job "
                "(Prefer: respond-async)",
        "timed_out": "no answer within the deadline; what still runs is kept: ask again with the same parameters, or "
                     f"see the job {request_id}",
    }.get(state, f"every allowed backend failed ({code or 'no code'})")
    return NotDelivered(f"no image: {told}", state=state, request_id=request_id,
                        code=outcome.refusal.code if outcome and outcome.refusal else code,
                        retry_after_s=_WAIT_S if state == "busy" and retry_after_s is None else retry_after_s,
                        pending=delivery.pending)


def status_of(error: NotDelivered | None) -> int:
    """The HTTP status of an answer."""
    return 200 if error is None else _STATUS.get(error.state, 502)


def param_of(error: NotDelivered) -> str | None:
    """The parameter whose change would most likely bring an image; None where none would."""
    if error.state not in ("no_option", "no_budget"):
        return None
    return next((param for reason, param in _PARAMS.items() if reason.name.lower() == error.code), None)


def _no_option(decision: Decision, request_id: str) -> NotDelivered:
    """The reasons that were nearest to being allowed, each once."""
    refusals = [(option, verdict) for option, verdict, _ in decision.verdicts() if verdict.reason is not None]
    passing = [pair for pair in refusals if pair[1].reason in _PASSING]
    money = [pair for pair in refusals if pair[1].reason in _MONEY]
    telling = passing or money or sorted(refusals, key=_distance)
    told = dict.fromkeys(f"{option.card.id}: {verdict}" for option, verdict in telling)
    more = f" (and {len(told) - _REASONS_TOLD} more reasons)" if len(told) > _REASONS_TOLD else ""
    state = "busy" if passing else _short_of_money(decision, money) if money else "no_option"
    reason = telling[0][1].reason if telling else None
    return NotDelivered(f"no backend may make this: {'; '.join(list(told)[:_REASONS_TOLD])}{more}", state=state,
                        request_id=request_id, code=reason.name.lower() if reason else "no_backend",
                        retry_after_s=_wait_s(passing) if passing else None)


def _distance(refusal: tuple[Option, Verdict]) -> int:
    """How far from being allowed; what only the operator can mend is farthest."""
    reason = refusal[1].reason
    return _NEAREST.index(reason) if reason in _PARAMS else len(_NEAREST)


def _short_of_money(decision: Decision, money: Sequence[tuple[Option, Verdict]]) -> str:
    budget = any(verdict.reason is Reason.BUDGET for _, verdict in money)
    return "queued" if budget and decision.segment.at_limit == "queue" else "no_budget"


def _wait_s(passing: Sequence[tuple[Option, Verdict]]) -> float:
    """Seconds until the first breaker lets a request through; a usual pause where only limits bind."""
    return min((float(str(verdict.limit)) for _, verdict in passing if verdict.reason is Reason.CLOSED),
               default=_WAIT_S)
