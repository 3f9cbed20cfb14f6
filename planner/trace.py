"""A trace of requests: when they came, how many images each asked for, how long each held a card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .queueing import Array

__all__ = ["DAY_S", "Trace"]

DAY_S = 86_400.0


@dataclass(frozen=True)
class Trace:
    """Requests in order of time.

    Attributes:
        arrived: seconds since 1970 in UTC.
        images: images of each request.
        service: GPU-seconds of each whole request; NaN where nobody wrote them down.
    """

    arrived: Array
    images: NDArray[np.int64]
    service: Array

    @property
    def timed(self) -> NDArray[np.bool_]:
        """Whether the GPU-seconds of a request are known."""
        return ~np.isnan(self.service)

    def between(self, begin: float, end: float) -> Trace:
        """The requests from `begin` on and before `end`."""
        first, last = np.searchsorted(self.arrived, (begin, end))
        return Trace(self.arrived[first:last], self.images[first:last], self.service[first:last])

    def at_seconds_per_image(self, seconds: float) -> Trace:
        """The same requests, each of whose images holds a card for so many seconds."""
        return replace(self, service=self.images.astype(np.float64) * seconds)
