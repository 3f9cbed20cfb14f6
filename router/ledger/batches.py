"""Batches: many operations in one transaction, exactly once, whatever becomes of the connection."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..errors import LedgerError
from .books import PATIENCE_S, now_us
from .faults import explained, is_busy, is_lost, is_of_one_operation
from .leases import last_batch, sweep
from .page import BudgetLine, Page, Wants
from .statements import statements_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from .books import Books
    from .leases import Owner
    from .operation import Ticket
    from .rows import Key

__all__ = ["Batches"]

_SWEEP_EVERY_S = 60.0
_MOST_STANDING = 10_000
_RENEWALS_IN_A_LEASE = 4
# What a driver raises for a value it cannot pass on, beside its own errors.
_UNFIT = (OverflowError, UnicodeError, TypeError, ValueError)


class Batches:
    """Runs batches on a connection of its own; used by one thread.

    Attributes:
        standing: what stands against each budget that was read or moved lately, with the instant it was learnt
            (`time.monotonic`). Other threads may read it.
    """

    def __init__(self, books: Books, owner: Owner) -> None:
        self.standing: dict[Key, tuple[float, BudgetLine]] = {}
        self._books, self._owner, self._statements = books, owner, statements_for(books.writes.dialect.name)
        self._connection: Connection | None = None
        self._made: set[Key] = set()
        self._number, self._offset_us = 0, 0
        self._renewed_at = self._swept_at = time.monotonic()

    def renewal_in_s(self) -> float:
        """Seconds until the lease should be renewed, 0 when it is due."""
        return max(0.0, self._renewed_at + self._owner.lease_s / _RENEWALS_IN_A_LEASE - time.monotonic())

    def run(self, tickets: Sequence[Ticket]) -> None:
        """Run operations in one transaction; each ticket holds its answer or its error afterwards.

        Without tickets the lease is renewed.
        """
        try:
            self._commit(tickets)
        except (SQLAlchemyError, *_UNFIT) as error:
            self._drop()
            unfit = not isinstance(error, SQLAlchemyError) or is_of_one_operation(error)
            if unfit and len(tickets) > 1:
                for ticket in tickets:
                    self.run([ticket])
                return
            for ticket in tickets:
                ticket.answer, ticket.in_doubt, ticket.error = None, not unfit, self._explained(error)

    def _explained(self, error: Exception) -> LedgerError:
        if isinstance(error, SQLAlchemyError):
            return explained(error, self._books.shown)
        return LedgerError(f"ledger {self._books.shown}: a value cannot be stored: {error}")

    def _commit(self, tickets: Sequence[Ticket]) -> None:
        deadline, in_doubt = time.monotonic() + PATIENCE_S, False
        self._number += 1
        while True:
            try:
                if not (in_doubt and self._is_committed()):
                    self._once(tickets)
            except DBAPIError as error:
                lost = is_lost(error)
                if not (lost or is_busy(error)) or time.monotonic() >= deadline:
                    raise
                in_doubt = in_doubt or lost
                self._drop()
            else:
                return
            time.sleep(random.uniform(0.001, 0.05))

    def _is_committed(self) -> bool:
        connection = self._connected()
        with connection.begin():
            number = last_batch(connection, self._owner.id)
        return number == self._number

    def _once(self, tickets: Sequence[Ticket]) -> None:
        wants = Wants()
        for ticket in tickets:
            ticket.operation.want(wants)
        if tickets and self.renewal_in_s() and all(ticket.operation.only_reads for ticket in tickets):
            with self._books.reads.connect() as connection, connection.begin():
                self._work(connection, tickets, wants=wants, locks=False)
            return
        connection = self._connected()
        self._make_budgets(connection, wants)
        renewed_at = time.monotonic()
        with connection.begin():
            self._statements.owner.run(connection, [self._owner.row(batch=self._number, now=self._now())])
            self._work(connection, tickets, wants=wants, locks=True)
        self._renewed_at = renewed_at

    def _work(self, connection: Connection, tickets: Sequence[Ticket], *, wants: Wants, locks: bool) -> None:
        page = Page(connection, self._statements, owner=self._owner.id, now=self._now(), locks=locks)
        page.read(wants)
        for ticket in tickets:
            ticket.answer = ticket.error = None
            try:
                ticket.answer = ticket.operation.apply(page)
            except LedgerError as error:
                ticket.error = error
        page.flush()
        self._remember(page)

    def _remember(self, page: Page) -> None:
        if len(self.standing) > _MOST_STANDING:
            self.standing.clear()
        learnt = time.monotonic()
        for key, line in page.budgets.items():
            self.standing[key] = (learnt, line)

    def _make_budgets(self, connection: Connection, wants: Wants) -> None:
        """PostgreSQL locks rows, so they must exist: new ones are made beforehand, in order, and stand at zero."""
        if self._books.is_sqlite or wants.budgets <= self._made:
            return
        new = sorted(wants.budgets - self._made)
        with connection.begin():
            self._statements.new_budget.run(connection, [{"scope": scope, "period": period} for scope, period in new])
        self._made.update(new)

    def _now(self) -> int:
        return time.time_ns() // 1_000 + self._offset_us

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._books.writes.connect()
            if not self._books.is_sqlite:
                with self._connection.begin():
                    self._offset_us = now_us(self._connection) - time.time_ns() // 1_000
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def tidy(self) -> None:
        """Delete what has expired, once a minute."""
        if time.monotonic() < self._swept_at + _SWEEP_EVERY_S:
            return
        self._swept_at = time.monotonic()
        try:
            connection = self._connected()
            with connection.begin():
                sweep(connection, now=self._now())
        except SQLAlchemyError:
            self._drop()

    def end(self) -> None:
        """Give up the lease, so that what is still open may be adopted at once, and let go of the database."""
        try:
            connection = self._connected()
            with connection.begin():
                row = self._owner.row(batch=self._number, now=0) | {"lease_until": 0}
                self._statements.owner.run(connection, [row])
        except SQLAlchemyError:
            self._drop()
        else:
            connection.close()
        self._books.dispose()
