"""Whether a card may be measured: alone on it, at its full clocks, and the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.nvml import Card

__all__ = ["reasons_against"]

_BUSY_SHARE = 0.05
# A power cap is how a loaded card at its limit runs: it is written down, not refused.
_SLOWED = {
    "hardware-slowdown": "the hardware slows it down (power or heat)",
    "thermal": "it is too hot and slowed down by the driver", "hardware-thermal": "it is too hot and slowed down",
    "power-brake": "its supply brakes it", "application-clocks": "somebody has set lower clocks (nvidia-smi -rac)",
    "board-limit": "the board limits it", "reliability": "it is held back for reliability"}


def reasons_against(card: Card, *, ours: frozenset[int] = frozenset()) -> Iterator[str]:
    """Why a measurement of an idle card would not be that of the card; nothing where it may be measured.

    Args:
        card: to be looked at while nothing of ours runs on it.
        ours: processes that are this measurement itself.
    """
    if card.sliced:
        yield "MIG is on: a slice is another card; turn it off (nvidia-smi -mig 0)"
    others = (card.processes() or frozenset()) - ours
    if others:
        yield f"other processes compute on it ({', '.join(map(str, sorted(others)))}): stop them"
    reading = card.reading()
    if reading.utilisation_share is not None and reading.utilisation_share > _BUSY_SHARE:
        yield f"it is {reading.utilisation_share:.0%} busy: stop what uses it"
    for reason in reading.throttled:
        if reason in _SLOWED:
            yield f"{_SLOWED[reason]}: wait, or mend that"
