"""The hard limits of the settings, kept in memory as the books keep them on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from router.rows import budgets_of

from .asked import HOUR_S

if TYPE_CHECKING:
    from router.ledger.values import Budget
    from router.request import ImageRequest
    from router.settings import Settings

__all__ = ["Purse"]

_MONTH_CHARS = len("2026-11")


class Purse:
    """Settled and reserved micro-dollars by scope and month: together never above a limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants = {tenant.name: tenant for tenant in settings.tenants}
        self._limited = settings.usd_per_month is not None or any(
            one.usd_per_month is not None for one in settings.backends) or any(
            tenant.usd_per_month is not None or tenant.project_usd_per_month for tenant in settings.tenants)
        self._used: dict[tuple[str, str], int] = {}
        self._budgets: dict[tuple[str, str, str, str], tuple[Budget, ...]] = {}
        self._hour, self._month = -1, ""

    def left(self, request: ImageRequest, at: float) -> int | None:
        """Micro-dollars left under the tightest limit; None where nothing limits the request."""
        if not self._limited:
            return None
        return min((max(0, one.limit_micro_usd - self._used.get((one.scope, one.period), 0))
                    for one in self._budgets_of(request, "", at)), default=None)

    def reserve(self, request: ImageRequest, *, backend: str, micro: int, at: float) -> str:
        """Set money aside; the scope that is short where it cannot be, else an empty text."""
        if not self._limited:
            return ""
        budgets = self._budgets_of(request, backend, at)
        for one in budgets:
            if self._used.get((one.scope, one.period), 0) + micro > one.limit_micro_usd:
                return one.scope
        self._move(budgets, micro)
        return ""

    def settle(self, request: ImageRequest, *, backend: str, freed: int, at: float) -> None:
        """What was set aside and not spent is free again.

        Args:
            request: whose it is.
            backend: where it was sent.
            freed: micro-dollars of the reserve that were not spent.
            at: when it was reserved, which says the month.
        """
        if self._limited:
            self._move(self._budgets_of(request, backend, at), -freed)

    def _move(self, budgets: tuple[Budget, ...], micro: int) -> None:
        for one in budgets:
            key = (one.scope, one.period)
            self._used[key] = self._used.get(key, 0) + micro

    def _budgets_of(self, request: ImageRequest, backend: str, at: float) -> tuple[Budget, ...]:
        hour = int(at // HOUR_S)
        if hour != self._hour:
            self._hour, self._month = hour, datetime.fromtimestamp(at, UTC).isoformat()[:_MONTH_CHARS]
        key = (request.tenant, request.project, backend, self._month)
        known = self._budgets.get(key)
        if known is None:
            known = self._budgets[key] = budgets_of(self._settings, self._tenants.get(request.tenant),
                                                    request=request, backend=backend, month=self._month)
        return known
