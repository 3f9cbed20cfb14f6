"""What the books are told and what they tell. Money is whole micro-dollars; instants are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 (dataclass fields are read by tools)
from typing import Literal

__all__ = [
    "AttemptState",
    "Budget",
    "Claim",
    "ClaimState",
    "Closing",
    "Intent",
    "MonthTotal",
    "OpenAttempt",
    "Outcome",
    "RequestRow",
    "Reservation",
    "Settlement",
    "Spent",
]

AttemptState = Literal["reserved", "sent", "possibly_billed", "billed", "free", "refused"]
ClaimState = Literal["new", "running", "done", "mismatch"]


@dataclass(frozen=True)
class Budget:
    """A hard limit on a scope in a period: settled + reserved never exceeds `limit_micro_usd`.

    Attributes:
        scope: as in `tenant:acme`, `project:acme/shop`, `backend:openai`, `all`.
        period: `2026-11` for a month, `2026-11-24` for a day, `ever` for a limit that is never renewed.
    """

    scope: str
    period: str
    limit_micro_usd: int


@dataclass(frozen=True)
class RequestRow:
    """A request as the books keep it: of constant size, and without its prompt unless a tenant opted in.

    Attributes:
        prompt_hash: keyed hash of the prompt.
        fingerprint: keyed hash of everything asked, to tell a repetition from another request.
        verdicts: one short code per option, as in `bfl/flux-2-pro:ok openai/gpt-image-2@low:budget`, cut to 2,000
            characters.
    """

    id: str
    received_at: datetime
    tenant: str
    project: str
    segment: str
    brand: str
    campaign: str
    cost_center: str
    operation: str
    model_asked: str
    size_asked: str
    quality_asked: str
    n_asked: int
    references: int
    text_words: int
    data_class: str
    prompt_hash: str
    prompt_chars: int
    fingerprint: str
    policy_digest: str
    verdicts: str
    tags: str = ""
    prompt: str | None = None


@dataclass(frozen=True)
class Intent:
    """Money to set aside for one attempt before it is sent; the request's row is written with its first intent.

    Attributes:
        budgets: every hard limit the attempt falls under; all of them take the reserve, or none does.
        quoted_usd: the exact list price as text; `price_row` is the id of the row behind it.
    """

    attempt_id: str
    request: RequestRow
    number: int
    backend: str
    model: str
    quality: str
    tier: str
    n: int
    size: str
    reserve_micro_usd: int
    quoted_usd: str
    price_row: str
    at: datetime
    budgets: tuple[Budget, ...]


@dataclass(frozen=True)
class Reservation:
    """Whether the money is set aside; where it is not, `short` is the limit that binds and what is left under it."""

    granted: bool
    short: Budget | None = None
    left_micro_usd: int = 0


@dataclass(frozen=True)
class Settlement:
    """How an attempt ended. The reserve is released and `settled_micro_usd` stands in its place.

    Attributes:
        state: `billed`, `free`, `refused`, or `possibly_billed`: it may still be charged, so the reserve is kept as
            settled until a late answer or a reconciliation says otherwise; a later settlement replaces it.
        flags: words of the caller. The ledger adds `settled_above_reserve`, and `raised_after_settlement` where a later
            settlement costs more than an earlier one: only these two can carry a budget past its limit.
        actual_usd: exact cost as text where the provider told it; empty where not.
        kept: where its pictures lie in the store, parted by blanks; empty where they went straight to a caller.
    """

    attempt_id: str
    state: AttemptState
    kind: str
    code: str
    settled_micro_usd: int
    actual_usd: str
    at: datetime
    provider_job: str = ""
    provider_request: str = ""
    images: int = 0
    image_bytes: int = 0
    pixels: int = 0
    digests: str = ""
    flags: str = ""
    kept: str = ""


@dataclass(frozen=True)
class Closing:
    """How a request ended, as the caller saw it: `state` is `ok`, `partial`, `refused`, `failed` or `rejected`."""

    request_id: str
    state: str
    code: str
    http_status: int
    backend: str
    model: str
    quality: str
    size_delivered: str
    n_delivered: int
    usd_micro: int
    latency_s: float
    at: datetime
    flags: str = ""


@dataclass(frozen=True)
class Claim:
    """What an idempotency key stands for: `new` means the caller owns it now.

    `answer` is what was stored with `keep_answer`, once the state is `done`.
    """

    state: ClaimState
    request_id: str
    answer: str = ""


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt without an end whose process is gone, for `collect`.

    Attributes:
        sent_at: when the provider took it, or when its reserve was taken where that is not known.
        key: the tenant's idempotency key behind it, whose answer is still owed; empty where there is none.
    """

    attempt_id: str
    request_id: str
    backend: str
    model: str
    quality: str
    n: int
    size: str
    provider_job: str
    reserve_micro_usd: int
    sent_at: datetime
    tenant: str = ""
    key: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a person made of an image."""

    request_id: str
    image: int
    verdict: Literal["accepted", "rejected", "edited"]
    reason: str
    reviewer_seconds: float | None
    at: datetime


@dataclass(frozen=True)
class MonthTotal:
    """Sums of a month for one tenant, segment, model, quality and backend.

    Attributes:
        backend: empty for requests that were never sent anywhere; `model` is what they asked for then.
        requests: how many requests had an attempt here; one that went to two backends counts at both.
        settled_micro_usd: what the attempts are settled at; open ones count nothing yet.
        failures: attempts that ended without an image, and requests that were never sent.
    """

    month: str
    tenant: str
    segment: str
    model: str
    quality: str
    backend: str
    requests: int
    attempts: int
    images: int
    settled_micro_usd: int
    failures: int


@dataclass(frozen=True)
class Spent:
    """What stands against a scope in a period."""

    settled_micro_usd: int = 0
    reserved_micro_usd: int = 0
