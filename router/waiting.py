"""How a caller waits for an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .pictures import Picture

__all__ = ["Wait"]


class Wait:
    """One caller: told of previews, and able to say that it asked before.

    Attributes:
        on_partial: told of every preview.
        is_retry: the client says that it asked before and heard nothing.
        abandoned: set while nobody waits for the request any more, so that nothing further is paid for.
    """

    def __init__(self, on_partial: Callable[[int, Picture], Awaitable[None]] | None = None, *,
                 is_retry: bool = False) -> None:
        self.on_partial, self.is_retry = on_partial, is_retry
        self.abandoned = asyncio.Event()
