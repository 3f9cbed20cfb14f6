"""From a decision to the row that says what would have been done, beside what really happened. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..charges import charge_of
from ..ledger.shadows import ShadowRow
from ..quantities import micro_usd
from ..unsent import not_delivered

if TYPE_CHECKING:
    from datetime import datetime

    from ..decide import Compiled, Decision
    from ..errors import BadRequest
    from ..request import ImageRequest
    from .actual import Actual

__all__ = ["unfit_row", "watched_row"]


def watched_row(decision: Decision, actual: Actual, *, row_id: str, at: datetime) -> ShadowRow:
    """What would have been done: the option, its list price for all images, its usual time; or why nothing.

    Raises:
        PriceError: the choice has no price for so many images.
    """
    request, choice, compiled = decision.request, decision.choice, decision.compiled
    if choice is None:
        why = not_delivered(decision, None, request_id=row_id, retry_after_s=None)
        return _row(request, actual, row_id=row_id, at=at, segment=decision.segment.name, digest=compiled.digest,
                    would=("", why.code, 0, None, None))
    charge = charge_of(compiled.catalogue.prices, choice, request=request, size=decision.size, n=request.n,
                       on=compiled.on)
    return _row(request, actual, row_id=row_id, at=at, segment=decision.segment.name, digest=compiled.digest,
                would=(choice.option.label, "", micro_usd(charge.quoted_usd), choice.p50_s, choice.p95_s))


def unfit_row(request: ImageRequest, error: BadRequest, actual: Actual, *, compiled: Compiled, row_id: str,
              at: datetime) -> ShadowRow:
    """A request that the router would not have taken as it is written."""
    return _row(request, actual, row_id=row_id, at=at, segment=request.segment, digest=compiled.digest,
                would=("", error.code, 0, None, None))


def _row(request: ImageRequest, actual: Actual, *, row_id: str, at: datetime, segment: str, digest: str,
         would: tuple[str, str, int, float | None, float | None]) -> ShadowRow:
    usd = None if actual.usd is None else micro_usd(actual.usd)
    return ShadowRow(row_id, at, request.tenant, segment, request.operation, request.n, request.data_class, digest,
                     *would, actual.model, actual.state, usd, actual.latency_s)
