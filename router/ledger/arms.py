"""How requests fared under a policy, added up class by class: what a roll-out is judged by, in every process alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Float, case, cast, func, select

from .arm_values import ArmAsk, ArmSums
from .books import reading
from .rows import to_us
from .tables import attempts, requests

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from .books import Books

__all__ = ["arm_sums"]

_MOST_TEXT_CLASS = 4
_USD = 1e-6


def arm_sums(books: Books, ask: ArmAsk) -> tuple[ArmSums, ...]:
    """The sums of an arm by class of work.

    Raises:
        LedgerError: the books cannot be read.
    """
    wanted = _sums(ask)
    with reading(books) as connection:
        return tuple(ArmSums(**row) for row in connection.execute(wanted).mappings())


def _sums(ask: ArmAsk) -> Select[Any]:
    asked, wanted = requests.c, [requests.c.policy_digest == ask.digest, requests.c.closed_at.is_not(None),
                                 requests.c.received_at >= to_us(ask.since)]
    if ask.until is not None:
        wanted.append(asked.received_at < to_us(ask.until))
    if ask.tenants:
        wanted.append(asked.tenant.in_(ask.tenants))
    spent = (select(func.coalesce(func.sum(attempts.c.settled_micro_usd), 0)).where(attempts.c.request_id == asked.id)
             .correlate(requests).scalar_subquery())
    words = case((asked.text_words == 0, 0), (asked.text_words <= _MOST_TEXT_CLASS, 1), else_=2).label("words")
    ended = (select(asked.segment, asked.operation, asked.size_asked, asked.model_asked, asked.quality_asked, words,
                    asked.state, asked.n_delivered, (cast(spent, Float) * _USD).label("usd")).where(*wanted)
             .subquery()).c
    group = (ended.segment, ended.operation, ended.size_asked, ended.model_asked, ended.quality_asked, ended.words)
    return select(
        *group, func.count().label("requests"), _count(ended.state.in_(("refused", "rejected")), "refused"),
        _count(ended.state.not_in(("ok", "refused", "rejected")), "failed"),
        cast(func.coalesce(func.sum(ended.n_delivered), 0), BigInteger).label("images"),
        *(_float(value, name) for value, name in (
            (ended.usd, "usd"), (ended.usd * ended.usd, "usd_squared"),
            (ended.usd * ended.n_delivered, "usd_images"),
            (ended.n_delivered * ended.n_delivered, "images_squared")))).group_by(*group)


def _count(holds: ColumnElement[bool], name: str) -> ColumnElement[int]:
    return cast(func.sum(case((holds, 1), else_=0)), BigInteger).label(name)


def _float(value: ColumnElement[Any], name: str) -> ColumnElement[float]:
    return cast(func.coalesce(func.sum(value), 0), Float).label(name)
