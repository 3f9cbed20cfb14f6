"""Prometheus metrics of a worker: its line, its seconds, what it made, what it burnt and what the card holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .works import Works

__all__ = ["Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
_PARTS = ("queue", "lora", "make", "write", "send")


class Metrics:
    """One registry per app; names begin with `breakeven_worker_`. What is not known has no sample, never a 0."""

    def __init__(self, works: Works) -> None:
        self._registry = CollectorRegistry()
        self._last: Gauge | None = None
        self._counts = {
            "images": self._counter("images", "Images made"),
            "pixel_steps": self._counter("pixel_steps", "Pixels x steps made"),
            "left_waiting": self._counter("left_waiting", "Callers that hung up while they waited"),
            "left_running": self._counter("left_running", "Callers that hung up while their images were made"),
            "stopped_between_steps": self._counter("stopped_between_steps", "Batches stopped because nobody waited"),
            "made_for_nobody": self._counter("made_for_nobody", "Images made whose caller had hung up by then"),
            "undelivered": self._counter("undelivered", "Answers made that could not be sent"),
            "kept_answers": self._counter("kept_answers", "Answers sent from those that were kept"),
            "batches_split": self._counter("batches_split", "Batches halved because they did not fit"),
            "out_of_memory": self._counter("out_of_memory", "Images that did not fit"),
            "failures": self._counter("failures", "Batches the pipeline failed at")}
        self._seconds = Histogram("breakeven_worker_seconds", "Seconds by part of the work", ("part",),
                                  buckets=_SECONDS, registry=self._registry)
        self._answers = Counter("breakeven_worker_answers", "HTTP answers", ("path", "status", "code"),
                                registry=self._registry)
        for name, text, read in (
                ("waiting", "Requests that wait", lambda: works.waiting),
                ("under_way", "Requests that were begun", lambda: works.under_way),
                ("waiting_seconds", "Predicted seconds of work ahead of a new request", lambda: works.waiting_s),
                ("ready", "1 where requests are taken", lambda: works.state == "ready")):
            Gauge(f"breakeven_worker_{name}", text, registry=self._registry).set_function(read)
        if (meter := works.meter) is not None:
            self._of_card("power_watts", "Power of the card", meter.watts)
            self._of_card("vram_used_bytes", "Memory of the card in use by anybody", lambda: _part(meter.memory(), 0))
            self._of_card("vram_bytes", "Memory of the card", lambda: _part(meter.memory(), 1))
        works.heard = self.hear

    @property
    def content_type(self) -> str:
        """Of the page."""
        return CONTENT_TYPE_LATEST

    def page(self) -> bytes:
        """Every metric as text."""
        return generate_latest(self._registry)

    def answered(self, path: str, *, status: int, code: str = "") -> None:
        """An answer on a path, as the app's routes spell it."""
        self._answers.labels(path, str(status), code).inc()

    def hear(self, name: str, value: float) -> None:
        """Count what the works tell."""
        part = name.removesuffix("_s")
        if name == "joules":
            self._burnt(value)
        elif part in _PARTS and part != name:
            self._seconds.labels(part).observe(value)
        else:
            self._counts[name].inc(value)

    def _of_card(self, name: str, text: str, read: Callable[[], float | None]) -> None:
        """What the card does not tell now has no sample."""
        if read() is not None:
            gauge = Gauge(f"breakeven_worker_{name}", text, registry=self._registry)
            gauge.set_function(lambda: math.nan if (value := read()) is None else value)

    def _burnt(self, joules: float) -> None:
        if self._last is None:
            self._counts["joules"] = self._counter("joules", "Joules of the card while images were made")
            self._last = Gauge("breakeven_worker_last_batch_joules", "Joules of the last batch",
                               registry=self._registry)
        self._counts["joules"].inc(joules)
        self._last.set(joules)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"breakeven_worker_{name}", text, registry=self._registry)


def _part(pair: tuple[int, int] | None, at: int) -> float | None:
    return None if pair is None else float(pair[at])
