"""Published policies in a folder: every version kept, one in force, a line in the audit for every change. An edge."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SettingsError
from .policy import load_policy

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from .policy import Policy

__all__ = ["PolicyStore", "Version"]

_CURRENT, _AUDIT = "current.toml", "audit.jsonl"


@dataclass(frozen=True)
class Version:
    """One published policy."""

    number: int
    digest: str
    name: str
    in_force: bool
    path: Path


class PolicyStore:
    """Versions are files `0001-DIGEST.toml`; `current.toml` is a copy of the one in force, put in place in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The file a router reads and watches."""
        return self.folder / _CURRENT

    def publish(self, path: Path, *, at: datetime, by: str, why: str) -> Version:
        """Put a policy in force.

        Raises:
            SettingsError: it cannot be used, is in force already, or the folder cannot be written; nothing has changed.
        """
        policy, known = load_policy(path), self.history()
        if any(version.in_force and version.digest == policy.digest for version in known):
            raise SettingsError(str(path), (f"digest {policy.digest} is in force already; nothing changed",))
        number = known[-1].number + 1 if known else 1
        version = self.folder / f"{number:04d}-{policy.digest}.toml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            with self._audit_file() as audit:
                _put(version, content)
                _demand(version, policy.digest, "changed while it was read; nothing is published, try again")
                _put(self.current, content)
                audit.write(_entry(policy, number, at=at, by=by, why=why))
        except (OSError, SettingsError) as error:
            with contextlib.suppress(OSError):
                version.unlink()
            raise error if isinstance(error, SettingsError) else SettingsError(str(self.folder), (
                f"cannot be written ({type(error).__name__}); give a folder that can",)) from None
        return Version(number, policy.digest, policy.name, in_force=True, path=version)

    def roll_back(self, number: int | None, *, at: datetime, by: str, why: str) -> Version:
        """Publish an earlier version again: the one before, or the one with a number.

        Raises:
            SettingsError: there is no such version, or its file was changed since.
        """
        known = self.history()
        force = next((version for version in known if version.in_force), None)
        earlier = [version for version in known if force is None or version.number < force.number]
        back = earlier[-1].number if earlier else 0
        wanted = next((version for version in known if version.number == (back if number is None else number)), None)
        if wanted is None:
            numbers = ", ".join(str(version.number) for version in known) or "none"
            raise SettingsError(str(self.folder), (f"no version to go back to; published are: {numbers}",))
        _demand(wanted.path, wanted.digest, "not what was published any more; go back to another version")
        return self.publish(wanted.path, at=at, by=by, why=why or f"back to version {wanted.number}")

    def history(self) -> tuple[Version, ...]:
        """Every version, oldest first; the last of the digest in force is the one in force."""
        force = self._digest_in_force()
        paths = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-*.toml"))
        last = next((path for path in reversed(paths) if path.stem.partition("-")[2] == force), None)
        return tuple(Version(int(path.name[:4]), path.stem.partition("-")[2], _name_of(path), path == last, path)
                     for path in paths)

    def audit(self) -> tuple[dict[str, object], ...]:
        """Who put which policy in force when, oldest first.

        Raises:
            SettingsError: a line is no entry.
        """
        path = self.folder / _AUDIT
        try:
            lines = path.read_text().splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(str(path), (f"cannot be read ({type(error).__name__})",)) from None
        return tuple(_read_entry(line, f"{path}:{number}") for number, line in enumerate(lines, start=1))

    def _digest_in_force(self) -> str:
        """Empty where there is none, and where somebody broke it by hand: a publication mends it."""
        try:
            return load_policy(self.current).digest
        except SettingsError:
            return ""

    def _audit_file(self) -> TextIO:
        """Opened before anything changes: what cannot be noted is not done."""
        handle = os.open(self.folder / _AUDIT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(handle, "w", encoding="utf-8")


def _put(path: Path, content: bytes) -> None:
    """In place in one step, and on the disk."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _demand(path: Path, digest: str, problem: str) -> None:
    if load_policy(path).digest != digest:
        raise SettingsError(str(path), (problem,))


def _name_of(path: Path) -> str:
    try:
        return load_policy(path).name
    except SettingsError:
        return "(cannot be used)"


def _entry(policy: Policy, number: int, *, at: datetime, by: str, why: str) -> str:
    entry = {"at": at.isoformat(timespec="seconds"), "by": by, "version": number, "digest": policy.digest,
             "name": policy.name, "why": why}
    return json.dumps(entry) + "\n"


def _read_entry(line: str, where: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not {"at", "by", "version", "digest", "why"} <= set(entry):
        raise SettingsError(where, ("no entry of the audit; mend or remove the line",))
    return entry
