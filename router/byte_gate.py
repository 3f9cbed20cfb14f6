"""Keeps the bytes of answers in flight under a limit: beyond it, sockets of providers are simply not read."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["ByteGate"]


class ByteGate:
    """First come, first served; an answer larger than the whole limit passes alone."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def held_bytes(self) -> int:
        """Bytes that are in flight now."""
        return self._held

    async def enter(self, expected_bytes: int) -> None:
        """Wait until so many bytes may be read; every `enter` that returns needs its `leave`."""
        if not self._waiting and self._fits(expected_bytes):
            self._held += expected_bytes
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (expected_bytes, turn)
        self._waiting.append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
            elif not turn.cancelled():
                self._held -= expected_bytes
            self._admit()
            raise

    def leave(self, expected_bytes: int) -> None:
        """They are gone; whoever waits longest comes next."""
        self._held -= expected_bytes
        self._admit()

    def _admit(self) -> None:
        """Whoever was cancelled a moment ago, and has not run since, holds nothing."""
        while self._waiting:
            expected_bytes, turn = self._waiting[0]
            if not turn.cancelled():
                if not self._fits(expected_bytes):
                    return
                self._held += expected_bytes
                turn.set_result(None)
            self._waiting.popleft()

    def _fits(self, expected_bytes: int) -> bool:
        return self._held == 0 or self._held + expected_bytes <= self._most
