"""A day of the router's own books, request by request, as a recorded day to be decided again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from .books import reading
from .rows import from_us, to_us
from .tables import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from .books import Books

__all__ = ["recorded_requests"]

_AT_ONCE = 1_000
_ENDS = {"ok": "ok", "partial": "ok", "refused": "refused"}


def recorded_requests(books: Books, since: datetime, *, until: datetime) -> Iterator[Mapping[str, Any]]:
    """Requests that were received from one instant to another and have ended, oldest first, a thousand at a time.

    Cells are named as the columns of a recorded day. One that was rejected before anything was decided, because it
    could not be honoured as written, is left out.

    Raises:
        LedgerError: the books cannot be read.
    """
    key = (requests.c.received_at, requests.c.id)
    asked = (select(requests).where(key[0] >= to_us(since), key[0] < to_us(until), requests.c.state != "",
                                    requests.c.policy_digest != "").order_by(*key).limit(_AT_ONCE))
    after: tuple[int, str] | None = None
    while True:
        page = asked if after is None else asked.where(tuple_(*key) > tuple_(*after))
        with reading(books) as connection:
            found = connection.execute(page).mappings().all()
        yield from map(_cells, found)
        if len(found) < _AT_ONCE:
            return
        after = (found[-1]["received_at"], found[-1]["id"])


def _cells(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    model = f"{row['backend']}/{row['model']}{'@' if row['quality'] else ''}{row['quality']}" if row["model"] else ""
    return {"at": from_us(row["received_at"]).isoformat(), "prompt_chars": row["prompt_chars"],
            "text_words": row["text_words"], "model": row["model_asked"], "size": row["size_asked"],
            "quality": row["quality_asked"], "n": row["n_asked"], "operation": row["operation"],
            "references": row["references"], "segment": row["segment"], "tenant": row["tenant"],
            "data_class": row["data_class"], "actual_model": model, "actual_usd": f"{row['usd_micro'] / 1e6:.6f}",
            "actual_state": _ENDS.get(row["state"], "failed"), "actual_latency_s": row["latency_s"]}
