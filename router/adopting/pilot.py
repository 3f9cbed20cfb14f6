"""A roll-out in a running router: which policy decides a request, and the judge that takes a bad one back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..events import Event
from .rollout import Rollout, arm_of
from .trial import asked_of_books, judged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..errand import Clock
    from ..ledger.protocol import Ledger
    from ..policy import Policy
    from .judging import Judgement
    from .rollout_store import Rollouts

__all__ = ["Pilot"]

_PAUSE_FACTOR = 10
"""Reading the books takes at most a tenth of the time: large books are looked at less often."""


class Pilot:
    """Holds the policy on trial. Every process judges by the same books; the first to end it ends it for all."""

    def __init__(self, rollouts: Rollouts | None, clock: Clock, *, tell: Callable[[Event], None],
                 in_force: Callable[[], Policy], promoted: Callable[[Policy], None]) -> None:
        self._rollouts, self._clock, self._tell = rollouts, clock, tell
        self._in_force, self._promoted = in_force, promoted
        self._rollout: Rollout | None = None
        self._policy: Policy | None = None
        self._seen: tuple[int, int] | None = None
        self._dropped = ""
        self._owed: tuple[Rollouts, Rollout, Judgement] | None = None
        self._next_look_at = 0.0
        self.judgement: Judgement | None = None

    @property
    def rollout(self) -> Rollout | None:
        """The one under way here: its file is there, and the policy in force is the one it was begun beside."""
        running = self._rollout
        if running is None or running.id == self._dropped or running.control_digest != self._in_force().digest:
            return None
        return running

    def policy_for(self, tenant: str, identity: Callable[[], str]) -> Policy | None:
        """The policy on trial where it decides a request; None where the one in force does.

        Args:
            tenant: whose request it is.
            identity: makes its key or fingerprint; asked for only while something is on trial.
        """
        running = self.rollout
        if running is None or self._policy is None:
            return None
        arm = arm_of(running, tenant=tenant, identity=identity() if running.terms.share is not None else "")
        return self._policy if arm == "candidate" else None

    def refresh(self) -> None:
        """Look whether a roll-out has begun, changed or ended; one that cannot be used is told, and decides nothing."""
        if self._rollouts is None:
            return
        stamp = _stamp(self._rollouts.store.rollout)
        if stamp == self._seen:
            return
        self._seen = stamp
        self._rollout, self._policy, self.judgement, self._next_look_at = None, None, None, 0.0
        try:
            running = self._rollouts.running()
            if running is None:
                return
            policy = self._rollouts.policy_of(running)
        except SettingsError as error:
            self._tell(Event("rollout_unusable", self._clock.now(), facts={"problem": str(error)[:200]}))
            return
        self._rollout, self._policy = running, policy

    async def judge(self, ledger: Ledger) -> None:
        """Look at the books, and end or promote what they say.

        Raises:
            LedgerError: the books cannot be read; nothing has changed then.
        """
        self.refresh()
        if self._owed is not None:
            await self._take_back(*self._owed)
        running, policy = self.rollout, self._policy
        if running is None or policy is None or self._rollouts is None or self._clock.monotonic() < self._next_look_at:
            return
        began = time.perf_counter()
        sums = {ask: await ledger.arm(ask) for ask in asked_of_books(running) if ask is not None}
        self._next_look_at = self._clock.monotonic() + _PAUSE_FACTOR * (time.perf_counter() - began)
        self.judgement = judged(running, sums, at=self._clock.now(), policies=(self._in_force(), policy))
        if self.judgement.action == "roll_back":
            await self._take_back(self._rollouts, running, self.judgement)
        elif self.judgement.action == "promote":
            await self._promote(self._rollouts, running, policy, self.judgement)

    async def _take_back(self, rollouts: Rollouts, running: Rollout, found: Judgement) -> None:
        """Here at once, even where the folder cannot be written; then for every other process."""
        first = self._dropped != running.id
        self._dropped = running.id
        try:
            ended = await asyncio.to_thread(rollouts.take_back, running, at=self._clock.now(), why=found.why,
                                            facts=found.facts())
        except SettingsError as error:
            self._tell(Event("rollout_unusable", self._clock.now(), facts={"problem": str(error)[:200]}))
            ended, self._owed = first, (rollouts, running, found)
        else:
            ended, self._owed = ended and first, None
        if ended:
            self._tell(_event("rollout_rolled_back", running, found, self._clock))

    async def _promote(self, rollouts: Rollouts, running: Rollout, policy: Policy, found: Judgement) -> None:
        try:
            version = await asyncio.to_thread(rollouts.promote, running, at=self._clock.now(), by="router",
                                              why=found.why, facts=found.facts())
        except SettingsError as error:
            self._tell(Event("rollout_unusable", self._clock.now(), facts={"problem": str(error)[:200]}))
            return
        if version is not None:
            self._promoted(policy)
            self._tell(_event("rollout_promoted", running, found, self._clock))


def _event(name: str, running: Rollout, found: Judgement, clock: Clock) -> Event:
    return Event(name, clock.now(), facts={"rollout": running.id, "version": running.version, "digest": running.digest,
                                           "why": found.why} | found.facts())


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
