"""The words between a flow and whoever drives it: what to try next, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 (fields are read by tools)
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .options import Option
    from .pictures import Picture

__all__ = ["Attempt", "Kind", "Outcome", "Refusal"]


class Kind(Enum):
    """How an attempt ended."""

    OK = "ok"
    REFUSED = "refused"
    NOT_STARTED = "not_started"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    NO_BUDGET = "no_budget"
    BAD_ANSWER = "bad_answer"


class Attempt(NamedTuple):
    """What to do next.

    Attributes:
        number: 1, 2 ... within the request; names the attempt in the ledger.
        option: where to send it; None to go on waiting for what runs `alongside`.
        n: images wanted.
        timeout_s: seconds to wait from now, the delay included; the request's deadline is already in it.
        reserve_usd: the worst case that must fit into every budget before anything is sent.
        delay_s: wait so long before sending.
        alongside: numbers of earlier attempts that still run; whichever answers first ends the step.
    """

    number: int
    option: Option | None
    n: int
    timeout_s: float
    reserve_usd: Decimal
    delay_s: float = 0.0
    alongside: tuple[int, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A provider declined the content.

    Attributes:
        stage: what was flagged.
        code: the vendor's own word, as in `moderation_blocked`.
        scope: `account` where the vendor blocked the account, which is an outage and not this user's refusal.
    """

    code: str
    stage: str = "prompt"


class Outcome(NamedTuple):
    """What came of an attempt.

    Attributes:
        number: the attempt that answered; not always the one just sent, where others ran alongside.
        at_s: seconds since the request was accepted.
        images: what was delivered; a replay leaves it empty and states `delivered`.
        cost_usd: exact cost that the provider stated or that follows from its usage; None where it told nothing.
        possibly_billed: the provider may charge for it, or has.
        pending: it still runs and its answer will be kept.
        retry_after_s: the provider asked not to be asked again before that.
        provider_job: the provider's own id of the work.
        code: the provider's word for what went wrong, or an HTTP status.
    """

    number: int
    kind: Kind
    at_s: float
    images: tuple[Picture, ...] = ()
    delivered: int = 0
    cost_usd: Decimal | None = None
    possibly_billed: bool = False
    pending: bool = False
    retry_after_s: float | None = None
    refusal: Refusal | None = None
    provider_job: str = ""
    code: str = ""
