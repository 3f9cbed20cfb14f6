"""What was only watched: what would have been done beside what really happened, a row each, and never a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 (dataclass fields are read by tools)
from typing import Protocol

__all__ = ["ShadowBooks", "ShadowRow"]


@dataclass(frozen=True)
class ShadowRow:
    """One request that was watched.

    Attributes:
        n: images asked for.
        option: label of the option it would have gone to; empty where no option might make it, `reason` says why then.
        usd_micro: list price of all images there.
        p50_s, p95_s: of one image there, without waiting.
        actual_state: `ok`, `refused` or `failed`; empty where nobody said.
        actual_usd_micro, actual_latency_s: what it cost and took in fact; None where nobody said.
    """

    id: str
    watched_at: datetime
    tenant: str
    segment: str
    operation: str
    n: int
    data_class: str
    policy_digest: str
    option: str
    reason: str
    usd_micro: int
    p50_s: float | None
    p95_s: float | None
    actual_model: str = ""
    actual_state: str = ""
    actual_usd_micro: int | None = None
    actual_latency_s: float | None = None


class ShadowBooks(Protocol):
    """Where watched requests are written."""

    async def add(self, row: ShadowRow) -> bool:
        """Write one; False where its id is taken.

        Raises:
            LedgerError: the books cannot be written.
        """
