"""How many of a month's images people accepted. Only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, case, cast, func, select

from router.acceptance import Looked
from router.ledger.rows import to_us
from router.ledger.tables import outcomes, requests

from .groups import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from .groups import By
    from .month import Month

__all__ = ["judged_images"]


def judged_images(connection: Connection, month: Month, *, by: By) -> Mapping[str, Looked]:
    """Accepted and judged images of the requests received in a month; an edited image counts as accepted."""
    asked = requests.c
    names = ("tenant", "project", "segment", "cost_center", "backend", "model", "quality")
    of = [asked[name] for name in names]
    accepted = cast(func.sum(case((outcomes.c.verdict == "rejected", 0), else_=1)), BigInteger)
    # No plain column, or SQLite walks through every request of the month to find the few that were judged.
    received_at = asked.received_at + 0
    rows = connection.execute(
        select(*of, accepted.label("accepted"), func.count().label("judged"))
        .join(requests, asked.id == outcomes.c.request_id)
        .where(received_at >= to_us(month.begin), received_at < to_us(month.end)).group_by(*of))
    found: dict[str, Looked] = {}
    for row in rows.mappings():
        name = name_of(by, {key: row[key] for key in names})
        before = found.get(name, Looked(0, 0))
        found[name] = Looked(before.accepted + row["accepted"], before.judged + row["judged"])
    return found
