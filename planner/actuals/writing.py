"""A file that is there whole or not at all. An edge."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["new_file"]

_READABLE = 0o644


@contextmanager
def new_file(path: Path, *, force: bool, option: str = "--out") -> Iterator[TextIO]:
    """A text file beside its final place, which it takes when everything is written; after an error nothing is left.

    Raises:
        PlannerError: it is there already and `force` is not given, or it cannot be written.
    """
    _check(path, force=force, option=option)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    except OSError as error:
        raise _refused(path, error, option) from None
    half = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.chmod(_READABLE)
        if force:
            half.replace(path)
        else:
            os.link(half, path)
    except FileExistsError:
        raise PlannerError(_there(path, option)) from None
    except OSError as error:
        raise _refused(path, error, option) from None
    finally:
        half.unlink(missing_ok=True)


def _check(path: Path, *, force: bool, option: str) -> None:
    if path.is_dir():
        raise PlannerError(f"{option} = {str(path)!r}: a folder; name a file in it")
    if path.exists() and not force:
        raise PlannerError(_there(path, option))
    if not path.parent.is_dir():
        raise PlannerError(f"{option} = {str(path)!r}: the folder {path.parent} is not there; make it first")


def _there(path: Path, option: str) -> str:
    return f"{option} = {str(path)!r}: it is there already; write somewhere else, or give --force"


def _refused(path: Path, error: OSError, option: str) -> PlannerError:
    return PlannerError(f"{option} = {str(path)!r}: cannot be written ({error.strerror}); write somewhere else")
