"""The output of a batch, line by line: each is read only once there is room for it, and none is held with another."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ..attempts import Kind
from .answers import NotJson, as_text, read_object
from .holds import TooLarge
from .openai_body import reply_of
from .protocol import Reply
from .replies import bad_answer, error_code, from_status, word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..vendors import Vendor
    from .protocol import Job

__all__ = ["LineReader", "custom_id_in", "reply_to_line"]

_HEAD_BYTES = 4096
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([^"\\]{1,200})"')
_NEVER_RUN = frozenset({"batch_expired", "batch_cancelled"})
_OK = 200


class LineReader:
    """Lines of a body as it comes.

    Attributes:
        at: the byte of the file at which the next line starts.
    """

    def __init__(self, chunks: AsyncIterator[bytes], *, at: int) -> None:
        self._chunks, self.at = chunks, at
        self._waiting, self._searched = bytearray(), 0

    async def head(self) -> bytes | None:
        """The next line, or its first 4 KiB where it is longer; None at the end."""
        end = self._end()
        while end < 0 and len(self._waiting) < _HEAD_BYTES and await self._more():
            end = self._end()
        if end < 0 and not self._waiting:
            return None
        return bytes(self._waiting[:_HEAD_BYTES if end < 0 else min(end + 1, _HEAD_BYTES)])

    async def take(self, most: int) -> bytearray:
        """The next line, without its end.

        Raises:
            TooLarge: it is longer than `most`; it may still be skipped.
        """
        while (end := self._end()) < 0 and len(self._waiting) <= most and await self._more():
            pass
        if (len(self._waiting) if end < 0 else end) > most:
            raise TooLarge("too_large")
        line = self._waiting
        self._waiting = line[end + 1:] if end >= 0 else bytearray()
        if end >= 0:
            del line[end:]
        self._passed(len(line) + (end >= 0))
        return line

    async def skip(self) -> None:
        """Leave the next line out, whatever its length."""
        passed = 0
        while (end := self._end()) < 0:
            passed += len(self._waiting)
            self._waiting.clear()
            self._searched = 0
            if not await self._more():
                break
        else:
            del self._waiting[:end + 1]
            passed += end + 1
        self._passed(passed)

    def _end(self) -> int:
        found = self._waiting.find(b"\n", self._searched)
        self._searched = len(self._waiting) if found < 0 else found
        return found

    async def _more(self) -> bool:
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._waiting += chunk
        return chunk is not None

    def _passed(self, count: int) -> None:
        self.at, self._searched = self.at + count, 0


def custom_id_in(head: bytes) -> str | None:
    """Whose line it is, if its first bytes say so."""
    found = _CUSTOM_ID.search(head)
    return found[1].decode("utf-8", "replace") if found else None


def reply_to_line(line: bytearray, job: Job, *, vendor: Vendor) -> tuple[str, Reply]:
    """Whose line it is, empty where that cannot be read, and what it means: what the other lane's answer would."""
    try:
        document = read_object(line)
    except NotJson:
        return "", bad_answer("not_json", vendor=vendor)
    name, response = as_text(document.get("custom_id")), document.get("response")
    if not isinstance(response, dict):
        code = error_code(document)
        if code in _NEVER_RUN:
            return name, Reply(Kind.FAILED, code=code)
        return name, from_status(500, code=code, headers={}, vendor=vendor)
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or (status == _OK and not isinstance(body, dict)):
        return name, bad_answer("not_json", vendor=vendor)
    reply = (reply_of(body, job, vendor=vendor) if status == _OK and isinstance(body, dict) else
             from_status(status, code=error_code(body), headers={}, vendor=vendor))
    return name, replace(reply, request_id=word(response.get("request_id")))
