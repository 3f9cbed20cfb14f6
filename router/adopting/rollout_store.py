"""Roll-outs in the folder of the policies: begun, ended once, promoted; each change is in the audit. An edge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..policy import load_policy
from ..policy_store import Note, PolicyStore, Version, put_in_place
from .rollout import Rollout, new_rollout_id, read_rollout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from ..policy import Policy
    from .rollout import Terms

__all__ = ["Rollouts"]

_STOPPED, _ROLLED_BACK = "rollout_stopped", "rolled_back"


class Rollouts:
    """At most one is under way. What ends it is the folder's, so every process that watches the folder hears of it."""

    def __init__(self, store: PolicyStore) -> None:
        self.store = store

    @classmethod
    def beside(cls, policy: Path | None) -> Rollouts | None:
        """Those of the folder a router's policy lies in; None where that is a plain file."""
        if policy is None or policy != PolicyStore(policy.parent).current:
            return None
        return cls(PolicyStore(policy.parent))

    def running(self) -> Rollout | None:
        """The one under way.

        Raises:
            SettingsError: its file cannot be used.
        """
        path = self.store.rollout
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(str(path), (f"cannot be read ({type(error).__name__}); remove it",)) from None
        if not isinstance(document, dict):
            raise SettingsError(str(path), ("no roll-out; remove it",))
        return read_rollout(document, str(path))

    def policy_of(self, running: Rollout) -> Policy:
        """The policy on trial.

        Raises:
            SettingsError: its file is gone, or not what was put on trial any more.
        """
        policy = load_policy(self._path(running))
        if policy.digest != running.digest:
            raise SettingsError(str(self._path(running)), ("not what was put on trial any more; stop the roll-out",))
        return policy

    def start(self, path: Path, terms: Terms, *, at: datetime, by: str, why: str) -> Rollout:
        """Put a policy on trial.

        Raises:
            SettingsError: policy or terms cannot be used, nothing is in force yet, another one is under way, or the
                folder cannot be written; nothing has changed then.
        """
        policy = load_policy(path)
        if problems := terms.problems():
            raise SettingsError("roll-out", problems)
        with self.store.changing() as audit:
            control = self._control(policy.digest)
            version, _ = self.store.keep(path, policy)
            made = Rollout(new_rollout_id(), version.number, policy.digest, control, terms, at, by, why)
            try:
                put_in_place(self.store.rollout, json.dumps(made.document(), indent=2).encode())
            except OSError:
                version.path.unlink()
                raise
            facts = {name: value for name, value in made.document()["terms"].items() if value not in (None, ())}
            audit.write(Note("rollout_started", at, by, why or made.reach, facts).line(version))
        return made

    def _control(self, digest: str) -> str:
        """Digest of the policy in force, which the new one is tried beside."""
        where = str(self.store.folder)
        running = self.running()
        if running is not None:
            raise SettingsError(where, (f"version {running.version} is in roll-out; stop or promote it first",))
        force = next((version for version in self.store.history() if version.in_force), None)
        if force is None:
            raise SettingsError(where, ("nothing is in force to try it beside; publish a first policy",))
        if force.digest == digest:
            raise SettingsError(where, (f"digest {digest} is in force already; there is nothing to try",))
        return force.digest

    def stop(self, *, at: datetime, by: str, why: str) -> Rollout:
        """End the one under way by hand: the policy in force decides everything again.

        Raises:
            SettingsError: there is none, or the folder cannot be written.
        """
        ended = self._ended(Note(_STOPPED, at, by, why), None)
        if ended is None:
            raise self._nothing()
        return ended

    def take_back(self, rollout: Rollout, *, at: datetime, why: str, facts: Mapping[str, object]) -> bool:
        """End one because of what the books say; False where it had ended before, by whomever.

        Raises:
            SettingsError: the folder cannot be written.
        """
        return self._ended(Note(_ROLLED_BACK, at, "router", why, facts), rollout) is not None

    def promote(self, rollout: Rollout | None, *, at: datetime, by: str, why: str,
                facts: Mapping[str, object] | None = None) -> Version | None:
        """Put the version on trial in force; None where the one that is meant had ended before.

        Args:
            rollout: which one; None for the one under way, whichever it is.
            at: for the audit.
            by: for the audit.
            why: for the audit.
            facts: for the audit.

        Raises:
            SettingsError: there is none, its file was changed, or the folder cannot be written.
        """
        with self.store.changing() as audit:
            running = self.running()
            if running is None or (rollout is not None and rollout.id != running.id):
                if rollout is not None:
                    return None
                raise self._nothing()
            path = self._path(running)
            version = Version(running.version, running.digest, self.policy_of(running).name, in_force=False, path=path)
            put_in_place(self.store.current, path.read_bytes())
            return self.store.note_in_force(version, audit, note=Note("promoted", at, by, why, facts or {}))

    def _ended(self, note: Note, rollout: Rollout | None) -> Rollout | None:
        with self.store.changing() as audit:
            running = self.running()
            if running is None or (rollout is not None and rollout.id != running.id):
                return None
            tried = next((one for one in self.store.history() if one.number == running.version), None)
            audit.write(note.line(tried or Version(running.version, running.digest, "(its file is gone)",
                                                   in_force=False, path=self._path(running))))
            self.store.rollout.unlink(missing_ok=True)
        return running

    def _path(self, running: Rollout) -> Path:
        return self.store.folder / f"{running.version:04d}-{running.digest}.toml"

    def _nothing(self) -> SettingsError:
        return SettingsError(str(self.store.folder), ("nothing is in roll-out; begin one: router policy rollout FILE",))
