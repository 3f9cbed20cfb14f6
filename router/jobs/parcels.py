"""What a job asks for, on our own disk until the job has ended: the prompt and the pictures that go with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError, RouterError
from ..pictures import NotAPicture, Picture, read_picture
from ..quantities import Size
from ..request import ImageRequest, Lora

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

__all__ = ["Parcels"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NAME = re.compile(_ID.pattern + r"\.job")
_VERSION = 1
_ABANDONED_S, _FRESH_S = 40 * 86_400.0, 60.0
"""A parcel is on disk before its job is on the books."""
_PLAIN = ("prompt", "operation", "model", "n", "quality", "output_format", "output_compression", "background",
          "moderation", "seed", "steps", "partial_images", "data_class", "residency", "deadline_s", "segment", "text",
          "tenant", "project", "brand", "campaign", "cost_center", "safety_identifier", "urgency")


class Parcels:
    """Files that their owner alone may read; every process that runs jobs must reach the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "jobs"

    async def keep(self, request: ImageRequest, job_id: str) -> str:
        """The name a job's request is kept under; it is on disk when this returns.

        Raises:
            LedgerError: the folder cannot be written.
        """
        name = job_id if _ID.fullmatch(job_id) else secrets.token_urlsafe(16)
        return await asyncio.to_thread(self._keep, f"{name}.job", _packed(request))

    async def find(self, name: str) -> ImageRequest | None:
        """The request of a name; None where it is gone or cannot be read."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return _unpacked(await asyncio.to_thread((self._folder / name).read_bytes))
        except (OSError, ValueError, KeyError, TypeError, NotAPicture, RouterError):
            return None

    async def drop(self, name: str) -> None:
        """Let go of a request that has ended."""
        if _NAME.fullmatch(name):
            with contextlib.suppress(OSError):
                await asyncio.to_thread((self._folder / name).unlink)

    async def sweep(self, ended: Callable[[Sequence[str]], Awaitable[frozenset[str]]]) -> None:
        """Remove what jobs that have ended left: a process that is killed right after an end does.

        Args:
            ended: says which of some jobs have; others may belong to other books, and are left for forty days.
        """
        waiting = await asyncio.to_thread(self._older, _FRESH_S)
        for job_id in await ended(waiting) if waiting else ():
            await self.drop(f"{job_id}.job")
        for job_id in await asyncio.to_thread(self._older, _ABANDONED_S):
            await self.drop(f"{job_id}.job")

    def _keep(self, name: str, chunks: list[bytes]) -> str:
        part = self._folder / f"{name}.part"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / name)
        except OSError as error:
            raise LedgerError(f"store.folder = {str(self._folder.parent)!r}: cannot be written "
                              f"({type(error).__name__}); name a folder that can") from None
        return name

    def _older(self, seconds: float) -> list[str]:
        """Ids of the jobs whose parcels have lain so long."""
        oldest = time.time() - seconds
        try:
            return [path.stem for path in self._folder.iterdir()
                    if _NAME.fullmatch(path.name) and path.stat().st_mtime < oldest]
        except OSError:
            return []  # there is no folder yet, or another process took a file away: next time


def _packed(request: ImageRequest) -> list[bytes]:
    """One line of JSON, then the pictures one after the other."""
    pictures = [*request.references, *([request.mask] if request.mask else [])]
    facts: dict[str, Any] = {name: getattr(request, name) for name in _PLAIN}
    facts |= {
        "size": None if request.size is None else str(request.size), "tags": dict(request.tags),
        "max_usd": None if request.max_usd is None else str(request.max_usd),
        "lora": [request.lora.name, request.lora.scale] if request.lora else None}
    bodies = [bytes(picture.as_bytes()) for picture in pictures]
    head = {"version": _VERSION, "request": facts, "masked": request.mask is not None,
            "bytes": [len(body) for body in bodies]}
    return [json.dumps(head).encode() + b"\n", *bodies]


def _unpacked(data: bytes) -> ImageRequest:
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    if head["version"] != _VERSION or len(rest) != sum(head["bytes"]):
        raise ValueError(head["version"])
    pictures: list[Picture] = []
    for length in head["bytes"]:
        pictures.append(read_picture(rest[:length], is_base64=False))
        rest = rest[length:]
    mask = pictures.pop() if head["masked"] else None
    facts = dict(head["request"])
    size, most, lora = facts.pop("size"), facts.pop("max_usd"), facts.pop("lora")
    return ImageRequest(
        **(facts | {"tags": MappingProxyType(facts["tags"])}), references=tuple(pictures), mask=mask,
        size=None if size is None else Size.parse(size), max_usd=None if most is None else Decimal(most),
        lora=Lora(*lora) if lora else None)
