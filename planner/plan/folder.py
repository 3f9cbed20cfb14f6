"""A plan's folder: written whole or not at all, a draft until somebody approves it, frozen after that. An edge."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Literal

from planner.errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

__all__ = ["RECEIPT", "STATUS", "State", "advance", "file_hash", "refuse_taken", "status_of", "write_folder"]

State = Literal["draft", "approved", "frozen"]
STATUS, RECEIPT = "status.json", "receipt.json"
_NEXT: Mapping[str, State] = {"draft": "approved", "approved": "frozen"}


def file_hash(data: bytes) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(data).hexdigest()


def status_of(folder: Path) -> dict[str, Any]:
    """Where a plan stands: `state`, and `history` with who and when.

    Raises:
        PlannerError: no plan lies there, or its status cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlannerError(f"{folder}: no plan lies there; name a folder that planner plan --out wrote") from None
    except (OSError, ValueError):
        raise PlannerError(f"{folder / STATUS}: cannot be read; write the plan again") from None
    return found


def refuse_taken(folder: Path, *, force: bool) -> None:
    """Nothing is written over but a draft, and that only where it is asked for.

    Raises:
        PlannerError: something lies there that must stay, or the folder above cannot be written to.
    """
    above = folder.absolute().parent
    if not above.is_dir():
        raise PlannerError(f"{folder}: the folder {above} is not there; make it first")
    if not os.access(above, os.W_OK) or (folder.exists() and not os.access(folder, os.W_OK)):
        raise PlannerError(f"{folder}: cannot be written to; choose another folder, or mend its rights")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / STATUS).exists():
        raise PlannerError(f"{folder}: holds other files; name a new folder")
    state = status_of(folder)["state"]
    if state != "draft":
        raise PlannerError(f"{folder}: that plan is {state}; it stays as it is, so name a new folder")
    if not force:
        raise PlannerError(f"{folder}: a draft is there already; name a new folder, or say --force")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """All files at once: a reader sees the old folder or the new one, never half of one.

    Raises:
        PlannerError: it cannot be written; nothing is left behind then.
    """
    beside = folder.absolute().with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.absolute().with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        beside.mkdir()
        for name, data in files.items():
            (beside / name).write_bytes(data)
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise PlannerError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return tuple(folder / name for name in files)


def advance(folder: Path, to: State, *, by: str, at: datetime) -> dict[str, Any]:
    """A draft becomes approved, an approved plan frozen.

    Raises:
        PlannerError: another order, no name, or a file that is no longer what the plan wrote.
    """
    if not by.strip():
        raise PlannerError("--by: a name is needed; say who does this")
    status = status_of(folder)
    if _NEXT.get(status["state"]) != to:
        wanted = next(before for before, after in _NEXT.items() if after == to)
        raise PlannerError(f"{folder}: the plan is {status['state']}; only one that is {wanted} becomes {to}")
    _refuse_changed(folder)
    status["state"] = to
    status["history"].append({"state": to, "by": by.strip(), "at": at.isoformat(timespec="seconds")})
    beside = folder / f".{STATUS}.{os.getpid()}.part"
    try:
        beside.write_text(json.dumps(status, indent=2) + "\n", encoding="utf-8")
        beside.replace(folder / STATUS)
    except OSError as error:
        raise PlannerError(f"{folder / STATUS}: cannot be written ({error.strerror}); mend its rights") from None
    finally:
        beside.unlink(missing_ok=True)
    return status


def _refuse_changed(folder: Path) -> None:
    try:
        receipt: dict[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PlannerError(f"{folder / RECEIPT}: cannot be read; write the plan again") from None
    for name, told in receipt["files"].items():
        path = folder / name
        if not path.is_file() or file_hash(path.read_bytes()) != told:
            raise PlannerError(f"{path}: is not what the plan wrote (see {RECEIPT}); write the plan again")
