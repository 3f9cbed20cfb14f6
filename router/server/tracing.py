"""OpenTelemetry spans where the library is installed: `gen_ai.*` where it is defined, `breakeven.*` beside it.

No exporter is set up here: a service configures its own, and without one spans cost next to nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..events import Event

__all__ = ["Tracing"]

_NANOSECONDS = 1e9
_MOST_OPEN = 10_000
_NAME = "image_generation"
_WELL = frozenset({"ok", "partial"})


class Tracing:
    """One span per request, one child per attempt; never a prompt, a key or a picture."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Any] = OrderedDict()
        self._api: Any = None
        if importlib.util.find_spec("opentelemetry") is not None:
            self._api = importlib.import_module("opentelemetry.trace")
            self._contexts = importlib.import_module("opentelemetry.context")
            self._propagate = importlib.import_module("opentelemetry.propagate")

    @contextmanager
    def under(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Spans of what happens inside are children of the caller's, where its `traceparent` says so."""
        if self._api is None:
            yield
            return
        token = self._contexts.attach(self._propagate.extract({name.lower(): headers[name] for name in headers}))
        try:
            yield
        finally:
            self._contexts.detach(token)

    def hear(self, event: Event) -> None:
        """Open and close spans as events come."""
        if self._api is None:
            return
        if event.name == "request_decided":
            self._request(event)
        elif event.name == "attempt_sent":
            self._attempt(event)
        elif event.name in ("attempt_ended", "request_closed"):
            self._end(event, event.attempt_id or event.request_id)

    def _request(self, event: Event) -> None:
        self._start(event.request_id, _NAME, event, context=None, attributes={
            "gen_ai.operation.name": _NAME, "gen_ai.output.type": "image", "breakeven.request_id": event.request_id,
            "breakeven.tenant": event.tenant, "breakeven.option": event.option})
        if not event.option:
            self._end(event, event.request_id, ended="no_option")

    def _attempt(self, event: Event) -> None:
        parent = self._open.get(event.request_id)
        context = self._api.set_span_in_context(parent) if parent is not None else None
        backend, _, model = event.option.partition("/")
        self._start(event.attempt_id, f"{_NAME} {event.option}", event, context=context, attributes={
            "gen_ai.operation.name": _NAME, "gen_ai.output.type": "image", "gen_ai.provider.name": backend,
            "gen_ai.request.model": model.partition("@")[0], "breakeven.option": event.option,
            "breakeven.attempt_id": event.attempt_id})

    def _start(self, key: str, name: str, event: Event, *, context: Any, attributes: Mapping[str, str]) -> None:
        """Spans whose end never comes give way to new ones."""
        tracer = self._api.get_tracer("breakeven.router")
        self._open[key] = tracer.start_span(name, context=context, kind=self._api.SpanKind.CLIENT,
                                            start_time=_nanoseconds(event), attributes=attributes)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].end()

    def _end(self, event: Event, key: str, *, ended: str = "") -> None:
        span = self._open.pop(key, None)
        if span is None:
            return
        for name, value in event.facts.items():
            span.set_attribute(f"breakeven.{name}", value if isinstance(value, int | float | str) else str(value))
        how = ended or str(event.facts.get("state", event.facts.get("kind", "")))
        if how not in _WELL:
            span.set_attribute("error.type", how)
            span.set_status(self._api.Status(self._api.StatusCode.ERROR, how))
        span.end(end_time=_nanoseconds(event))


def _nanoseconds(event: Event) -> int:
    return int(event.at.timestamp() * _NANOSECONDS)
