"""A circuit breaker per backend: a pure state machine; the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["RATE_LIMIT", "WELL", "Breaker", "BreakerRules"]


@dataclass(frozen=True)
class BreakerRules:
    """When a backend is left alone, and for how long.

    Attributes:
        failures: in a row, after which it is closed.
        closed_s, longest_s: how long at first, doubled with every failed probe up to the longest.
        blocked_s: how long after the account was blocked, the key refused or the money spent: no request can mend that.
        longest_wait_s: the longest a provider's own word is taken for; then it is asked again.
    """

    failures: int = 5
    closed_s: float = 30.0
    longest_s: float = 600.0
    blocked_s: float = 300.0
    longest_wait_s: float = 3600.0


_RULES = BreakerRules()
_MOST_DOUBLINGS = 32
RATE_LIMIT = "rate limit"
_OUTAGE = "outage"


@dataclass(frozen=True)
class Breaker:
    """The state of one backend: well, closed until an instant, or letting one probe through.

    Attributes:
        failed: failures in a row.
        closed_until: monotonic seconds; 0 while it is well.
        times_closed: in a row, without an answer in between.
        probing: one request is on its way to see whether it is well again.
        why: `outage`, `rate limit`, or the word that `blocked` was given.
    """

    failed: int = 0
    closed_until: float = 0.0
    times_closed: int = 0
    probing: bool = False
    why: str = ""

    def admits(self, now: float) -> bool:
        """Whether a request may be sent now."""
        return not self.closed_until or (now >= self.closed_until and not self.probing)

    def sent(self, now: float) -> Breaker:
        """A request was sent; after a pause it is the one probe, but a rate limit ends by itself."""
        if not self.closed_until or now < self.closed_until:
            return self
        if self.why == RATE_LIMIT:
            return replace(self, closed_until=0.0, why="")
        return replace(self, probing=True)

    def answered(self, now: float) -> Breaker:
        """It works, whatever it thought of the request; what a provider said it wants stays said."""
        if self.closed_until > now and self.why != _OUTAGE:
            return replace(self, failed=0)
        return WELL

    def unanswered(self) -> Breaker:
        """The request ended without saying anything about the backend; a probe may be sent again."""
        return replace(self, probing=False)

    def fails(self, now: float, rules: BreakerRules = _RULES) -> Breaker:
        """An outage: it is closed after some in a row, and at once where a probe failed.

        What was sent before the pause and fails in it says nothing new: the pause is neither doubled nor cut short.
        """
        failed = self.failed + 1
        if self.closed_until > now or (failed < rules.failures and not self.probing):
            return replace(self, failed=failed)
        pause = min(rules.closed_s * 2**min(self.times_closed, _MOST_DOUBLINGS), rules.longest_s)
        return Breaker(failed, now + pause, self.times_closed + 1, why=_OUTAGE)

    def blocked(self, now: float, why: str, *, rules: BreakerRules = _RULES) -> Breaker:
        """Account or money: closed at once."""
        until = max(self.closed_until, now + rules.blocked_s)
        return Breaker(self.failed + 1, until, self.times_closed + 1, why=why)

    def asked_to_wait(self, now: float, seconds: float, *, rules: BreakerRules = _RULES) -> Breaker:
        """The provider named a time before which it does not want to be asked."""
        until = max(self.closed_until, now + min(seconds, rules.longest_wait_s))
        return replace(self, closed_until=until, probing=False, why=self.why or RATE_LIMIT)


WELL = Breaker()
"""What every backend is until something fails."""
