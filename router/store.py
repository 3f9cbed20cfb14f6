"""Pictures on our own disk, for a stated time: asked for by address, kept for a repetition, or come too late."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import time
from typing import TYPE_CHECKING

from .errors import LedgerError
from .pictures import NotAPicture, Picture, read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .server_settings import StoreSettings

__all__ = ["PictureStore"]

_NAME = re.compile(r"[A-Za-z0-9_-]{22}\.(png|jpeg|webp|gif)")
_OURS = re.compile(_NAME.pattern + r"(\.part)?")
_SWEEP_EVERY_S = 600.0


class PictureStore:
    """Files under unguessable names; whoever knows a name may read it until it expires."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._swept_at = 0.0

    async def keep(self, picture: Picture) -> str:
        """The name a picture is kept under; it is on disk when this returns.

        Raises:
            LedgerError: the folder cannot be written.
        """
        return await asyncio.to_thread(self._keep, picture)

    async def find(self, name: str) -> Picture | None:
        """The picture of a name, or None where it never was or has expired."""
        path = self.path_of(name)
        if path is None:
            return None
        try:
            return read_picture(await asyncio.to_thread(path.read_bytes), is_base64=False)
        except (OSError, NotAPicture):
            return None

    def path_of(self, name: str) -> Path | None:
        """Where the file of a name lies; None for what is no name, and for what has expired."""
        if not _NAME.fullmatch(name):
            return None
        path = self.settings.folder / name[:2] / name
        try:
            fresh = path.stat().st_mtime + self.settings.ttl_s > time.time()
        except OSError:
            return None
        return path if fresh else None

    def _keep(self, picture: Picture) -> str:
        name = f"{secrets.token_urlsafe(16)}.{picture.format}"
        folder = self.settings.folder / name[:2]
        part = folder / f"{name}.part"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with part.open("xb") as file:
                file.write(picture.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            part.rename(folder / name)
        except OSError as error:
            raise LedgerError(f"store.folder = {str(self.settings.folder)!r}: cannot be written "
                              f"({type(error).__name__}); name a folder that can") from None
        self._sweep()
        return name

    def _sweep(self) -> None:
        """Remove what has expired, and the oldest where the folder is over its limit; only what a store wrote."""
        now = time.time()
        if now - self._swept_at < _SWEEP_EVERY_S:
            return
        self._swept_at = now
        kept = 0
        for written_at, size, path in sorted(self._files(), reverse=True):
            kept += size
            if written_at + self.settings.ttl_s < now or kept > self.settings.most_bytes:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.settings.folder.glob("??/*"):
            if path.parent.name != path.name[:2] or not _OURS.fullmatch(path.name):
                continue
            with contextlib.suppress(OSError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
