"""OpenTelemetry spans of requests, where the library is installed: `gen_ai.*` where it is defined, `breakeven.*` beside it.

No exporter is set up here: a service configures its own, and without one spans cost next to nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..events import Event

__all__ = ["Tracing"]

_NANOSECONDS = 1e9
_MOST_OPEN = 10_000


class Tracing:
    """One span per request, one child per attempt; never a prompt, a key or a picture."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._open: dict[str, Any] = {}
        if importlib.util.find_spec("opentelemetry") is not None:
            self._trace = importlib.import_module("opentelemetry.trace")
            self._tracer = self._trace.get_tracer("breakeven.router")

    def hear(self, event: Event) -> None:
        """Open and close spans as events come."""
        if self._tracer is None:
            return
        if event.name == "request_decided" and len(self._open) < _MOST_OPEN:
            self._open[event.request_id] = self._tracer.start_span(
                "image_generation", start_time=_nanoseconds(event), attributes={
                    "gen_ai.operation.name": "image_generation", "gen_ai.output.type": "image",
                    "breakeven.request_id": event.request_id, "breakeven.tenant": event.tenant,
                    "breakeven.option": event.option})
        elif event.name == "attempt_sent" and len(self._open) < _MOST_OPEN:
            parent = self._open.get(event.request_id)
            context = self._trace.set_span_in_context(parent) if parent is not None else None
            self._open[event.attempt_id] = self._tracer.start_span(
                f"image_generation {event.option}", context=context, start_time=_nanoseconds(event), attributes={
                    "gen_ai.operation.name": "image_generation", "gen_ai.provider.name": event.option.partition("/")[0],
                    "gen_ai.request.model": event.option.partition("/")[2], "breakeven.attempt_id": event.attempt_id})
        elif event.name in ("attempt_ended", "request_closed"):
            self._end(event, event.attempt_id or event.request_id)

    def _end(self, event: Event, name: str) -> None:
        span = self._open.pop(name, None)
        if span is not None:
            for key, value in event.facts.items():
                span.set_attribute(f"breakeven.{key}", value if isinstance(value, int | float | str) else str(value))
            span.end(end_time=_nanoseconds(event))


def _nanoseconds(event: Event) -> int:
    return int(event.at.timestamp() * _NANOSECONDS)
