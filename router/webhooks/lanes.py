"""Who is sent to next: a lane for each tenant and host, taken in turn, so that a slow receiver holds up nobody else."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

if TYPE_CHECKING:
    from ..ledger.job_protocol import Message

__all__ = ["Lanes", "host_of"]

_GUESSED_PACE_S = 1.0
_LEAST_WAIT_S = 1.0
_LONGEST_WAIT_S = 600.0


@dataclass
class _Lane:
    """Messages of one tenant to one host.

    Attributes:
        pace_s: seconds of the last try.
        full_until: monotonic seconds by which all that was sent away could have been sent.
        closed_until: monotonic seconds before which nothing is sent.
    """

    waiting: deque[Message] = field(default_factory=deque)
    pace_s: float = _GUESSED_PACE_S
    full_until: float = 0.0
    closed_until: float = 0.0


class Lanes:
    """Messages that this process holds and has not sent; times are monotonic seconds.

    A slow receiver fills its own lane. What does not fit is sent away until about when its turn would come, so that it
    takes no room from others.
    """

    def __init__(self, *, at_once: int, per_host: int, per_lane: int) -> None:
        """Tries at once in all and to one host; messages that wait in a lane."""
        self._at_once, self._per_host, self._per_lane = at_once, per_host, per_lane
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._busy: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def offer(self, message: Message, *, now_s: float) -> float:
        """Hold a message; 0, or the seconds it is to be sent away for."""
        lane = self._lanes.setdefault(_key(message), _Lane())
        if now_s < lane.closed_until:
            return lane.closed_until - now_s
        if len(lane.waiting) < self._per_lane:
            lane.waiting.append(message)
            return 0.0
        each_s = lane.pace_s / self._per_host
        earliest = now_s + max(_LEAST_WAIT_S, each_s * len(lane.waiting))
        lane.full_until = min(max(lane.full_until + each_s, earliest), now_s + _LONGEST_WAIT_S)
        return lane.full_until - now_s

    def begin(self) -> Message | None:
        """The message to send next; None where all slots are taken, or nothing waits that may be sent."""
        if self._busy.total() >= self._at_once:
            return None
        for key, lane in self._lanes.items():
            if lane.waiting and self._busy[key[1]] < self._per_host:
                self._lanes[key] = self._lanes.pop(key)
                self._busy[key[1]] += 1
                return lane.waiting.popleft()
        return None

    def ended(self, message: Message, *, took_s: float, closed_until: float, now_s: float) -> tuple[Message, ...]:
        """A try has ended; the messages of its lane that are to be sent away, where its receiver is overrun."""
        key = _key(message)
        self._busy[key[1]] -= 1
        self._busy += Counter()  # forgets hosts nothing is sent to
        lane = self._lanes.setdefault(key, _Lane())
        lane.pace_s, lane.closed_until = took_s, max(lane.closed_until, closed_until)
        away: tuple[Message, ...] = ()
        if now_s < lane.closed_until:
            away = tuple(lane.waiting)
            lane.waiting.clear()
        if len(self._lanes) > self._at_once:
            self._lanes = {key: lane for key, lane in self._lanes.items()
                           if lane.waiting or now_s < max(lane.closed_until, lane.full_until)}
        return away


def host_of(message: Message) -> str:
    """Where a message goes, as in `hooks.example.com:443`, without what the address may hold of keys."""
    try:
        url = URL(message.url)
    except ValueError:
        return ""
    return f"{url.raw_host or ''}:{url.port or 0}".lower()


def _key(message: Message) -> tuple[str, str]:
    return message.tenant, host_of(message)
