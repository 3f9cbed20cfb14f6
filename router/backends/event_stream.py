"""Server-sent events, cut out of a stream as it comes; pure, so that whoever reads the stream keeps the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .holds import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EventReader"]


class EventReader:
    """Takes a stream's chunks and gives its events.

    Comments, ids and events without data are passed over. An event that the stream's end cuts off is none. Lines end
    with LF or CRLF.
    """

    def __init__(self, *, most: int) -> None:
        self._most, self._buffer, self._searched = most, bytearray(), 0
        self._name, self._data = "", bytearray()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the event that is not whole yet."""
        return len(self._buffer) + len(self._data)

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytearray]]:
        """Name and data of each event that this chunk completes.

        Raises:
            TooLarge: an event beyond `most` bytes.
        """
        self._buffer += chunk
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = self._buffer[:end].rstrip(b"\r")
            del self._buffer[:end + 1]
            self._searched = 0
            if line.startswith(b"data:"):
                self._data += (b"\n" if self._data else b"") + line[5:].removeprefix(b" ")
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("ascii", "replace")
            elif not line:
                name, data = self._name, self._data
                self._name, self._data = "", bytearray()
                if data:
                    yield name, data
        self._searched = len(self._buffer)
        if self.waiting_bytes > self._most:
            raise TooLarge("too_large")
