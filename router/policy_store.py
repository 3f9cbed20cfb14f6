"""Published policies in a folder: every version kept, one in force, a line in the audit for every change. An edge."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from .errors import SettingsError
from .policy import load_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from .policy import Policy

__all__ = ["Note", "PolicyStore", "Version", "put_in_place"]

_CURRENT, _AUDIT, _ROLLOUT, _LOCK = "current.toml", "audit.jsonl", "rollout.json", ".lock"


@dataclass(frozen=True)
class Note:
    """An entry of the audit, but for the version it is about.

    Attributes:
        action: `published`, `rollout_started`, `rolled_back` (by itself), `rollout_stopped`, `rollout_ended` (because
            another version was put in force) or `promoted`.
        facts: the numbers behind it.
    """

    action: str
    at: datetime
    by: str
    why: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def line(self, version: Version) -> str:
        """As it is written."""
        entry = {"at": self.at.isoformat(timespec="seconds"), "by": self.by, "action": self.action,
                 "version": version.number, "digest": version.digest, "name": version.name, "why": self.why}
        return json.dumps(entry | ({"facts": dict(self.facts)} if self.facts else {})) + "\n"


@dataclass(frozen=True)
class Version:
    """One published policy.

    Attributes:
        in_rollout: it decides a share of the requests, on trial beside the one in force.
        ended_rollout: number of the version whose roll-out ended with this change; 0 where there was none.
    """

    number: int
    digest: str
    name: str
    in_force: bool
    path: Path
    in_rollout: bool = False
    ended_rollout: int = 0


class PolicyStore:
    """Versions are files `0001-DIGEST.toml`; `current.toml` is a copy of the one in force, put in place in one step.

    `rollout.json` is there while a version is on trial. Every change is made under an exclusive lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The file a router reads and watches."""
        return self.folder / _CURRENT

    @property
    def rollout(self) -> Path:
        """The file that says which version is on trial, and on what terms."""
        return self.folder / _ROLLOUT

    def publish(self, path: Path, *, at: datetime, by: str, why: str) -> Version:
        """Put a policy in force; a roll-out ends with that.

        Raises:
            SettingsError: it cannot be used, is in force already, or the folder cannot be written; nothing has changed.
        """
        policy = load_policy(path)
        with self.changing() as audit:
            return self._publish(path, policy, audit, Note("published", at, by, why))

    def roll_back(self, number: int | None, *, at: datetime, by: str, why: str) -> Version:
        """Publish an earlier version again: the one that was in force before, or the one with a number.

        Raises:
            SettingsError: there is no such version, or its file was changed since.
        """
        self._wanted(number)
        with self.changing() as audit:
            wanted = self._wanted(number)
            _demand(wanted.path, wanted.digest, "not what was published any more; go back to another version")
            return self._publish(wanted.path, load_policy(wanted.path), audit, Note(
                "published", at, by, why or f"back to version {wanted.number}"))

    def _wanted(self, number: int | None) -> Version:
        known, tried = self.history(), self._only_tried()
        force = next((version for version in known if version.in_force), None)
        earlier = [version for version in known if (force is None or version.number < force.number)
                   and version.number not in tried]
        back = earlier[-1].number if earlier else 0
        wanted = next((version for version in known if version.number == (back if number is None else number)), None)
        if wanted is None:
            numbers = ", ".join(str(version.number) for version in known) or "none"
            raise SettingsError(str(self.folder), (f"no version to go back to; published are: {numbers}",))
        return wanted

    def _publish(self, path: Path, policy: Policy, audit: TextIO, note: Note) -> Version:
        if self._digest_in_force() == policy.digest:
            raise SettingsError(str(path), (f"digest {policy.digest} is in force already; nothing changed",))
        version, content = self.keep(path, policy)
        try:
            put_in_place(self.current, content)
        except OSError:
            version.path.unlink()
            raise
        return self.note_in_force(version, audit, note=note)

    def keep(self, path: Path, policy: Policy) -> tuple[Version, bytes]:
        """A policy as the next version, not in force yet; and its text. To be called while `changing`.

        Raises:
            SettingsError: the file changed while it was read.
        """
        known = self.history()
        number = known[-1].number + 1 if known else 1
        kept, content = self.folder / f"{number:04d}-{policy.digest}.toml", path.read_bytes()
        put_in_place(kept, content)
        try:
            _demand(kept, policy.digest, "changed while it was read; nothing is published, try again")
        except SettingsError:
            kept.unlink()
            raise
        return Version(number, policy.digest, policy.name, in_force=False, path=kept), content

    def note_in_force(self, version: Version, audit: TextIO, *, note: Note) -> Version:
        """End a roll-out, if there is one, and write who put which version in force. To be called while `changing`."""
        ended = self.rollout_version()
        self.rollout.unlink(missing_ok=True)
        audit.write(note.line(version))
        if ended and ended != version.number:
            tried = next((one for one in self.history() if one.number == ended), version)
            why = f"version {version.number} was put in force"
            audit.write(Note("rollout_ended", note.at, note.by, why).line(tried))
        return replace(version, in_force=True, ended_rollout=0 if ended == version.number else ended)

    @contextlib.contextmanager
    def changing(self) -> Iterator[TextIO]:
        """The audit, opened before anything changes, because what cannot be noted is not done; others wait.

        Raises:
            SettingsError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / _LOCK).open("a") as lock:
                _take(lock)
                with self._audit_file() as audit:
                    yield audit
        except OSError as error:
            raise SettingsError(str(self.folder), (
                f"cannot be written ({type(error).__name__}); give a folder that can",)) from None

    def history(self) -> tuple[Version, ...]:
        """Every version, oldest first; the last of the digest in force is the one in force."""
        force, tried = self._digest_in_force(), self.rollout_version()
        paths = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-*.toml"))
        last = next((path for path in reversed(paths) if path.stem.partition("-")[2] == force), None)
        return tuple(Version(number := int(path.name[:4]), path.stem.partition("-")[2], _name_of(path), path == last,
                             path, in_rollout=number == tried) for path in paths)

    def rollout_version(self) -> int:
        """Number of the version on trial; 0 where there is none, or where the file says none that can be read."""
        try:
            return int(json.loads(self.rollout.read_text())["version"])
        except (OSError, ValueError, TypeError, KeyError):
            return 0

    def _only_tried(self) -> set[int]:
        """Versions that were on trial and never in force; a line that cannot be read says nothing of any."""
        tried: set[object] = set()
        forced: set[object] = set()
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in (self.folder / _AUDIT).read_text().splitlines():
                with contextlib.suppress(SettingsError):
                    entry = _read_entry(line, _AUDIT)
                    kind = forced if entry.get("action", "published") in ("published", "promoted") else tried
                    kind.add(entry["version"])
        return {number for number in tried - forced if isinstance(number, int)}

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
        handle = os.open(self.folder / _AUDIT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(handle, "w", encoding="utf-8")


def put_in_place(path: Path, content: bytes) -> None:
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


def _take(lock: TextIO) -> None:
    """Wait until nobody else changes this folder; the lock goes with the file. Windows has another call for it."""
    with contextlib.suppress(ImportError):
        import fcntl  # noqa: PLC0415 (not there on Windows)

        fcntl.flock(lock, fcntl.LOCK_EX)


def _read_entry(line: str, where: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not {"at", "by", "version", "digest", "why"} <= set(entry):
        raise SettingsError(where, ("no entry of the audit; mend or remove the line",))
    return entry
