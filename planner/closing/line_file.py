"""A file of JSON lines that others may append to at the same time, and that is there whole or not at all. An edge."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from planner.actuals.writing import new_file
from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["add_lines", "held", "read_lines"]


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[None]:
    """A folder, or a file by a lock beside it, that nobody else holds meanwhile; the end of a process lets go, too.

    Raises:
        PlannerError: no folder, or somebody else holds it and `wait` is not given.
    """
    try:
        if path.is_dir():
            handle = os.open(path, os.O_RDONLY)
        else:
            handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be used ({error.strerror}); make the folder first, or mend its rights"
                           ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise PlannerError(f"{path}: another planner close works there; wait for it to end") from None
        yield
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every line; none where the file is not there.

    Raises:
        PlannerError: a line that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise PlannerError(f"{path}: cannot be read; bring back the file from a backup") from None


def add_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Append, within `held`; a reader, and whoever comes after a crash, sees all of them or none.

    Raises:
        PlannerError: the file cannot be written.
    """
    before, new = read_lines(path), list(lines)
    if not new:
        return
    with new_file(path, force=True, option="file") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in (*before, *new))
