"""Attempts of one day added up in the database, or each by itself: what every report of actuals is made of. Only reads.

A day at a time, so that neither the database's sort nor this process holds more than a day's sums, whatever the size of
the books. All days of a month are read in one transaction and agree with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from operator import add
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Float, Numeric, case, cast, exists, func, literal, literal_column, select

from router.ledger.page import OPEN
from router.ledger.rows import to_us
from router.ledger.tables import attempts, months, requests, rollups

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from .month import Month

__all__ = ["Cell", "attempt_cells", "day_cells", "is_pruned", "kept_cells"]

_DAY = timedelta(days=1)
_AT_ONCE = 1_000
# The database sorts what it adds up; hours sort faster than a day, and in memory.
_PARTS = 8
_KEYS = ("tenant", "project", "segment", "cost_center", "backend", "model", "quality", "tier", "size", "price_row")
_KEY_COLUMNS = len(_KEYS) + 2


@dataclass(frozen=True, slots=True)
class Cell:
    """Attempts that share everything a row of a report is told apart by.

    Attributes:
        tier: `sync` or `batch`, the lane; `size` as it was sent.
        price_row: id of the price row behind it; empty for own GPUs.
        delivered: whether they brought an image.
        simulated: whether the built-in simulator answered.
        wanted: images asked for by those that cost something.
        settled_micro_usd: what the books settled them at.
        listed_micro_usd: the list price of those that cost something.
        elapsed_us: from sending to the end, waiting at the other side included.
        unsettled: attempts without an end.
        doubtful_micro_usd: what stands as possibly billed, at the reserve.
        retries, fallbacks: attempts after one that brought nothing, at the same option or at another.
        attempt_id, provider_request, reserved_at: of a single attempt.
    """

    tenant: str = ""
    project: str = ""
    segment: str = ""
    cost_center: str = ""
    backend: str = ""
    model: str = ""
    quality: str = ""
    tier: str = ""
    size: str = ""
    price_row: str = ""
    delivered: int = 0
    simulated: int = 0
    attempts: int = 0
    images: int = 0
    wanted: int = 0
    settled_micro_usd: int = 0
    listed_micro_usd: int = 0
    elapsed_us: int = 0
    unsettled: int = 0
    doubtful_micro_usd: int = 0
    retries: int = 0
    retries_micro_usd: int = 0
    fallbacks: int = 0
    fallbacks_micro_usd: int = 0
    attempt_id: str = ""
    provider_request: str = ""
    reserved_at: int = 0


def day_cells(connection: Connection, month: Month) -> Iterator[tuple[datetime, tuple[Cell, ...]]]:
    """The sums of each day of a month, in order; an attempt belongs to the day it was reserved on."""
    asked = _summed(connection.dialect.name)
    for day in month.days():
        found: dict[tuple[Any, ...], tuple[int, ...]] = {}
        for part in range(_PARTS):
            begin = day + part * _DAY / _PARTS
            for row in connection.execute(asked.where(*_within(begin, begin + _DAY / _PARTS))):
                key, sums = row[:_KEY_COLUMNS], row[_KEY_COLUMNS:]
                found[key] = tuple(map(add, found[key], sums)) if key in found else tuple(sums)
        yield day, tuple(Cell(*key, *sums) for key, sums in sorted(found.items()))


def attempt_cells(connection: Connection, day: datetime) -> Iterator[Cell]:
    """Every attempt of a day by itself, oldest first, streamed."""
    tried = attempts.c
    asked = _single(connection.dialect.name).where(*_within(day, day + _DAY)).order_by(tried.reserved_at, tried.id)
    result = connection.execution_options(yield_per=_AT_ONCE).execute(asked)
    for row in result.mappings():
        yield Cell(**row)


def is_pruned(connection: Connection, month: Month) -> bool:
    """Whether the month's rows are gone and only its roll-up is left."""
    kept = connection.execute(select(months.c.pruned_at).where(months.c.month == month.text)).scalar()
    return kept is not None


