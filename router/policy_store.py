"""Published policies in a folder: every version kept, one in force, a line in the audit for every change. An edge."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SettingsError
from .policy import load_policy

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

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
            SettingsError: it cannot be used, is in force already, or the folder cannot be written.
        """
        policy = load_policy(path)
        if self.current.is_file() and load_policy(self.current).digest == policy.digest:
            raise SettingsError(str(path), (f"digest {policy.digest} is in force already; nothing changed",))
        known = self.history()
        number = known[-1].number + 1 if known else 1
        version = self.folder / f"{number:04d}-{policy.digest}.toml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            version.write_bytes(path.read_bytes())
            self._put_in_force(version)
            self._note(policy, number, at=at, by=by, why=why)
        except OSError as error:
            raise SettingsError(str(self.folder), (f"cannot be written ({type(error).__name__})",)) from None
        return Version(number, policy.digest, policy.name, in_force=True, path=version)

    def roll_back(self, number: int | None, *, at: datetime, by: str, why: str) -> Version:
        """Publish an earlier version again: the one before, or the one with a number.

        Raises:
            SettingsError: there is no such version.
        """
        known = self.history()
        force = next((version for version in known if version.in_force), None)
        earlier = [version for version in known if force is not None and version.number < force.number]
        wanted = next((version for version in known if version.number == number), None) if number else (
            earlier[-1] if earlier else None)
        if wanted is None:
            numbers = ", ".join(str(version.number) for version in known) or "none"
            raise SettingsError(str(self.folder), (f"no version to go back to; published are: {numbers}",))
        return self.publish(wanted.path, at=at, by=by, why=why or f"back to version {wanted.number}")

    def history(self) -> tuple[Version, ...]:
        """Every version, oldest first; the last of the digest in force is the one in force."""
        digest = load_policy(self.current).digest if self.current.is_file() else ""
        paths = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-*.toml"))
        last = max((int(path.name[:4]) for path in paths if path.stem.partition("-")[2] == digest), default=0)
        return tuple(Version(int(path.name[:4]), path.stem.partition("-")[2], load_policy(path).name,
                             int(path.name[:4]) == last, path) for path in paths)

    def audit(self) -> tuple[dict[str, object], ...]:
        """Who put which policy in force when, oldest first."""
        path = self.folder / _AUDIT
        return tuple(json.loads(line) for line in path.read_text().splitlines()) if path.is_file() else ()

    def _put_in_force(self, version: Path) -> None:
        part = self.folder / f"{_CURRENT}.part"
        part.write_bytes(version.read_bytes())
        part.replace(self.current)

    def _note(self, policy: Policy, number: int, *, at: datetime, by: str, why: str) -> None:
        entry = {"at": at.isoformat(timespec="seconds"), "by": by, "version": number, "digest": policy.digest,
                 "name": policy.name, "why": why}
        handle = os.open(self.folder / _AUDIT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
