"""How a caller waits for an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .errors import RouterError
    from .pictures import Picture

__all__ = ["Heir", "Wait"]


class Heir(Protocol):
    """Takes over a request whose last caller went away, so that what is paid for is not lost."""

    async def begins(self) -> None:
        """Nobody waits any more."""

    async def gets(self, answer: str) -> None:
        """The images are there; `answer` is `images.answer_text`."""

    async def misses(self, error: RouterError) -> None:
        """No image came, and none will."""


class Wait:
    """One caller: told of previews, and able to say that it asked before.

    Attributes:
        on_partial: told of every preview.
        is_retry: the client says that it asked before and heard nothing.
        heir: takes the request over when its last caller has gone.
        abandoned: set while nobody waits for the request any more, so that nothing further is paid for.
    """

    def __init__(self, on_partial: Callable[[int, Picture], Awaitable[None]] | None = None, *,
                 is_retry: bool = False, heir: Heir | None = None) -> None:
        self.on_partial, self.is_retry, self.heir = on_partial, is_retry, heir
        self.abandoned = asyncio.Event()
