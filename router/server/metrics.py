"""Prometheus metrics, counted from the router's own events, so that they agree with the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..board import Board
    from ..events import Event

__all__ = ["Metrics"]

_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 90, 120, 180, 300, 600)


class Metrics:
    """One registry per server; names begin with `breakeven_`."""

    def __init__(self, board: Board, jobs_running: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("breakeven_requests", "Requests by how they ended", ("segment", "backend", "state"),
                                 registry=self._registry)
        self._images = Counter("breakeven_images", "Images delivered", ("segment", "backend"), registry=self._registry)
        self._usd = Counter("breakeven_usd", "US dollars settled, late answers included", ("option",),
                            registry=self._registry)
        self._attempts = Counter("breakeven_attempts", "Attempts by how they ended", ("option", "kind", "code"),
                                 registry=self._registry)
        self._seconds = Histogram("breakeven_request_seconds", "From acceptance to the answer", ("segment", "backend"),
                                  buckets=_SECONDS, registry=self._registry)
        self._answers = Counter("breakeven_answers", "HTTP answers, refused ones too; 499 is a caller that hung up",
                                ("path", "status"), registry=self._registry)
        self._told = Counter("breakeven_events", "Events worth a look", ("name",), registry=self._registry)
        self._jobs = Counter("breakeven_jobs_ended", "Jobs by how they ended", ("state",), registry=self._registry)
        self._faults = Counter("breakeven_faults", "Faults of the server itself", ("kind",), registry=self._registry)
        Gauge("breakeven_calls_in_flight", "Calls to backends now", registry=self._registry).set_function(
            board.in_flight)
        Gauge("breakeven_jobs_running", "Jobs this process works on now, those in a batch lane too",
              registry=self._registry).set_function(jobs_running)

    @property
    def content_type(self) -> str:
        """Of the page."""
        return CONTENT_TYPE_LATEST

    def page(self) -> bytes:
        """Every metric as text."""
        return generate_latest(self._registry)

    def answered(self, path: str, status: int) -> None:
        """An answer on a path, as the server's routes spell it."""
        self._answers.labels(path, str(status)).inc()

    def fault(self, kind: str) -> None:
        """A fault of the server itself."""
        self._faults.labels(kind).inc()

    def hear(self, event: Event) -> None:
        """Count an event."""
        facts = event.facts
        if event.name == "attempt_ended":
            self._attempts.labels(event.option, str(facts["kind"]), str(facts["code"])[:40]).inc()
            self._usd.labels(event.option).inc(int(str(facts["usd_micro"])) / 1e6)
        elif event.name == "request_closed":
            segment, backend = str(facts["segment"]), str(facts["backend"])
            self._requests.labels(segment, backend, str(facts["state"])).inc()
            self._images.labels(segment, backend).inc(int(str(facts["images"])))
            self._seconds.labels(segment, backend).observe(float(str(facts["latency_s"])))
        elif event.name == "job_ended":
            self._jobs.labels(str(facts["state"])).inc()
        elif event.name not in ("request_decided", "attempt_sent"):
            self._told.labels(event.name).inc()
