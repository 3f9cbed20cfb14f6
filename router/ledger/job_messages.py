"""Operations on the messages of jobs: the first of each job that has not ended is sent before the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, select, update

from . import tables
from .job_rows import message_of
from .operation import Operation
from .rows import cut, to_us

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Select

    from .job_protocol import Message
    from .page import Page, Wants

__all__ = ["EndMessage", "TakeMessages"]

_COLUMNS = tables.messages.c


class TakeMessages(Operation[tuple["Message", ...]]):
    """Make messages this process's own."""

    def __init__(self, most: int, at: datetime) -> None:
        self._most, self._at = most, to_us(at)

    def want(self, wants: Wants) -> None:
        """Nothing that a batch shares."""

    def apply(self, page: Page) -> tuple[Message, ...]:
        """Due ones that no living process is sending."""
        rows = page.connection.execute(_due(self._at, page.now, self._most)).mappings().all()
        for row in rows:
            page.connection.execute(update(tables.messages).where(
                _COLUMNS.job_id == row["job_id"], _COLUMNS.number == row["number"]).values(owner=page.owner))
        return tuple(message_of(row) for row in rows)


class EndMessage(Operation[None]):
    """A message was delivered, is sent again later, or is given up."""

    def __init__(self, message: Message, *, state: str, at: datetime, not_before: datetime | None, code: str) -> None:
        self._job_id, self._number = message.job_id, message.number
        self._changed = {"state": state, "owner": "", "tries": message.tries + 1, "code": cut(code, 100),
                         "not_before": 0 if not_before is None else to_us(not_before),
                         "ended_at": None if state == "waiting" else to_us(at)}

    def want(self, wants: Wants) -> None:
        """Nothing that a batch shares."""

    def apply(self, page: Page) -> None:
        """Only while it has not ended."""
        page.connection.execute(update(tables.messages).where(
            _COLUMNS.job_id == self._job_id, _COLUMNS.number == self._number, _COLUMNS.state == "waiting")
            .values(**self._changed))


def _due(at: int, now: int, most: int) -> Select[Any]:
    owners, earlier = tables.owners.c, tables.messages.alias()
    living = select(owners.id).where(owners.lease_until >= now)
    blocked = exists().where(and_(earlier.c.job_id == _COLUMNS.job_id, earlier.c.number < _COLUMNS.number,
                                  earlier.c.state == "waiting"))
    return (select(tables.messages)
            .where(_COLUMNS.state == "waiting", _COLUMNS.not_before <= at, _COLUMNS.owner.not_in(living), ~blocked)
            .order_by(_COLUMNS.not_before, _COLUMNS.job_id).limit(most)
            .with_for_update(of=tables.messages, skip_locked=True))
