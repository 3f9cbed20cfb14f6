"""Pasts as files and as books: one list of requests, three ways to write it down."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from pyarrow import Table, parquet
from sqlalchemy import insert

from planner.past import Kind, Past
from router.ledger.open import open_books
from router.ledger.tables import requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from planner.trace import Trace


@dataclass(frozen=True)
class Asked:
    """A row."""

    at: float
    n: int
    segment: str = "bulk"
    size: str = "1024x1024"
    quality: str = "medium"
    operation: str = "generate"


def rows_of(trace: Trace, segments: Sequence[str] = ("bulk",)) -> list[Asked]:
    """The requests of a trace, dealt to the segments in turn."""
    return [Asked(round(at, 6), n, segments[place % len(segments)])
            for place, (at, n) in enumerate(zip(trace.arrived.tolist(), trace.images.tolist(), strict=True))]


def past_of(trace: Trace, segment: str = "") -> Past:
    """A trace whose requests are all of one kind."""
    return Past(trace, (Kind(segment),), np.zeros(trace.arrived.size, dtype=np.int64), "past.csv", "d" * 64)


def as_csv(rows: Sequence[Asked], path: Path) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("arrived_at", "n", "segment", "width", "height", "quality", "operation"))
        writer.writerows((instant(row.at).isoformat(), row.n, row.segment, *row.size.split("x"), row.quality,
                          row.operation) for row in rows)
    return path


def as_parquet(rows: Sequence[Asked], path: Path) -> Path:
    columns = {"arrived_at": [instant(row.at) for row in rows], "n": [row.n for row in rows],
               "size": [row.size for row in rows], "segment": [row.segment for row in rows],
               "quality": [row.quality for row in rows], "operation": [row.operation for row in rows]}
    parquet.write_table(Table.from_pydict(columns), path)
    return path


def as_books(rows: Sequence[Asked], path: Path) -> str:
    books = open_books(f"sqlite:///{path}")
    with books.writes.begin() as connection:
        connection.execute(insert(requests), [
            {"id": f"r{place:08}", "received_at": round(row.at * 1e6), "segment": row.segment, "size_asked": row.size,
             "quality_asked": row.quality, "n_asked": row.n, "operation": row.operation, "state": "ok",
             "policy_digest": "p"} for place, row in enumerate(rows)])
    books.dispose()
    return f"sqlite:///{path}"


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
