"""How long an order will take: by the throughput law where it knows the model and the card, and by what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import OutOfReach
from ..service_time import ServiceAsk, timing

if TYPE_CHECKING:
    from ..service_time import Law
    from .order import Facts, Order

__all__ = ["Pace"]

# Without a law: klein 4B makes a 1024x1024 image of 4 steps in about a second on the cards of its class.
_GUESS_S_PER_PIXEL_STEP = 2.5e-7
_NEW_SHARE = 0.3
_LEAST_S = 1e-3
_MOST_CELLS = 1000
_PRECISIONS = {"none": "bf16", "fp8-wo": "fp8", "fp8": "fp8"}


class Pace:
    """Predicts seconds of a batch, and learns from every batch that was made.

    The ratio of seen to expected is kept for every kind of batch (size, steps, images, references) and overall; a kind
    that was made before is predicted by its own ratio.
    """

    def __init__(self, facts: Facts, law: Law | None = None, gpu: str = "") -> None:
        self._facts, self._law, self._gpu = facts, law if facts.model and gpu else None, gpu
        self._ratios: dict[tuple[object, ...], float] = {}
        self._overall = 1.0
        self._seen = False

    def seconds(self, order: Order) -> float:
        """Predicted seconds of a batch, from the pipeline's call to its images."""
        return max(_LEAST_S, self._expected(order) * self._ratios.get(_kind(order), self._overall))

    def learn(self, order: Order, seconds: float) -> None:
        """A batch took so long."""
        ratio, kind = seconds / max(_LEAST_S, self._expected(order)), _kind(order)
        if len(self._ratios) >= _MOST_CELLS and kind not in self._ratios:
            self._ratios.pop(next(iter(self._ratios)))
        before = self._ratios.get(kind, ratio)
        self._ratios[kind] = before + _NEW_SHARE * (ratio - before)
        self._overall = self._overall + _NEW_SHARE * (ratio - self._overall) if self._seen else ratio
        self._seen = True

    def _expected(self, order: Order) -> float:
        guess = order.pixel_steps * self._facts.forwards_per_step * _GUESS_S_PER_PIXEL_STEP
        precision = _PRECISIONS.get(self._facts.quantisation)
        if self._law is None or precision is None:
            return guess
        ask = ServiceAsk(model=self._facts.model, gpu=self._gpu, engine="diffusers", precision=precision,
                         size=order.size, steps=order.steps, batch=order.n, references=len(order.references))
        try:
            return timing(self._law, ask).seconds_per_image * order.n
        except OutOfReach:
            return guess


def _kind(order: Order) -> tuple[object, ...]:
    return order.size.width, order.size.height, order.steps, order.n, len(order.references)
