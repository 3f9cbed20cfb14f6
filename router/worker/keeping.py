"""Pictures that were made and could not be delivered: kept for a while, so that asking again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .order import Order
    from .tickets import Ticket

__all__ = ["Kept", "Shelf"]

_MOST_BYTES = 64 * 2**20
_KEPT_S = 600.0


@dataclass(frozen=True)
class Kept:
    """What was made for a request, and when (monotonic seconds)."""

    ticket: Ticket
    files: tuple[bytes, ...]
    at: float


class Shelf:
    """Undelivered pictures by tenant, request id and order; the oldest leave when there are too many bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES, kept_s: float = _KEPT_S) -> None:
        self._most, self._kept_s = most_bytes, kept_s
        self._kept: OrderedDict[tuple[str, str, Order], Kept] = OrderedDict()
        self.held_bytes = 0

    def keep(self, asked: Order, kept: Kept) -> None:
        """Keep the pictures of a request that named itself; others could never be asked for again."""
        size = sum(map(len, kept.files))
        if not asked.request_id or size > self._most:
            return
        self.take(asked, now=kept.at)
        self._kept[_key(asked)] = kept
        self.held_bytes += size
        while self.held_bytes > self._most:
            self._drop(next(iter(self._kept)))

    def take(self, asked: Order, *, now: float) -> Kept | None:
        """The pictures that were kept for the same request; they leave the shelf."""
        for key in [key for key, kept in self._kept.items() if now - kept.at > self._kept_s]:
            self._drop(key)
        return self._drop(_key(asked)) if _key(asked) in self._kept else None

    def _drop(self, key: tuple[str, str, Order]) -> Kept:
        kept = self._kept.pop(key)
        self.held_bytes -= sum(map(len, kept.files))
        return kept


def _key(asked: Order) -> tuple[str, str, Order]:
    """A seed that was drawn by chance is another one when the same request comes again, so it does not count."""
    return asked.tenant, asked.request_id, replace(asked, seed=0)
