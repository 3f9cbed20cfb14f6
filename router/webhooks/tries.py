"""What a try to deliver an event came to, and when the next one is due: the schedule of Standard Webhooks 1.0.0."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RETRIES_AFTER_S", "Try", "next_try_s", "throttle_s"]

RETRIES_AFTER_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER_SHARE = 0.1
_LONGEST_WAIT_S = 86_400.0
_LONGEST_THROTTLE_S = 600.0
_PLAIN_THROTTLE_S = 5.0
_GONE = 410
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Try:
    """One try.

    Attributes:
        code: `http_` and the status, or why there is none: `timeout`, `unresolved` (no address, or one inside our
            network), `unreachable`, `tls`, `garbled`, `not_allowed`, `no_secret`, `fault`.
        status: of the answer; 0 where there is none.
        retry_after_s: what the receiver asked for.
    """

    code: str
    status: int = 0
    retry_after_s: float | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it: any status from 200 to 299."""
        return 200 <= self.status < 300  # noqa: PLR2004 (the good statuses of HTTP)


def next_try_s(tried: Try, before: int, *, chance: float) -> float | None:
    """Seconds until the next try of an event that has not arrived; None where it is given up.

    Ten tries spread over 75.6 hours; a receiver that is gone (410) is not asked again. `Retry-After` puts the next try
    off, by a day at most.

    Args:
        tried: the last try.
        before: tries that had failed before it.
        chance: 0..1; spreads tries over a tenth more than the schedule, so that they do not all come back at once.
    """
    if tried.status == _GONE or before >= len(RETRIES_AFTER_S):
        return None
    asked = min(tried.retry_after_s or 0.0, _LONGEST_WAIT_S)
    return max(asked, float(RETRIES_AFTER_S[before])) * (1 + _JITTER_SHARE * chance)


def throttle_s(tried: Try) -> float:
    """Seconds for which a receiver gets nothing of this tenant, for it is overrun; 0 where it is not."""
    if tried.status not in _BUSY:
        return 0.0
    return min(max(tried.retry_after_s or 0.0, _PLAIN_THROTTLE_S), _LONGEST_THROTTLE_S)
