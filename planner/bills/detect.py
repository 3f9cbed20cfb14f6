"""Which export a file is, by its first row. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import PlannerError

from . import bfl, fal, litellm, openai_costs, openai_usage, replicate
from .cells import shown_name, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .uses import Event, Row

__all__ = ["FILE_FORMATS", "READERS", "detected"]

READERS: Mapping[str, Callable[[Iterable[Row]], Iterator[Event]]] = {
    openai_usage.SOURCE: openai_usage.read_openai_usage, openai_costs.SOURCE: openai_costs.read_openai_costs,
    litellm.SOURCE: litellm.read_litellm, bfl.SOURCE: bfl.read_bfl, fal.SOURCE: fal.read_fal,
    replicate.SOURCE: replicate.read_replicate}
FILE_FORMATS = tuple(READERS)
_OBJECTS = {openai_usage.RESULT: openai_usage.SOURCE, openai_costs.RESULT: openai_costs.SOURCE}
_COLUMNS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    litellm.SOURCE: (("call_type", "starttime"), ("starttime", "spend")),
    openai_costs.SOURCE: (("start_time", "amount_value"), ("start_time_iso", "amount_value")),
    openai_usage.SOURCE: (("start_time", "images"), ("start_time_iso", "images")),
    fal.SOURCE: (("endpoint_id", "quantity"), ("time_series",)),
    replicate.SOURCE: (("created_at", "status", "version"), ("created_at", "status", "input"),
                       ("created_at", "status", "metrics"))}


def detected(row: Row) -> str:
    """The format of an export whose first row this is; empty where the row could be of several, as an empty bucket.

    Raises:
        PlannerError: none of the formats.
    """
    names = {name.lower() for name in row.cells}
    found = next((source for source, sets in _COLUMNS.items() if any(names >= set(wanted) for wanted in sets)), "")
    if found:
        return found
    results = row.cells.get("results")
    if isinstance(results, list) and "next" in row.cells:
        return replicate.SOURCE
    listed = row.cells.get("data")
    if isinstance(listed, list) and listed and "call_type" in table(listed[0]):
        return litellm.SOURCE
    if {"data", "results"} & names or names >= {"start_time", "end_time"}:
        return _openai(row)
    if names & set(bfl.WHEN) and names & {"model", "endpoint"} and names & {*bfl.CREDITS, "cost_usd"}:
        return bfl.SOURCE
    raise PlannerError(f"{row.place}: {len(names)} columns or keys, those of no known export; known are "
                       f"{', '.join(FILE_FORMATS)} (docs/bills.md lists their columns), or name one with --format")


def _openai(row: Row) -> str:
    listed = row.cells.get("data")
    for bucket in listed if isinstance(listed, list) else (row.cells,):
        results = table(bucket).get("results")
        for result in results if isinstance(results, list) else ():
            kind = table(result).get("object")
            if isinstance(kind, str) and kind in _OBJECTS:
                return _OBJECTS[kind]
            raise PlannerError(f"{row.place}: object = {shown_name(kind)!r}: neither usage of images nor costs; fetch "
                               "/v1/organization/usage/images or /v1/organization/costs")
    return ""
