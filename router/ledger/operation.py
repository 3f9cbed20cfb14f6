"""What the writer does for a caller: one operation of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

    from ..errors import LedgerError
    from .page import Page, Wants

__all__ = ["Operation", "Ticket"]

Answer = TypeVar("Answer")


class Operation(ABC, Generic[Answer]):
    """One operation. It says what it must know, then answers from the page and notes what is to be written.

    Attributes:
        only_reads: nothing is written, so no write lock is taken for it.
        takes: attempts whose reserves are to be given back where it is not known what became of the operation.
    """

    only_reads: bool = False
    takes: tuple[str, ...] = ()

    @abstractmethod
    def want(self, wants: Wants) -> None:
        """Say what must be read."""

    @abstractmethod
    def apply(self, page: Page) -> Answer:
        """Answer, and note what is to be written.

        Raises:
            LedgerError: this operation cannot be done; nothing was noted then.
        """


@dataclass(slots=True, eq=False)
class Ticket:
    """An operation that waits, and what came of it; nobody waits for the ledger's own.

    Attributes:
        in_doubt: the database failed, and it may or may not be written.
    """

    operation: Operation[Any]
    future: asyncio.Future[Any] | None = None
    answer: Any = None
    error: LedgerError | None = None
    in_doubt: bool = False
