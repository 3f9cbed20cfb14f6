"""Operations on requests: how one ended, one that was never sent, what a person made of an image; reading budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LedgerError, short_text
from .operation import Operation
from .rows import closing_row, outcome_row, request_row
from .values import Spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .page import Page, Wants
    from .rows import Key
    from .values import Closing, Outcome, RequestRow

__all__ = ["Close", "NoteOutcome", "ReadSpent", "Record"]


class Close(Operation[None]):
    """Write how a request ended."""

    def __init__(self, closing: Closing) -> None:
        self._row = closing_row(closing)

    def want(self, wants: Wants) -> None:
        """The request."""
        wants.requests.add(self._row["id"])

    def apply(self, page: Page) -> None:
        """Write it over an earlier end, if there was one."""
        if self._row["id"] not in page.requests:
            raise LedgerError(f"ledger: request {short_text(self._row['id'])} is not on the books; record it")
        page.write(page.statements.closed, self._row)


class Record(Operation[None]):
    """Write a request that was never sent, with its end."""

    def __init__(self, request: RequestRow, closing: Closing) -> None:
        self._request, self._closing = request_row(request), closing_row(closing)
        if closing.request_id != request.id:
            raise LedgerError(f"ledger: the end of {short_text(closing.request_id)} cannot stand on {request.id}")

    def want(self, wants: Wants) -> None:
        """Nothing: a request that is known already keeps its row."""

    def apply(self, page: Page) -> None:
        """Write both."""
        page.requests.add(self._request["id"])
        page.write(page.statements.request, self._request)
        page.write(page.statements.closed, self._closing)


class NoteOutcome(Operation[bool]):
    """Write what a person made of an image; the last word stands."""

    def __init__(self, outcome: Outcome) -> None:
        self._row = outcome_row(outcome)

    def want(self, wants: Wants) -> None:
        """The request."""
        wants.requests.add(self._row["request_id"])

    def apply(self, page: Page) -> bool:
        """False where the request is unknown."""
        if self._row["request_id"] not in page.requests:
            return False
        page.write(page.statements.outcome, self._row)
        return True


class ReadSpent(Operation["Mapping[Key, Spent]"]):
    """Read what stands against budgets."""

    only_reads = True

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = tuple(keys)

    def want(self, wants: Wants) -> None:
        """The budgets."""
        wants.budgets.update(self._keys)

    def apply(self, page: Page) -> Mapping[Key, Spent]:
        """Zero for a budget that nothing was ever taken from."""
        return {key: Spent(page.budgets[key].settled, page.budgets[key].reserved) for key in self._keys}
