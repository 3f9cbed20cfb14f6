"""From a decision to the row that says what would have been done, beside what really happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..charges import charge_of
from ..errors import BadRequest, PriceError
from ..ledger.shadow_protocol import ShadowRow
from ..quantities import micro_usd
from ..request_checks import check_request
from ..unsent import not_delivered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from ..decide import Compiled, Decision
    from ..ledger.shadow_protocol import ShadowBooks
    from ..request import ImageRequest
    from .actual import Actual

    Decide = Callable[[ImageRequest, Compiled], Awaitable[Decision]]

__all__ = ["Watched", "unfit_row", "watched_row"]


class Watched:
    """One request that somebody else answers, on its way into the books."""

    def __init__(self, books: ShadowBooks, actual: Actual, *, row_id: str, at: datetime) -> None:
        self._books, self._actual, self._id, self._at = books, actual, row_id, at

    async def through(self, request: ImageRequest, compiled: Compiled, *, decide: Decide) -> Decision:
        """What would have been done, which is noted; so is that the router would not have taken the request.

        Raises:
            BadRequest: it cannot be honoured as written.
            LedgerError: the books cannot be written.
        """
        try:
            check_request(request)
            decision = await decide(request, compiled)
        except BadRequest as error:
            await self._books.add(unfit_row(request, error, actual=self._actual, compiled=compiled, row_id=self._id,
                                            at=self._at))
            raise
        await self._books.add(watched_row(decision, self._actual, row_id=self._id, at=self._at))
        return decision


def watched_row(decision: Decision, actual: Actual, *, row_id: str, at: datetime) -> ShadowRow:
    """What would have been done: the option, its list price for all images, its usual time; or why nothing."""
    request, choice, compiled = decision.request, decision.choice, decision.compiled
    if choice is None:
        why = not_delivered(decision, None, request_id=row_id, retry_after_s=None)
        return _row(request, actual, row_id=row_id, at=at, segment=decision.segment.name, digest=compiled.digest,
                    would=("", why.code, 0, None, None))
    try:
        charge = charge_of(compiled.catalogue.prices, choice, request=request, size=decision.size, n=request.n,
                           on=compiled.on)
    except PriceError:
        return _row(request, actual, row_id=row_id, at=at, segment=decision.segment.name, digest=compiled.digest,
                    would=("", "no_price", 0, None, None))
    return _row(request, actual, row_id=row_id, at=at, segment=decision.segment.name, digest=compiled.digest,
                would=(choice.option.label, "", micro_usd(charge.quoted_usd), choice.p50_s, choice.p95_s))


def unfit_row(request: ImageRequest, error: BadRequest, *, actual: Actual, compiled: Compiled, row_id: str,
              at: datetime) -> ShadowRow:
    """A request that the router would not have taken as it is written."""
    return _row(request, actual, row_id=row_id, at=at, segment=request.segment, digest=compiled.digest,
                would=("", error.code, 0, None, None))


def _row(request: ImageRequest, actual: Actual, *, row_id: str, at: datetime, segment: str, digest: str,
         would: tuple[str, str, int, float | None, float | None]) -> ShadowRow:
    usd = None if actual.usd is None else micro_usd(actual.usd)
    return ShadowRow(row_id, at, request.tenant, segment, request.operation, request.n, request.data_class, digest,
                     *would, actual.model, actual.state, usd, actual.latency_s)
