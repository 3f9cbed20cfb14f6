"""Closed-loop load: so many callers, each asking again when it has its answer. `load.py`, its task as JSON on stdin.

Prints `begin` after the warm-up, then one JSON document. Bodies are counted and not parsed, so that it costs little.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Caller"]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")
_CHUNK = 256 * 1024
_HEAD = 64 * 1024


class Caller:
    """One connection."""

    def __init__(self, task: dict[str, Any]) -> None:
        url, body = urlsplit(task["url"]), json.dumps(task["body"]).encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in task["headers"].items())
        self._asked = (f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
                       f"Content-Length: {len(body)}\r\n{headers}\r\n").encode() + body
        self._host, self._port = url.hostname, url.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> tuple[int, int]:
        """The status of one answer, and the bytes of its body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=_CHUNK)
        reader, writer = self._streams
        writer.write(self._asked)
        head = await reader.readuntil(b"\r\n\r\n")
        told = _LENGTH.search(head)
        size = await (_fixed(reader, int(told[1])) if told else _chunked(reader))
        return int(head[9:12]), size

    def drop(self) -> None:
        """Close a connection that broke."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _fixed(reader: asyncio.StreamReader, length: int) -> int:
    left = length
    while left:
        chunk = await reader.read(min(left, _CHUNK))
        if not chunk:
            raise ConnectionError
        left -= len(chunk)
    return length


async def _chunked(reader: asyncio.StreamReader) -> int:
    total = 0
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        total += await _fixed(reader, size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return total


async def _main(task: dict[str, Any]) -> None:
    started = time.perf_counter()
    begin, end = started + task["warm_s"], started + task["warm_s"] + task["seconds"]
    took: list[float] = []
    statuses: dict[str, int] = {}
    bodies: dict[int, int] = {}

    async def call() -> None:
        caller = Caller(task)
        while (sent := time.perf_counter()) < end:
            try:
                status, size = await caller.ask()
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                status, size = 0, 0
                statuses[type(error).__name__] = statuses.get(type(error).__name__, 0) + 1
                caller.drop()
                await asyncio.sleep(0.05)
            if (now := time.perf_counter()) >= begin and status:
                statuses[str(status)] = statuses.get(str(status), 0) + 1
                if status == 200:  # noqa: PLR2004
                    took.append(now - sent)
                    bodies[size] = bodies.get(size, 0) + 1
        caller.drop()

    async def tell() -> None:
        await asyncio.sleep(task["warm_s"])
        print("begin", flush=True)

    await asyncio.gather(tell(), *(call() for _ in range(task["callers"])))
    took.sort()
    print(json.dumps({
        "answers": len(took), "statuses": statuses, "seconds": time.perf_counter() - begin,
        "p50_ms": 1000 * took[len(took) // 2] if took else None,
        "p99_ms": 1000 * took[min(len(took) - 1, int(len(took) * 0.99))] if took else None,
        "body_bytes": max(bodies, key=lambda size: bodies[size], default=0)}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(json.load(sys.stdin)))
