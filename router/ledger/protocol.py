"""What the router asks of its books. Money is whole micro-dollars; instants are aware UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from ..acceptance import Looked
    from .arm_values import ArmAsk, ArmSums
    from .job_protocol import JobBooks
    from .shadow_protocol import ShadowBooks
    from .values import (
        Budget,
        Claim,
        Closing,
        Intent,
        MonthTotal,
        OpenAttempt,
        Outcome,
        RequestRow,
        Reservation,
        Settlement,
        Spent,
    )

__all__ = ["Ledger"]


class Ledger(Protocol):
    """The books. Every method is durable when it returns; many callers share one commit.

    Raises:
        LedgerError: the books cannot be read or written; nothing may be paid for then.
    """

    @property
    def jobs(self) -> JobBooks:
        """Work whose answer is fetched later."""

    @property
    def shadows(self) -> ShadowBooks:
        """What was only watched."""

    async def reserve(self, intent: Intent) -> Reservation:
        """Set money aside for one attempt under all its budgets at once, or say which one is short."""

    async def submitted(self, attempt_id: str, *, provider_job: str) -> None:
        """Note the provider's id of the work, so that a crash does not lose it."""

    async def settle(self, settlement: Settlement) -> None:
        """Put the actual cost in place of the reserve; a late answer settles a second time."""

    async def close_request(self, closing: Closing) -> None:
        """Write how a request ended."""

    async def record(self, request: RequestRow, closing: Closing) -> None:
        """Write a request that was never sent anywhere: one row."""

    async def claim(self, tenant: str, key: str, *, fingerprint: str, request_id: str, at: datetime,
                    ttl_s: float) -> Claim:
        """Own an idempotency key, or learn what it stands for.

        A key whose process died while it ran becomes `new` again only if no attempt of its request may be billed.
        """

    async def keep_answer(self, tenant: str, key: str, *, answer: str) -> None:
        """Store what a repetition of the key gets; an empty answer frees the key."""

    async def record_outcome(self, outcome: Outcome) -> bool:
        """Write what a person made of an image; False where the request is unknown."""

    async def spent(self, budgets: Sequence[Budget]) -> Mapping[tuple[str, str], Spent]:
        """What stands against each budget, by scope and period."""

    async def open_attempts(self) -> tuple[OpenAttempt, ...]:
        """Attempts whose process is gone, adopted by this one, each once, a few hundred at a time: ask again.

        Those of a job that has not ended are left to whoever takes up the job.
        """

    async def month_totals(self, month: str) -> tuple[MonthTotal, ...]:
        """The sums of a month (`2026-11`), from its roll-up where that still holds."""

    async def acceptance(self) -> Mapping[tuple[str, str, str], Looked]:
        """Accepted and judged images by segment, model and quality."""

    async def arm(self, ask: ArmAsk) -> tuple[ArmSums, ...]:
        """How requests fared under a policy, class of work by class of work."""

    async def retire(self, before: datetime) -> None:
        """Roll up the months that ended before an instant, and delete their rows."""

    def export(self, month: str) -> AsyncIterator[Mapping[str, object]]:
        """Every attempt of a month with its request, oldest first."""

    async def close(self) -> None:
        """Commit what is left and let go of the database."""
