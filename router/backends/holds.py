"""What one call holds at the gate while its answer is read, and how large an answer may get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .protocol import Gate, Job

__all__ = ["MOST_SMALL_BYTES", "Hold", "OpenGate", "TooLarge", "picture_bytes", "read_body"]

MOST_SMALL_BYTES = 1024 * 1024
"""What answers without pictures (errors, jobs, states) may take; they pass beside the gate."""
_MOST_BYTES = 256 * 1024 * 1024
_BYTES_PER_PIXEL = 6  # an incompressible RGBA picture in base64 takes 5.4
_BESIDE_PIXELS = 128 * 1024


class TooLarge(ValueError):
    """A body beyond what any answer to this job can take; it was not read to its end."""


class OpenGate:
    """A gate that lets everything in."""

    async def enter(self, expected_bytes: int) -> None:
        """Never wait."""

    def leave(self, expected_bytes: int) -> None:
        """Nothing to do."""


class Hold:
    """One call's bytes inside the gate; on leaving the `with` block, what was not handed over is given back."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self.bytes = gate, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keep(0)

    async def enter(self, expected_bytes: int) -> None:
        """Wait at the gate, unless this call is inside already."""
        if not self.bytes:
            await self._gate.enter(expected_bytes)
            self.bytes = expected_bytes

    def keep(self, needed_bytes: int) -> None:
        """Give back all but what is needed."""
        if self.bytes > needed_bytes:
            self._gate.leave(self.bytes - needed_bytes)
            self.bytes = needed_bytes

    def hand_over(self) -> int:
        """What is inside now belongs to whoever takes the reply."""
        held, self.bytes = self.bytes, 0
        return held


def picture_bytes(job: Job, pictures: int | None = None) -> int:
    """The most bytes that pictures of a job's size take in base64; of all `n` where no number is given."""
    return (job.n if pictures is None else pictures) * (job.size.pixels * _BYTES_PER_PIXEL + _BESIDE_PIXELS)


async def read_body(chunks: AsyncIterator[bytes], hold: Hold, *, stated: int | None, most: int) -> bytearray:
    """A whole body, read inside the gate.

    Args:
        chunks: the body as it comes.
        hold: enters for what the answer's head states, or for `most`, unless it is inside already.
        stated: the length the head states; None where it states none.
        most: where it states none, and where the call was inside already, more is refused.

    Raises:
        TooLarge: it is, or grows beyond that.
    """
    room = most if stated is None or hold.bytes else stated
    if max(room, stated or 0) > _MOST_BYTES:
        raise TooLarge("too_large")
    await hold.enter(room)
    return await (_grown(chunks, room) if stated is None else _filled(chunks, min(stated, room)))


async def _filled(chunks: AsyncIterator[bytes], room: int) -> bytearray:
    """A body whose length is stated: its place is made once, because a growing one is copied and leaves holes."""
    body, at = bytearray(room), 0
    async for chunk in chunks:
        if at + len(chunk) > room:
            raise TooLarge("too_large")
        body[at:at + len(chunk)] = chunk
        at += len(chunk)
    if at < room:
        del body[at:]
    return body


async def _grown(chunks: AsyncIterator[bytes], room: int) -> bytearray:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > room:
            raise TooLarge("too_large")
    return body
