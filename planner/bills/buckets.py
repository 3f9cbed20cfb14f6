"""Buckets of OpenAI's usage and costs: a page, a lone bucket, or a row of the dashboard's CSV. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cells import first_of, instant, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .uses import Row

__all__ = ["TIMES", "Bucket", "buckets_of"]

TIMES = frozenset({"object", "start_time", "end_time", "start_time_iso", "end_time_iso"})
"""Cells of a flat row that belong to its bucket."""


@dataclass(frozen=True)
class Bucket:
    """A stretch of time with its results, each with its place; `more` where other pages follow it."""

    place: str
    begin: float
    end: float
    results: tuple[tuple[str, dict[str, object]], ...]
    more: bool = False


def buckets_of(row: Row) -> Iterator[Bucket]:
    """The buckets of a page (`data`), of a document that is one (`results`), or of a flat row.

    Raises:
        PlannerError: a bucket without its times or its results, or one that ends before it begins.
    """
    cells = row.cells
    if "data" not in cells:
        yield _bucket(row.place, cells, more=False)
        return
    data = cells["data"]
    if not isinstance(data, list):
        raise refused(row.place, data, key="data", problem="no list of buckets", remedy="give the page as it came")
    for number, found in enumerate(data):
        place = f"{row.place}: data[{number}]"
        if not isinstance(found, dict):
            raise refused(place, found, key="bucket", problem="no JSON object", remedy="give the page as it came")
        yield _bucket(place, found, more=cells.get("has_more") is True and number == len(data) - 1)


def _bucket(place: str, cells: dict[str, object], *, more: bool) -> Bucket:
    begin, end = (instant(place, value, key=name) for name, value in (
        first_of(cells, ("start_time", "start_time_iso")), first_of(cells, ("end_time", "end_time_iso"))))
    if end <= begin:
        raise refused(place, cells.get("end_time"), key="end_time", problem="the bucket ends before it begins",
                      remedy="give the export as it was downloaded")
    if "results" not in cells:
        return Bucket(place, begin, end, ((place, cells),), more)
    listed = cells["results"]
    if not isinstance(listed, list) or not all(isinstance(result, dict) for result in listed):
        raise refused(place, listed, key="results", problem="no list of results", remedy="give the page as it came")
    return Bucket(place, begin, end, tuple((f"{place}.results[{at}]", result) for at, result in enumerate(listed)),
                  more)
