"""Who is sent to next: a line for each tenant and host, taken in turn, so that a slow receiver holds up nobody else."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

if TYPE_CHECKING:
    from ..ledger.job_protocol import Message

__all__ = ["Turns", "host_of"]

_GUESSED_PACE_S = 0.05
_QUICK_S = 2.0
_READY_FOR_S = 5.0
_MOST_IN_LINE = 256
_LEAST_WAIT_S = 1.0
_LONGEST_WAIT_S = 600.0


@dataclass
class _Line:
    """Messages of one tenant to one host.

    Attributes:
        running: tries on their way.
        pace_s: seconds of the last try; None where there was none.
        full_until: monotonic seconds by which all that was sent away could have been sent.
        closed_until: monotonic seconds before which nothing is sent.
    """

    waiting: deque[Message] = field(default_factory=deque)
    running: int = 0
    pace_s: float | None = None
    full_until: float = 0.0
    closed_until: float = 0.0


class Turns:
    """Messages that this process holds and has not sent; times are monotonic seconds.

    A slow receiver fills its own line. What does not fit is sent away until about when its turn would come, so that it
    takes no room from others.
    """

    def __init__(self, *, at_once: int, per_host: int, per_line: int) -> None:
        """Tries at once in all and to one host; messages that wait in a line however slow it is."""
        self._at_once, self._per_host, self._per_line = at_once, per_host, per_line
        self._lines: dict[tuple[str, str], _Line] = {}
        self._busy: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def offer(self, message: Message, *, now_s: float) -> float:
        """Hold a message; 0, or the seconds it is to be sent away for."""
        line = self._lines.setdefault(_key(message), _Line())
        if now_s >= line.closed_until and len(line.waiting) < self._room(line):
            line.waiting.append(message)
            return 0.0
        return self._away_s(line, now_s)

    def begin(self) -> Message | None:
        """The message to send next; None where all slots are taken, or nothing waits that may be sent."""
        if self._busy.total() >= self._at_once:
            return None
        for key, line in self._lines.items():
            if line.waiting and line.running < self._share(line) and self._busy[key[1]] < self._per_host:
                self._lines[key] = self._lines.pop(key)
                self._busy[key[1]] += 1
                line.running += 1
                return line.waiting.popleft()
        return None

    def ended(self, message: Message, *, took_s: float, closed_until: float, now_s: float) -> (
            list[tuple[Message, float]]):
        """A try has ended; messages of its line that are to be sent away, each with the seconds for which.

        Those are all of them where the receiver is overrun, and what is too much where it turned out to be slow.
        """
        key = _key(message)
        self._busy[key[1]] -= 1
        self._busy += Counter()  # forgets hosts nothing is sent to
        line = self._lines[key]
        line.running -= 1
        line.pace_s, line.closed_until = took_s, max(line.closed_until, closed_until)
        room = 0 if now_s < line.closed_until else self._room(line)
        away = [line.waiting.pop() for _ in range(len(line.waiting) - room)]
        if len(self._lines) > self._at_once:
            self._lines = {key: line for key, line in self._lines.items()
                           if line.waiting or line.running or now_s < max(line.closed_until, line.full_until)}
        return [(other, self._away_s(line, now_s)) for other in reversed(away)]

    def _share(self, line: _Line) -> int:
        """Tries at once of a line: fewer where each takes long, down to one at a time."""
        return max(1, int(self._per_host * min(1.0, _QUICK_S / self._pace_s(line))))

    def _room(self, line: _Line) -> int:
        """Messages that may wait in a line: what it is rid of in a few seconds."""
        quick = 0 if line.pace_s is None else int(self._share(line) * _READY_FOR_S / self._pace_s(line))
        return max(self._per_line, min(quick, _MOST_IN_LINE))

    def _away_s(self, line: _Line, now_s: float) -> float:
        if now_s < line.closed_until:
            return line.closed_until - now_s
        each_s = self._pace_s(line) / self._share(line)
        earliest = now_s + max(_LEAST_WAIT_S, each_s * len(line.waiting))
        line.full_until = min(max(line.full_until + each_s, earliest), now_s + _LONGEST_WAIT_S)
        return line.full_until - now_s

    @staticmethod
    def _pace_s(line: _Line) -> float:
        return _GUESSED_PACE_S if line.pace_s is None else max(line.pace_s, 1e-3)


def host_of(message: Message) -> str:
    """Where a message goes, as in `hooks.example.com:443`, without what the address may hold of keys."""
    try:
        url = URL(message.url)
    except (ValueError, IndexError):
        return ""
    return f"{url.raw_host or ''}:{url.port or 0}".lower()


def _key(message: Message) -> tuple[str, str]:
    return message.tenant, host_of(message)
