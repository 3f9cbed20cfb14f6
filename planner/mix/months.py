"""What a fleet makes of drawn months: images, waits and US dollars, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.conditions import Happened
from planner.drawing import draw_month
from planner.fleet import WEEK_H, Work, serve
from router.quantities import HOURS_PER_MONTH

from .conditions import conditions_of
from .streams import month_work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from planner.conditions import Conditions
    from planner.drawing import Month
    from planner.queueing import Array

    from .documents import Rules
    from .paying import Paying
    from .streams import Planned

__all__ = ["Months", "Outcome", "draw_months", "outcome", "saved_by_hour"]


@dataclass(frozen=True)
class Months:
    """Drawn months and their work; where volumes are large only the first `hours` of each, for all of it."""

    planned: Planned
    months: tuple[Month, ...]
    works: tuple[Work, ...]
    conditions: tuple[Conditions | None, ...]
    hours: int = HOURS_PER_MONTH

    @property
    def scale(self) -> float:
        """What is drawn times this is a month."""
        return HOURS_PER_MONTH / self.hours

    @property
    def fails(self) -> bool:
        """Whether cards fail in them."""
        return any(one is not None and one.failures is not None for one in self.conditions)


@dataclass(frozen=True)
class Outcome:
    """What a fleet comes to; arrays have one value for each month.

    Attributes:
        cards: by hour of the week.
        reserved: of them, paid for always.
        usd: everything a month; `cards_usd` and `fixed_usd` are the parts that do not depend on the month.
        hosted_usd, own_usd: images made elsewhere, and the power of own ones where it is paid for apart, as the router
            books them; `busy_usd` is what cards cost by the second they work.
        beside_usd: what no books of a router hold: people who look at every image, and the hosted images that are asked
            again more often than own ones, or less often.
        own_share: share of all images that cards of ours made.
        lost: images nobody made, for they may go nowhere else and the queue was too long.
        busy_share: of the hours that cards were on.
        p95_s, p99_s: by stream, of requests made by our cards alone, from asking to the last image; months in rows.
        images: asked for.
        happened: what the cards did beside working in an average month; None where nothing of it is stated.
        on_h: card-hours paid for where cards come and go by demand.
    """

    cards: NDArray[np.int64]
    reserved: int
    by_image: bool
    usd: Array
    cards_usd: float
    fixed_usd: float
    hosted_usd: Array
    own_usd: Array
    busy_usd: Array
    beside_usd: Array
    own_share: Array
    lost: Array
    busy_share: float
    p95_s: Array
    p99_s: Array
    images: Array
    happened: Happened | None
    on_h: float

    @property
    def hosted_images(self) -> Array:
        """Made elsewhere, or nowhere."""
        return self.images * (1 - self.own_share)


def draw_months(planned: Planned, rules: Rules, *, count: int, seed: int, hours: int = HOURS_PER_MONTH) -> Months:
    """Months of the scenario's demand; the same seed draws the same ones."""
    volumes = [(one.images_per_month, one.shape) for one in planned.streams]
    months = tuple(draw_month(volumes, np.random.default_rng((seed, number)), hours=hours) for number in range(count))
    return Months(planned, months, tuple(month_work(planned, month, rules=rules) for month in months), tuple(
        conditions_of(planned, month, rules=rules, seed=(seed, number), hours=hours)
        for number, month in enumerate(months)), hours)


