"""Folders of closed months: a month, and its revisions beside it, each there whole or not at all. An edge."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from planner.bills.files import digest_of
from planner.errors import PlannerError
from planner.plan.folder import RECEIPT, STATUS, file_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["altered", "building", "file_hashes", "latest", "name_of", "publish", "receipt_inputs"]


def name_of(month: str, revision: int) -> str:
    """As in `2026-11`, and `2026-11.r2` for what was closed again."""
    return month if revision == 1 else f"{month}.r{revision}"


def latest(out: Path, month: str) -> int:
    """The number of the newest revision; 0 where the month was never closed."""
    revision = 0
    while (out / name_of(month, revision + 1)).exists():
        revision += 1
    return revision


def receipt_inputs(folder: Path) -> Mapping[str, Any]:
    """What a closed month was made from.

    Raises:
        PlannerError: its receipt cannot be read.
    """
    try:
        found: Mapping[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))["inputs"]
    except (OSError, ValueError, KeyError, TypeError):
        raise PlannerError(f"{folder / RECEIPT}: cannot be read; bring it back from a backup, or move {folder} away"
                           ) from None
    return found


def altered(folder: Path) -> tuple[str, ...]:
    """Files of a closed month that are missing or no longer what its receipt says; a draft's status may move on."""
    told = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))["files"]
    return tuple(name for name, digest in told.items()
                 if not name.endswith(f"/{STATUS}") and digest_of(folder / name) != digest)


@contextmanager
def building(out: Path, month: str) -> Iterator[Path]:
    """A hidden folder to build a month in, gone afterwards; those that a killed process left are gone before.

    Raises:
        PlannerError: it cannot be made, or what is written in it cannot.
    """
    part = out / f".{month}.{os.getpid()}.part"
    try:
        for old in out.glob(f".{month}.*.part"):
            shutil.rmtree(old)
        part.mkdir()
        yield part
    except OSError as error:
        raise PlannerError(f"--out = {str(out)!r}: cannot be written ({error.strerror}); choose another folder, or "
                           "mend its rights") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def publish(part: Path, target: Path) -> None:
    """Let a folder take its place, on disk before anybody sees it.

    Raises:
        OSError: it cannot.
    """
    for path in (*part.rglob("*"), part):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    part.rename(target)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, by its path in the folder."""
    return {path.relative_to(folder).as_posix(): file_hash(path.read_bytes())
            for path in sorted(folder.rglob("*")) if path.is_file()}
