"""Seconds of a batch and of its steps: wall clock everywhere, CUDA events on a card."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Clock", "StepWatch"]


class StepWatch:
    """Stands where diffusers shows its progress bar: entered before the first step, updated after each.

    On a card the steps are only queued when `update` is called, so the one before is waited for: a caller who is gone
    is seen within a step, and the card never runs dry.
    """

    def __init__(self, device: str, on_step: Callable[[int, int], None] | None) -> None:
        self._on_card, self._device, self._on_step = device.startswith("cuda"), device, on_step
        self._done, self._total, self._begun = 0, 0, 0.0
        self._last: Any = None
        self.seconds: float | None = None

    def of(self, *, total: int) -> StepWatch:
        """Itself: it takes the place of `DiffusionPipeline.progress_bar`."""
        self._total = total
        return self

    def __enter__(self) -> Self:
        self._wait_for_all()
        self._begun = perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._wait_for_all()
            self.seconds = perf_counter() - self._begun

    def update(self, steps: int = 1) -> None:
        """One more step was made."""
        if self._on_card:
            import torch  # noqa: PLC0415 (loading it takes seconds)

            if self._last is not None:
                self._last.synchronize()
            self._last = torch.cuda.Event()
            self._last.record(torch.cuda.current_stream(self._device))
        self._done += steps
        if self._on_step is not None:
            self._on_step(self._done, self._total)

    def _wait_for_all(self) -> None:
        if self._on_card:
            import torch  # noqa: PLC0415 (as above)

            torch.cuda.synchronize(self._device)


class Clock:
    """Wall seconds of a block and, on a card, the seconds between two of its events and its peak memory."""

    def __init__(self, device: str) -> None:
        self._device, self._on_card = device, device.startswith("cuda")
        self.wall, self._begun = 0.0, 0.0
        self.device: float | None = None
        self.peak_bytes: int | None = None
        self._event: Any = None

    def __enter__(self) -> Self:
        if self._on_card:
            import torch  # noqa: PLC0415 (as above)

            torch.cuda.reset_peak_memory_stats(self._device)
            torch.cuda.synchronize(self._device)
            self._event = torch.cuda.Event(enable_timing=True)
            self._event.record(torch.cuda.current_stream(self._device))
        self._begun = perf_counter()
        return self

    def __exit__(self, *ignored: object) -> None:
        if self._on_card:
            import torch  # noqa: PLC0415 (as above)

            end = torch.cuda.Event(enable_timing=True)
            end.record(torch.cuda.current_stream(self._device))
            end.synchronize()
            self.device = self._event.elapsed_time(end) / 1000
            self.peak_bytes = torch.cuda.max_memory_allocated(self._device)
        self.wall = perf_counter() - self._begun
