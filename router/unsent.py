"""Why there is no image, in words for a caller and as an HTTP status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import NotDelivered
from .verdicts import Reason

if TYPE_CHECKING:
    from .decide import Decision
    from .delivery import Delivery

__all__ = ["not_delivered", "status_of"]

_PASSING = frozenset({Reason.CLOSED, Reason.RATE, Reason.CONCURRENT})
_MONEY = frozenset({Reason.BUDGET, Reason.MAX_USD})
_STATUS = {"refused": 400, "no_option": 400, "busy": 503, "no_budget": 402, "queued": 429, "failed": 502,
           "timed_out": 504}
_REASONS_TOLD = 4


def not_delivered(decision: Decision, delivery: Delivery | None, *, request_id: str,
                  retry_after_s: float | None) -> NotDelivered:
    """The error of a request that no image came of."""
    if delivery is None:
        return _no_option(decision, request_id)
    outcome, code = delivery.outcome, delivery.outcome.code if delivery.outcome else ""
    told = {
        "refused": "the provider refused the content; another provider is not asked unless the policy says so",
        "no_budget": f"the budget {code or 'of this request'} does not cover another attempt; nothing was sent",
        "queued": f"the budget {code or 'of this request'} is spent; the policy has this segment wait for the next",
        "timed_out": "no answer within the deadline; what still runs is kept: ask again with the same parameters",
    }.get(delivery.state, f"every allowed backend failed ({code or 'no code'})")
    return NotDelivered(f"no image: {told}", state=delivery.state, request_id=request_id,
                        code=outcome.refusal.code if outcome and outcome.refusal else code,
                        retry_after_s=retry_after_s, pending=delivery.pending)


def status_of(error: NotDelivered | None) -> int:
    """The HTTP status of an answer."""
    return 200 if error is None else _STATUS.get(error.state, 502)


def _no_option(decision: Decision, request_id: str) -> NotDelivered:
    """The reasons that were nearest to being allowed, each once."""
    verdicts = [(option, verdict) for option, verdict, _ in decision.verdicts() if verdict.reason is not None]
    passing = [pair for pair in verdicts if pair[1].reason in _PASSING]
    money = [pair for pair in verdicts if pair[1].reason in _MONEY]
    telling = passing or money or [
        pair for pair in verdicts if pair[1].reason not in (Reason.OTHER_MODEL, Reason.NOT_IN_LADDER)] or verdicts
    told = dict.fromkeys(f"{option.card.id}: {verdict}" for option, verdict in telling)
    state = "busy" if passing else "no_budget" if money else "no_option"
    code = telling[0][1].reason.name.lower() if telling and telling[0][1].reason else "no_backend"
    waits = [float(str(verdict.limit)) for _, verdict in passing if verdict.reason is Reason.CLOSED]
    more = f" (and {len(told) - _REASONS_TOLD} more reasons)" if len(told) > _REASONS_TOLD else ""
    return NotDelivered(f"no backend may make this: {'; '.join(list(told)[:_REASONS_TOLD])}{more}", state=state,
                        request_id=request_id, code=code, retry_after_s=min(waits, default=5.0) if passing else None)
