"""How requests fared under a policy: the question to the books, and the sums they answer with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 (dataclass fields are read by tools)

__all__ = ["ArmAsk", "ArmSums"]


@dataclass(frozen=True)
class ArmAsk:
    """Requests that were decided by a policy and have ended.

    Attributes:
        since, until: when they were received; None for up to now.
        tenants: whose; empty for everybody's.
    """

    digest: str
    since: datetime
    until: datetime | None = None
    tenants: tuple[str, ...] = ()


@dataclass(frozen=True)
class ArmSums:
    """Sums over the requests of one class of work.

    Attributes:
        words: words to render: 0 for none, 1 for up to four, 2 for more.
        requests: how many have ended.
        refused: by a provider, or because no option might make them, or for want of budget.
        failed: no image came, or fewer than asked.
        images: delivered.
        usd: settled for all attempts, failed and late ones too.
        usd_squared, usd_images, images_squared: sums over requests of cost², cost x images, images².
    """

    segment: str
    operation: str
    size_asked: str
    model_asked: str
    quality_asked: str
    words: int
    requests: int
    refused: int
    failed: int
    images: int
    usd: float
    usd_squared: float
    usd_images: float
    images_squared: float