def kept_cells(connection: Connection, month: Month) -> tuple[Cell, ...]:
    """A pruned month's roll-up: no days, sizes, projects or cost centres are left in it."""
    kept = rollups.c
    rows = connection.execute(select(rollups).where(kept.month == month.text, kept.backend != "")
                              .order_by(kept.tenant, kept.segment, kept.backend, kept.model, kept.quality))
    return tuple(Cell(tenant=row.tenant, segment=row.segment, backend=row.backend, model=row.model,
                      quality=row.quality, delivered=int(row.images > 0), attempts=row.attempts, images=row.images,
                      wanted=row.attempts, settled_micro_usd=row.settled_micro_usd,
                      listed_micro_usd=row.settled_micro_usd) for row in rows)


def _within(begin: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return attempts.c.reserved_at >= to_us(begin), attempts.c.reserved_at < to_us(end)


def _keys() -> list[ColumnElement[Any]]:
    """What cells are told apart by; an attempt whose request is lost counts with empty names.

    Written without bound values, because PostgreSQL takes two of the same value for two different groups.
    """
    named = [func.coalesce(requests.c[name], literal_column("''")) if name not in attempts.c else attempts.c[name]
             for name in _KEYS]
    one: ColumnElement[int] = literal_column("1")
    none: ColumnElement[int] = literal_column("0")
    flags = {"delivered": attempts.c.images > none,
             "simulated": attempts.c.flags.like(literal_column("'%simulated%'"))}
    return [*(column.label(name) for name, column in zip(_KEYS, named, strict=True)),
            *(case((holds, one), else_=none).label(name) for name, holds in flags.items())]


def _measures(dialect: str) -> dict[str, ColumnElement[Any]]:
    tried = attempts.c
    settled, ended = tried.settled_micro_usd, tried.settled_at - func.coalesce(tried.sent_at, tried.reserved_at)
    again, elsewhere = _after_nothing()
    return {"images": tried.images, "wanted": case((settled > 0, tried.n), else_=0), "settled_micro_usd": settled,
            "listed_micro_usd": _listed(dialect), "elapsed_us": func.coalesce(ended, 0),
            "unsettled": case((tried.state.in_(OPEN), 1), else_=0),
            "doubtful_micro_usd": case((tried.state == "possibly_billed", settled), else_=0),
            "retries": case((again, 1), else_=0), "retries_micro_usd": case((again, settled), else_=0),
            "fallbacks": case((elsewhere, 1), else_=0), "fallbacks_micro_usd": case((elsewhere, settled), else_=0)}


def _listed(dialect: str) -> ColumnElement[Any]:
    """Micro-dollars of the list price, for what was charged; what it was settled at where no quote is kept."""
    kind: Float[Any] | Numeric[Any] = Float() if dialect == "sqlite" else Numeric()
    quoted = cast(func.round(cast(func.nullif(attempts.c.quoted_usd, ""), kind) * 1_000_000), BigInteger)
    settled = attempts.c.settled_micro_usd
    return case((settled > 0, func.coalesce(quoted, settled)), else_=0)


def _after_nothing() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether an attempt follows one of its request that brought no image: at the same option, or only at others.

    The number is asked first, so that only later attempts look at earlier ones.
    """
    tried, before = attempts.c, attempts.alias().c
    earlier = exists().where(before.request_id == tried.request_id, before.number < tried.number, before.images == 0)
    alike = earlier.where(before.backend == tried.backend, before.model == tried.model)
    return (case((tried.number == 1, literal(0)), (alike, literal(1)), else_=literal(0)) == 1,
            case((tried.number == 1, literal(0)), (alike, literal(0)), (earlier, literal(1)), else_=literal(0)) == 1)


def _summed(dialect: str) -> Select[Any]:
    keys, measures = _keys(), _measures(dialect)
    sums = [cast(func.coalesce(func.sum(column), 0), BigInteger).label(name) for name, column in measures.items()]
    return (select(*keys, func.count().label("attempts"), *sums)
            .select_from(attempts.outerjoin(requests, requests.c.id == attempts.c.request_id))
            .group_by(*keys))


def _single(dialect: str) -> Select[Any]:
    measures = [column.label(name) for name, column in _measures(dialect).items()]
    tried = attempts.c
    return (select(*_keys(), literal(1).label("attempts"), *measures, tried.id.label("attempt_id"),
                   tried.provider_request, tried.reserved_at)
            .select_from(attempts.outerjoin(requests, requests.c.id == attempts.c.request_id)))
