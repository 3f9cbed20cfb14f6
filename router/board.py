"""What is running where, kept by the one process that sends: breakers, calls in flight, images of this minute."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .attempts import Kind
from .backends.protocol import Trouble
from .breaker import RATE_LIMIT, WELL, Breaker
from .states import IDLE, BackendState, States

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .backends.protocol import Reply
    from .settings import BackendSettings

__all__ = ["Board"]

_MINUTE_S = 60.0


@dataclass(slots=True)
class _Place:
    settings: BackendSettings
    breaker: Breaker = WELL
    ends_at: dict[str, float] = field(default_factory=dict)
    sent: deque[tuple[float, int]] = field(default_factory=deque)
    images_sent: int = 0
    told: tuple[float, int] | None = None
    known: BackendState = IDLE
    has_limit: bool = False

    def __post_init__(self) -> None:
        """Whether a limit or an hour may stand against it even while nothing is in work."""
        own = self.settings.own
        self.has_limit = self.settings.images_per_minute is not None or (own is not None and bool(own.hours))

    def images_left(self, now: float) -> int | None:
        """Under the limit of the settings, and under what the provider told less than a minute ago."""
        limit = self.settings.images_per_minute
        if limit is None and self.told is None:
            return None
        while self.sent and self.sent[0][0] <= now - _MINUTE_S:
            self.images_sent -= self.sent.popleft()[1]
        left = None if limit is None else max(0, limit - self.images_sent)
        if self.told is not None and self.told[0] > now - _MINUTE_S:
            left = self.told[1] if left is None else min(left, self.told[1])
        return left

    def queued_s(self, now: float, hour: int | None) -> float:
        """Seconds until a card of ours is free for one more call, behind all that wait for one already."""
        own = self.settings.own
        cards = 0 if own is None else own.cards_at(hour)
        if not cards or len(self.ends_at) < cards:
            return 0.0
        ends = self.ends_at.values()
        return max(0.0, (min(ends) if len(ends) == cards else sorted(ends)[-cards]) - now)


class Board:
    """Mutable on purpose, and only here: a decision reads a snapshot of it."""

    def __init__(self, backends: Iterable[BackendSettings]) -> None:
        self._places = {settings.name: _Place(settings) for settings in backends}

    def states(self, now: float, *, hour: int | None = None, left_micro_usd: int | None = None,
               budget: str = "") -> States:
        """A snapshot; `hour` is the hour of the week, for cards that are switched on and off."""
        found = {}
        for name, place in self._places.items():
            still = place.breaker is WELL and not place.ends_at and place.told is None and not place.has_limit
            found[name] = IDLE if still else self._state(place, now, hour)
        return States(found, left_micro_usd, budget)

    def admits(self, backend: str, now: float, *, batched: bool = False) -> bool:
        """Whether the breaker lets a request through; asked once more right before it is sent.

        A batch has limits of its own: what closed the line for a rate lets it through.
        """
        breaker = self._places[backend].breaker
        return breaker.admits(now) or (batched and breaker.why == RATE_LIMIT)

    def closed_for_s(self, backend: str, now: float) -> float:
        """Seconds until the breaker lets a probe through."""
        return max(0.0, self._places[backend].breaker.closed_until - now)

    def expects(self, backend: str, call: str, *, work_s: float, now: float, hour: int | None = None) -> None:
        """A call is about to be made: who is decided next queues behind it."""
        place = self._places[backend]
        place.ends_at[call] = now + place.queued_s(now, hour) + work_s

    def forgets(self, backend: str, call: str) -> None:
        """A call that was expected is not made: no money was there for it."""
        self._places[backend].ends_at.pop(call, None)

    def started(self, backend: str, *, images: int, now: float) -> None:
        """A call that was expected is on its way."""
        place = self._places[backend]
        place.breaker = place.breaker.sent(now)
        if place.settings.images_per_minute is not None:
            place.sent.append((now, images))
            place.images_sent += images
        if place.told is not None:
            place.told = (place.told[0], max(0, place.told[1] - images))

    def ended(self, backend: str, call: str, *, reply: Reply | None, now: float, batched: bool = False) -> None:
        """A call is over; None where it broke without an answer.

        Of the line a batch says nothing but what holds for the whole account: thousands of its answers come at once,
        and what they tell happened hours ago.
        """
        place = self._places[backend]
        place.ends_at.pop(call, None)
        if batched and (reply is None or reply.trouble not in (Trouble.MONEY, Trouble.ACCOUNT)):
            return
        place.breaker = _judged(place.breaker, reply, now)
        if reply is not None and reply.headroom is not None:
            place.told = (now, reply.headroom)

    def late(self, backend: str, *, now: float) -> None:
        """An answer did not come in time: the backend counts as failing until it does."""
        self._places[backend].breaker = self._places[backend].breaker.fails(now)

    def in_flight(self) -> int:
        """Calls running everywhere."""
        return sum(len(place.ends_at) for place in self._places.values())

    def _state(self, place: _Place, now: float, hour: int | None) -> BackendState:
        breaker, own, calls, known = place.breaker, place.settings.own, len(place.ends_at), place.known
        left = place.images_left(now)
        well = own is None and breaker is WELL  # then nothing tells but the calls and the images of this minute
        if well and known.in_flight == calls and known.images_left == left:
            return known
        closed = breaker.closed_until
        if closed and closed <= now and breaker.probing:
            closed = now + 1.0
        state = BackendState(calls, 0.0 if own is None else place.queued_s(now, hour), left, closed, breaker.why,
                             own is not None and own.cards_at(hour) == 0)
        if well:
            place.known = state
        return state


def _judged(breaker: Breaker, reply: Reply | None, now: float) -> Breaker:
    if reply is None:
        return breaker.fails(now)
    if reply.trouble is Trouble.MONEY:
        return breaker.blocked(now, "money")
    if reply.trouble is Trouble.ACCOUNT:
        return breaker.blocked(now, "account")
    if reply.trouble is Trouble.OUTAGE:
        return breaker.fails(now)
    if reply.trouble is Trouble.BUSY:
        return breaker.unanswered() if reply.retry_after_s is None else breaker.asked_to_wait(now, reply.retry_after_s)
    return breaker.unanswered() if reply.kind is Kind.BAD_ANSWER else breaker.answered(now)
