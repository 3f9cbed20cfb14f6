"""From a request and its decision to the rows of the books, and to the limits it falls under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ledger.values import Budget, Closing, RequestRow
from .quantities import limit_micro_usd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from .decide import Decision
    from .delivery import Delivery
    from .identity import Hasher
    from .request import ImageRequest
    from .settings import Settings, Tenant

__all__ = ["budgets_of", "closing_of", "request_row"]

_MOST_CHARS, _MOST_TAGS = 2000, 400


def request_row(request: ImageRequest, decision: Decision | None, *, request_id: str, at: datetime, hasher: Hasher,
                keep_prompt: bool) -> RequestRow:
    """The row of a request; its prompt only where the tenant opted in."""
    return RequestRow(
        request_id, at, request.tenant, request.project, decision.segment.name if decision else request.segment,
        request.brand, request.campaign, request.cost_center, request.operation, request.model[:80],
        str(request.size or "auto"), request.quality, request.n, len(request.references), request.text_words,
        request.data_class, hasher.prompt(request.prompt), len(request.prompt), hasher.fingerprint(request),
        decision.compiled.digest if decision else "", decision.codes()[:_MOST_CHARS] if decision else "",
        " ".join(f"{key}={value}" for key, value in request.tags.items())[:_MOST_TAGS],
        request.prompt if keep_prompt else None)


def budgets_of(settings: Settings, tenant: Tenant | None, *, request: ImageRequest, backend: str, month: str) -> (
        tuple[Budget, ...]):
    """Every hard limit an attempt on a backend falls under; an empty name leaves the backend's own out."""
    backends: Mapping[str, Decimal | None] = {one.name: one.usd_per_month for one in settings.backends}
    limits = [("all", settings.usd_per_month), (f"backend:{backend}", backends.get(backend))]
    if tenant is not None:
        limits.append((f"tenant:{tenant.name}", tenant.usd_per_month))
        project = tenant.project_usd_per_month.get(request.project)
        limits.append((f"project:{tenant.name}/{request.project}", project))
    return tuple(Budget(scope, month, limit_micro_usd(limit)) for scope, limit in limits if limit is not None)


def closing_of(request_id: str, delivery: Delivery, *, decision: Decision, http_status: int, latency_s: float,
               at: datetime) -> Closing:
    """How a request ended."""
    made_by, outcome = delivery.made_by, delivery.outcome
    return Closing(request_id, delivery.state, outcome.code[:80] if outcome else "", http_status,
                   made_by.backend if made_by else "", made_by.model if made_by else "",
                   made_by.quality if made_by else "", str(decision.size) if delivery.pictures else "",
                   len(delivery.pictures), delivery.usd_micro, latency_s, at,
                   "simulated" if made_by is not None and made_by.simulated else "")
