"""How much this server holds at once: requests on their way, and the bytes of their bodies."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import BadRequest
from .problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..server_settings import ServerSettings

__all__ = ["BODIES_AT_ONCE", "Intake", "Room"]

BODIES_AT_ONCE = 8
"""Bodies of the largest size that are held together; many more small ones are."""
_WAIT_S = 1.0


class Intake:
    """The bytes of one request: counted while they are read, held until it is answered."""

    def __init__(self, room: Room) -> None:
        self._room, self.held_bytes = room, 0

    def take(self, count: int) -> None:
        """Count bytes that were read, or are about to be.

        Raises:
            BadRequest: the body is larger than one may be.
            Problem: 503, all bodies together are more than this server holds.
        """
        most = self._room.most_body_bytes
        if self.held_bytes + count > most:
            raise BadRequest(f"the body is above {most:,} bytes; send less", param="body", code="too_large")
        self._room.hold(count)
        self.held_bytes += count

    def expect(self, count: int | None) -> None:
        """Refuse a body by the length it states, before any of it is read.

        Raises:
            BadRequest: it is larger than one may be.
        """
        if count is not None and count > self._room.most_body_bytes:
            raise BadRequest(f"the body has {count:,} bytes, {self._room.most_body_bytes:,} at most; send less",
                             param="body", code="too_large")


class Room:
    """Memory for bodies is at most `BODIES_AT_ONCE` times the largest body, however many requests come."""

    def __init__(self, settings: ServerSettings) -> None:
        self.most_body_bytes = settings.most_body_bytes
        self._most_requests = settings.most_in_flight
        self.in_flight = self._held_bytes = 0

    @contextmanager
    def one(self) -> Iterator[Intake]:
        """Room for one request until it is answered.

        Raises:
            Problem: 503, there is none.
        """
        if self.in_flight >= self._most_requests:
            raise _full(f"{self._most_requests} requests are on their way, which is all this server holds")
        intake = Intake(self)
        self.in_flight += 1
        try:
            yield intake
        finally:
            self.in_flight -= 1
            self._held_bytes -= intake.held_bytes

    def hold(self, count: int) -> None:
        """Hold so many bytes more.

        Raises:
            Problem: 503, there is no room for them.
        """
        if self._held_bytes + count > self.most_body_bytes * BODIES_AT_ONCE:
            raise _full("the images of all requests together are more than this server holds")
        self._held_bytes += count


def _full(message: str) -> Problem:
    return Problem(503, f"{message}; ask again", code="overloaded", retry_after_s=_WAIT_S)
