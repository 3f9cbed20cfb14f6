"""Requests of a batch wait on disk, so that memory holds none of their pictures twice."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from .openai_body import image_fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..pictures import Picture
    from .protocol import Job

__all__ = ["Span", "Spool", "data_url_chars", "request_line", "url_of"]

_COPY_BYTES = 1024 * 1024


class Span(NamedTuple):
    """Where a line starts and ends, in bytes."""

    start: int
    end: int


class Spool:
    """A file without a name: it is gone with its process, however that ends. One thread writes, in order."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._files: list[BinaryIO] = []
        self._is_closed = False

    async def append(self, pieces: Sequence[bytes | memoryview]) -> Span:
        """Write a line.

        Raises:
            OSError: the disk takes no more.
        """
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._append, pieces)

    async def only(self, spans: Sequence[Span]) -> BinaryIO:
        """A file of these lines, in their order.

        Raises:
            OSError: they cannot be copied.
        """
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._only, spans)

    def close(self) -> None:
        """Nothing of it is left on the disk as soon as what is being written has been."""
        if not self._is_closed:
            self._is_closed = True
            self._disk.submit(self._close)
            self._disk.shutdown(wait=False)

    def _append(self, pieces: Sequence[bytes | memoryview]) -> Span:
        file = self._files[0] if self._files else self._opened()
        start = file.seek(0, os.SEEK_END)
        file.writelines(pieces)
        file.flush()
        return Span(start, file.tell())

    def _only(self, spans: Sequence[Span]) -> BinaryIO:
        whole = self._files[0]
        if sum(span.end - span.start for span in spans) == whole.seek(0, os.SEEK_END):
            return whole
        chosen = self._opened()
        for start, end in spans:
            whole.seek(start)
            for at in range(start, end, _COPY_BYTES):
                chosen.write(whole.read(min(_COPY_BYTES, end - at)))
        chosen.flush()
        return chosen

    def _opened(self) -> BinaryIO:
        file = cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 (closed by `close`)
        self._files.append(file)
        return file

    def _close(self) -> None:
        for file in self._files:
            file.close()


def url_of(job: Job) -> str:
    """The endpoint of a job; a batch has one."""
    return "/v1/images/generations" if job.request.operation == "generate" else "/v1/images/edits"


def request_line(job: Job) -> list[bytes | memoryview]:
    """A job as a line of JSON in pieces: base64 needs no escapes, and so its pictures are not copied."""
    request = job.request
    body = json.dumps({"custom_id": job.attempt_id, "method": "POST", "url": url_of(job), "body": image_fields(job)})
    pieces: list[bytes | memoryview] = [body.removesuffix("}}").encode()]
    if request.operation != "generate":
        for at, picture in enumerate(request.references):
            pieces += [b', "images": [' if not at else b", ", *_reference(picture)]
        pieces.append(b"]")
        if request.mask is not None:
            pieces += [b', "mask": ', *_reference(request.mask)]
    return [*pieces, b"}}\n"]


def data_url_chars(job: Job) -> int:
    """Length of the longest data URL among a job's pictures."""
    request = job.request
    pictures = (*request.references, *((request.mask,) if request.mask else ()))
    return max((len(_head(picture)) + -(-picture.file_bytes // 3) * 4 for picture in pictures), default=0)


def _reference(picture: Picture) -> tuple[bytes | memoryview, ...]:
    return b'{"image_url": "', _head(picture), picture.as_base64(), b'"}'


def _head(picture: Picture) -> bytes:
    return f"data:image/{picture.format};base64,".encode()