def outcome(drawn: Months, cards: NDArray[np.int64], *, paying: Paying, reserved: int = 0, by_image: bool = True) -> (
        Outcome):
    """The months through one fleet."""
    streams = drawn.planned.streams
    usd_each, own_each = np.array([one.usd for one in streams]), np.array([one.own_usd for one in streams])
    leaves, again = np.array([one.leaves for one in streams]), np.array([one.hosted_again for one in streams])
    look = drawn.planned.case.scenario.review.usd_per_image
    fixed = paying.fixed_usd if cards.any() else 0.0
    cards_usd = paying.cards_usd(cards, reserved=reserved)
    hosted, own, worked, beside, share, lost, busy, late, seen = [], [], [], [], [], [], [], [], []
    for month, work, conditions in zip(drawn.months, drawn.works, drawn.conditions, strict=True):
        served = serve(work._replace(seconds=work.seconds / (1 - paying.lost_share)), cards, by_image=by_image,
                       conditions=conditions)
        away = month.images - served.own_images
        sent = np.where(leaves[month.stream], away, 0)
        hosted.append(float((sent * usd_each[month.stream]).sum()))
        own.append(float((served.own_images * own_each[month.stream]).sum()))
        more = sent * (again[month.stream] - 1)
        beside.append(float((more * usd_each[month.stream]).sum() + (sent + more + served.own_images).sum() * look))
        worked.append(paying.busy_usd(served))
        share.append(served.own_images.sum() / max(1, month.images.sum()))
        lost.append(float((away - sent).sum()))
        busy.append(served.busy_s.sum() / 3600)
        late.append(_waits(month, served.last, made=served.own_images == month.images, streams=len(streams)))
        seen.append((*served.counted, served.on_s.sum() / 3600))
    happened = np.mean(seen, axis=0) * drawn.scale
    hours_on = happened[-1] / drawn.scale if paying.scales else cards.sum() * (drawn.hours / WEEK_H)
    p95, p99 = (np.array([one[at] for one in late]) for at in (0, 1))
    made, own_made, work_usd, beside_usd = (np.array(each) * drawn.scale for each in (hosted, own, worked, beside))
    sizes = np.array([month.images.sum() for month in drawn.months]) * drawn.scale
    busy_share = float(np.mean(busy) / hours_on) if hours_on else 0.0
    total = made + own_made + work_usd + beside_usd + fixed + cards_usd
    return Outcome(cards, reserved, by_image, total, cards_usd, fixed, made, own_made, work_usd, beside_usd,
                   np.array(share), np.array(lost) * drawn.scale, busy_share, p95, p99, sizes,
                   None if drawn.conditions[0] is None else Happened(*happened[:-1].tolist()), float(happened[-1]))


def saved_by_hour(drawn: Months, paying: Paying, *, most: int, by_image: bool = True) -> Array:
    """US dollars a week that 0, 1 ... `most` cards save in each hour of the week, averaged over the months.

    An image that a card of ours makes saves its price elsewhere, counted in the hour it was asked for. Fewer columns
    come back where the last cards save nothing that would pay for an hour.
    """
    streams = drawn.planned.streams
    look = drawn.planned.case.scenario.review.usd_per_image
    gain = np.array([one.hosted_again * (one.usd + look) - one.own_usd - look if one.leaves
                     else 0.0 for one in streams])
    columns = [np.zeros(WEEK_H)]
    weeks = len(drawn.months) * drawn.hours / WEEK_H
    for cards in range(1, most + 1):
        total = np.zeros(WEEK_H)
        for month, work, conditions in zip(drawn.months, drawn.works, drawn.conditions, strict=True):
            served = serve(work._replace(seconds=work.seconds / (1 - paying.lost_share)),
                           np.full(WEEK_H, cards), by_image=by_image, conditions=conditions)
            total += np.bincount(month.hour_of_week, served.own_images * gain[month.stream], WEEK_H)
            total -= served.busy_s * paying.usd_per_busy_s + served.on_s * paying.usd_per_on_s
        columns.append(total / weeks)
        if paying.can_switch and (columns[-1] - columns[-2]).max() < min(
                paying.usd_per_h, paying.reserved_usd_per_h or paying.usd_per_h):
            break
        if paying.scales and columns[-1].sum() <= columns[-2].sum():
            break
    return np.stack(columns, axis=1)


def _waits(month: Month, last: Array, *, made: NDArray[np.bool_], streams: int) -> Sequence[Sequence[float]]:
    found: list[list[float]] = [[], []]
    for stream in range(streams):
        mine = last[made & (month.stream == stream)]
        for at, share in enumerate((95, 99)):
            found[at].append(float(np.percentile(mine, share)) if mine.size else np.nan)
    return found
