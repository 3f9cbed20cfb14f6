"""What people made of images, summed over everything the books still hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from ..acceptance import Looked
from .books import reading
from .tables import outcomes, requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .books import Books

__all__ = ["judged"]


def judged(books: Books) -> Mapping[tuple[str, str, str], Looked]:
    """Accepted and judged images by segment, model and quality; an edited image counts as accepted."""
    of = (requests.c.segment, requests.c.model, requests.c.quality)
    accepted = func.sum(case((outcomes.c.verdict == "rejected", 0), else_=1))
    rows = select(*of, accepted, func.count()).join(requests, requests.c.id == outcomes.c.request_id).group_by(*of)
    with reading(books) as connection:
        return {(segment, model, quality): Looked(int(good), int(count))
                for segment, model, quality, good, count in connection.execute(rows)}
