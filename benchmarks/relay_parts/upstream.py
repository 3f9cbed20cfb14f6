"""A stand-in for a vendor on loopback: OpenAI's Images API with answers made once. `upstream.py PORT DELAY_MS`."""

from __future__ import annotations

import asyncio
import json
import re
import sys

from pictures import SIZES, answer

__all__ = ["Upstream"]

_SLICE = 256 * 1024
_LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")


class Upstream:
    """Answers with the picture of the size asked; an unknown one is refused, so that nothing is measured by mistake."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._answers = {SIZES[kind]: _whole(200, answer(kind)) for kind in SIZES}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                told = _LENGTH.search(head)
                body = await reader.readexactly(int(told[1])) if told else b""
                await self._send(writer, self._answer(head, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if not head.startswith(b"POST"):
            return _whole(200, b'{"object": "list", "data": []}')
        asked = json.loads(body)
        size = asked.get("size") or f"{asked.get('width')}x{asked.get('height')}"
        return self._answers.get(size, _whole(400, b'{"error": {"message": "no such size", "code": "size"}}'))

    async def _send(self, writer: asyncio.StreamWriter, whole: bytes) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        view = memoryview(whole)
        for at in range(0, len(view), _SLICE):
            writer.write(view[at:at + _SLICE])
            await writer.drain()


def _whole(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _main(port: int, delay_ms: float) -> None:
    server = await asyncio.start_server(Upstream(delay_ms / 1000).serve, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
