"""LiteLLM's spend logs: `GET /spend/logs?summarize=false`, pages of its log view, or rows of its table.

Rows come as JSON, JSON lines or CSV of `LiteLLM_SpendLogs`. Columns:
https://github.com/BerriAI/litellm/blob/main/schema.prisma (`request_id`, `call_type`, `startTime`, `spend`, `model`,
`custom_llm_provider`, `api_key` (a hash), `team_id`, `status`, `cache_hit`), routes in
https://docs.litellm.ai/docs/proxy/cost_tracking. Size, quality and number of images are in a row only where the proxy
stores requests (`proxy_server_request`) or answers (`response`); prompts in them are not looked at.

`spend` is what LiteLLM computed, not what the vendor billed; 0 for an image is taken as unknown, because image models
without a price are logged so (https://github.com/BerriAI/litellm/issues/26863).

Not confirmed against a real export.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .cells import amount, count, instant, refused, shown_key, shown_name, size_of, table, word
from .uses import Kind, Passed, Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from .uses import Event, Row

__all__ = ["SOURCE", "read_litellm"]

SOURCE = "litellm"
_OPERATIONS = {"image_generation": "generate", "aimage_generation": "generate", "image_edit": "edit",
               "aimage_edit": "edit", "image_variation": "edit", "aimage_variation": "edit"}
_VENDORS = {"fal_ai": "fal", "black_forest_labs": "bfl", "together_ai": "together"}
_NEEDED = ("call_type", "starttime", "spend", "model")


def read_litellm(rows: Iterable[Row]) -> Iterator[Event]:
    """Images request by request, with LiteLLM's own figure of the cost.

    Raises:
        PlannerError: a missing column, or a value that cannot be read.
    """
    for row in rows:
        listed = row.cells.get("data")
        if isinstance(listed, list):
            yield from (_event(f"{row.place}: data[{number}]", table(found)) for number, found in enumerate(listed))
        else:
            yield _event(row.place, row.cells)


def _event(place: str, told: dict[str, object]) -> Event:
    cells = {name.lower(): value for name, value in told.items()}
    for name in _NEEDED:
        if name not in cells:
            raise refused(place, "", key={"starttime": "startTime"}.get(name, name), problem="missing",
                          remedy="export whole rows of the spend logs (summarize=false)")
    operation = _OPERATIONS.get(word(cells["call_type"]))
    if operation is None:
        return Passed(SOURCE, "calls that make no image")
    if word(cells.get("status")) == "failure":
        return Passed(SOURCE, "failed requests")
    if str(cells.get("cache_hit")).strip().lower() == "true":
        return Passed(SOURCE, "answers from LiteLLM's cache")
    begin = instant(place, cells["starttime"], key="startTime")
    spend = amount(place, cells["spend"], key="spend")
    asked, answer = _stored(cells.get("proxy_server_request")), _stored(cells.get("response"))
    asked = table(asked.get("body")) or asked
    made, assumed = _images(place, asked, answer)
    kind = Kind(SOURCE, _names(cells), size_of(answer.get("size")) or size_of(asked.get("size")),
                word(answer.get("quality")) or word(asked.get("quality")) or None, operation)
    paid: Decimal | None = spend or None
    unknown = () if spend else ("spend of 0 USD taken as unknown, not as free",)
    return Use(place, begin, begin, kind, made, 1, paid, shown_name(cells.get("team_id")),
               shown_key(cells.get("api_key")), str(cells.get("request_id") or ""), assumed=(*assumed, *unknown))


def _images(place: str, asked: dict[str, object], answer: dict[str, object]) -> tuple[int, tuple[str, ...]]:
    listed = answer.get("data")
    if isinstance(listed, list) and listed:
        return len(listed), ()
    if asked.get("n") not in (None, ""):
        return max(1, count(place, asked["n"], key="n")), ()
    return 1, ("one image a request",)


def _names(cells: dict[str, object]) -> tuple[str, ...]:
    """What the model is called in our table: the vendor before its own name."""
    model, provider = shown_name(cells["model"]), word(cells.get("custom_llm_provider"))
    bare = model.removeprefix(f"{provider}/")
    vendor = _VENDORS.get(provider, provider)
    return (f"{vendor}/{bare}" if vendor else bare,) if bare else ()


def _stored(value: object) -> dict[str, object]:
    """A JSON column: an object, or its text in a CSV."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return table(value)
