"""The cards of a stretch of months, and what they make of the work at loads around the plan's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.fleet import serve
from planner.mix.months import draw_months
from router.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.mix.answer import Mix
    from planner.mix.streams import Planned, Stream
    from planner.queueing import Array

__all__ = ["LOADS", "Fleet", "fleet_of", "key_of"]

LOADS = (0.3, 0.5, 0.75, 1.0, 1.35, 1.8, 2.5)
"""Work of the month over the plan's that a fleet is simulated at."""
_MONTHS, _REQUESTS = 2, 50_000


def key_of(stream: Stream) -> tuple[str, bool]:
    """What tells a stream apart in every month."""
    return stream.segment, stream.can_wait


@dataclass(frozen=True)
class Fleet:
    """A fleet, simulated.

    Attributes:
        from_month: number of the first month it is planned for; it stays until the next one.
        mix: the cheapest mix of that month's volume and prices.
        own_shares: images of each stream that cards of ours make, one value for each of `LOADS`.
        busy_s: GPU-seconds of work a month, for each of `LOADS`.
        on_h: card-hours a month from start to off, for each of `LOADS`, where cards come and go by demand; else zeros.
    """

    from_month: int
    mix: Mix
    own_shares: dict[tuple[str, bool], Array]
    busy_s: Array
    on_h: Array

    def own_share(self, key: tuple[str, bool], load: Array | float) -> Array:
        """Of a stream, at so many times the planned work; flat beyond what was simulated."""
        return np.asarray(np.interp(load, LOADS, self.own_shares[key]))

    def outside(self, load: Array) -> NDArray[np.bool_]:
        """Which loads lie beyond what was simulated; nothing does where there are no cards."""
        return (load < LOADS[0]) | (load > LOADS[-1]) if self.busy_s.any() else np.zeros(load.shape, np.bool_)

    def busy_seconds(self, load: Array | float) -> Array:
        """GPU-seconds a month at so many times the planned work."""
        return np.asarray(np.interp(load, LOADS, self.busy_s))

    def on_hours(self, load: Array | float) -> Array:
        """Card-hours a month that are paid for by demand, at so many times the planned work."""
        return np.asarray(np.interp(load, LOADS, self.on_h))


def fleet_of(mix: Mix, *, from_month: int, seed: int) -> Fleet:
    """The best way of a mix at every load."""
    streams, cards = mix.drawn.planned.streams, mix.best.outcome.cards
    if not cards.any():
        nothing = np.zeros(len(LOADS))
        return Fleet(from_month, mix, {key_of(one): nothing for one in streams}, nothing, nothing)
    shares, busy, on = [], [], []
    for load in LOADS:
        at_load = replace(mix.drawn.planned, streams=tuple(
            replace(one, images_per_month=one.images_per_month * load) for one in streams))
        found = _served(mix, at_load, seed=seed)
        shares.append(found[0])
        busy.append(found[1])
        on.append(found[2])
    table = np.array(shares)
    return Fleet(from_month, mix, {key_of(one): table[:, at] for at, one in enumerate(streams)}, np.array(busy),
                 np.array(on))


def _served(mix: Mix, planned: Planned, *, seed: int) -> tuple[Array, float, float]:
    """Own share of every stream, GPU-seconds and card-hours on by demand, averaged over a few drawn months."""
    streams = planned.streams
    requests = sum(one.images_per_month / one.shape.images_per_request for one in streams)
    hours = int(np.clip(_REQUESTS / max(requests, 1.0) * 730, 168, 730))
    drawn = draw_months(planned, mix.rules, count=_MONTHS, seed=seed, hours=hours)
    way = mix.best.outcome
    made, asked, busy, on = np.zeros(len(streams)), np.zeros(len(streams)), 0.0, 0.0
    for month, work, conditions in zip(drawn.months, drawn.works, drawn.conditions, strict=True):
        served = serve(work._replace(seconds=work.seconds / (1 - mix.paying.lost_share)), way.cards,
                       by_image=way.by_image, conditions=conditions)
        made += np.bincount(month.stream, served.own_images, len(streams))
        asked += np.bincount(month.stream, month.images, len(streams))
        busy += float(served.busy_s.sum())
        on += float(served.on_s.sum()) / SECONDS_PER_HOUR
    share = np.divide(made, asked, out=np.zeros(len(streams)), where=asked > 0)
    return share, busy / _MONTHS * drawn.scale, on / _MONTHS * drawn.scale
