"""Operations on money: a reserve under every limit at once, the provider's job, the actual cost in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LedgerError, short_text
from .operation import Operation
from .page import OPEN, AttemptLine
from .rows import attempt_row, cut, request_row, settlement_row
from .values import Budget, Reservation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .page import Page, Wants
    from .rows import Key
    from .values import Intent, Settlement

__all__ = ["Abandon", "Reserve", "Settle", "Submit"]

_ABOVE, _RAISED = "settled_above_reserve", "raised_after_settlement"


class Reserve(Operation[Reservation]):
    """Set money aside for an attempt under all its budgets, or say which is short."""

    def __init__(self, intent: Intent, owner: str) -> None:
        self._limits: dict[Key, int] = {}
        for budget in intent.budgets:
            key = (budget.scope, budget.period)
            self._limits[key] = min(budget.limit_micro_usd, self._limits.get(key, budget.limit_micro_usd))
        self._request = request_row(intent.request)
        self._attempt = attempt_row(intent, keys=self._limits, owner=owner)
        self._id = intent.attempt_id
        self.takes = (intent.attempt_id,)

    def want(self, wants: Wants) -> None:
        """The attempt, which must be new, and its budgets."""
        wants.attempts.add(self._id)
        wants.budgets.update(self._limits)

    def apply(self, page: Page) -> Reservation:
        """Grant where every limit holds with the reserve; the same attempt asked again is granted once."""
        known = page.attempts.get(self._id)
        if known is not None:
            return self._again(known)
        ask = self._attempt["reserve_micro_usd"]
        left = {key: limit - page.budgets[key].settled - page.budgets[key].reserved
                for key, limit in self._limits.items()}
        if left and min(left.values()) < ask:
            key = min(left, key=left.__getitem__)
            return Reservation(granted=False, short=Budget(*key, self._limits[key]), left_micro_usd=max(0, left[key]))
        page.move(self._limits, reserved=ask)
        page.attempts[self._id] = AttemptLine(self._request["id"], page.owner, "reserved", ask, 0, tuple(self._limits),
                                              "", self._attempt["reserved_at"])
        if self._request["id"] not in page.requests:
            page.requests.add(self._request["id"])
            page.write(page.statements.request, self._request)
        page.write(page.statements.attempt, self._attempt)
        return Reservation(granted=True)

    def _again(self, known: AttemptLine) -> Reservation:
        same = (known.request_id, known.reserve) == (self._request["id"], self._attempt["reserve_micro_usd"])
        if same and known.state in OPEN:
            return Reservation(granted=True)
        raise LedgerError(f"ledger: attempt {short_text(self._id)} is on the books already, as {known.state}; "
                          "a new attempt needs a new id")


class Submit(Operation[None]):
    """Note that the provider took the work, and its id there."""

    def __init__(self, attempt_id: str, provider_job: str) -> None:
        self._attempt, self._job = attempt_id, cut(provider_job, 200)

    def want(self, wants: Wants) -> None:
        """The attempt."""
        wants.attempts.add(self._attempt)

    def apply(self, page: Page) -> None:
        """Note it; an attempt that has ended stays ended."""
        line = _known(page, self._attempt)
        line.provider_job = self._job
        if line.state == "reserved":
            line.state = "sent"
        line.sent_at = line.sent_at or page.now
        page.write(page.statements.submitted, {"id": self._attempt, "state": line.state, "provider_job": self._job,
                                               "sent_at": line.sent_at})


class Settle(Operation[None]):
    """Put the actual cost in place of the reserve, or of an earlier settlement."""

    def __init__(self, settlement: Settlement) -> None:
        self._row = settlement_row(settlement)

    def want(self, wants: Wants) -> None:
        """The attempt; the page reads the budgets it took from."""
        wants.attempts.add(self._row["id"])

    def apply(self, page: Page) -> None:
        """Move what stands against the budgets; never refused for its amount."""
        line = _known(page, self._row["id"])
        cost, row = self._row["settled_micro_usd"], dict(self._row)
        # What an earlier settlement gave back may have been granted to others since.
        raised = line.state not in OPEN and cost > line.settled
        _replace(page, line, cost=cost, state=row["state"])
        row["settlements"], row["provider_job"] = line.settlements, row["provider_job"] or line.provider_job
        flags = (_ABOVE if cost > line.reserve else "", _RAISED if raised else "", row["flags"])
        row["flags"] = cut(" ".join(filter(None, flags)), 500)
        page.write(page.statements.settled, row)


class Abandon(Operation[None]):
    """Give back reserves whose callers never heard that they were granted, so that nothing was sent for them."""

    def __init__(self, attempt_ids: Sequence[str]) -> None:
        self.takes = tuple(attempt_ids)

    def want(self, wants: Wants) -> None:
        """The attempts."""
        wants.attempts.update(self.takes)

    def apply(self, page: Page) -> None:
        """Settle at nothing what is still reserved; leave everything else."""
        for attempt in self.takes:
            line = page.attempts.get(attempt)
            if line is None or (line.state, line.owner) != ("reserved", page.owner):
                continue
            _replace(page, line, cost=0, state="free")
            page.write(page.statements.settled, {
                "id": attempt, "state": "free", "kind": "abandoned", "code": "", "settled_micro_usd": 0,
                "actual_usd": "", "settled_at": page.now, "settlements": line.settlements, "provider_job": "",
                "provider_request": "", "images": 0, "image_bytes": 0, "pixels": 0, "digests": "", "flags": "",
                "kept": ""})


def _known(page: Page, attempt_id: str) -> AttemptLine:
    line = page.attempts.get(attempt_id)
    if line is None:
        raise LedgerError(f"ledger: attempt {short_text(attempt_id)} is not on the books; reserve first")
    return line


def _replace(page: Page, line: AttemptLine, *, cost: int, state: str) -> None:
    if line.state in OPEN:
        page.move(line.budgets, settled=cost, reserved=-line.reserve)
    else:
        page.move(line.budgets, settled=cost - line.settled)
    page.note_late(line)
    line.state, line.settled, line.settlements = state, cost, line.settlements + 1
