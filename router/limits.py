"""The hard limits a request falls under, what is left of them, and the marks on the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import Event
from .rows import budgets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errand import Clock
    from .ledger.protocol import Ledger
    from .ledger.values import Budget
    from .request import ImageRequest
    from .settings import Settings

__all__ = ["Limits"]

_MOST_KNOWN, _MONTH_CHARS = 4096, len("2026-11")


class Limits:
    """Reads the books; only a reserve decides, this is what a decision is told beforehand."""

    def __init__(self, settings: Settings, clock: Clock, tell: Callable[[Event], None]) -> None:
        self._settings, self._clock, self._tell = settings, clock, tell
        self._tenants = {tenant.name: tenant for tenant in settings.tenants}
        self._passed: dict[tuple[str, str], float] = {}
        self._known: dict[tuple[str, str, str, str], tuple[Budget, ...]] = {}

    def budgets(self, request: ImageRequest, backend: str) -> tuple[Budget, ...]:
        """Every limit of an attempt on a backend this month; an empty name leaves the backend's own out."""
        month = self._clock.now().isoformat()[:_MONTH_CHARS]
        key = (request.tenant, request.project, backend, month)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            tenant = self._tenants.get(request.tenant)
            known = self._known[key] = budgets_of(self._settings, tenant, request=request, backend=backend, month=month)
        return known

    async def left(self, request: ImageRequest, ledger: Ledger, *, pacing: tuple[float, ...]) -> tuple[int | None, str]:
        """Micro-dollars left under the tightest limit, and its scope; None where nothing limits the request."""
        budgets = self.budgets(request, "")
        if not budgets:
            return None, ""
        spent = await ledger.spent(budgets)
        left: dict[str, int] = {}
        for budget in budgets:
            known = spent.get((budget.scope, budget.period))
            used = known.settled_micro_usd + known.reserved_micro_usd if known else 0
            left[budget.scope] = max(0, budget.limit_micro_usd - used)
            self._pace(budget, used, pacing)
        tightest = min(left, key=lambda scope: left[scope])
        return left[tightest], tightest

    def _pace(self, budget: Budget, used: int, pacing: tuple[float, ...]) -> None:
        """Passing a mark of the policy is told once a month."""
        share = used / budget.limit_micro_usd if budget.limit_micro_usd else 1.0
        passed = max((mark for mark in pacing if share >= mark), default=0.0)
        if passed > self._passed.get((budget.scope, budget.period), 0.0):
            self._passed[budget.scope, budget.period] = passed
            self._tell(Event("budget_paced", self._clock.now(), facts={
                "scope": budget.scope, "period": budget.period, "share": round(share, 4), "passed": passed}))
