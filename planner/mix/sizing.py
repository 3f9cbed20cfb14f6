"""How many cards keep a promise without any overflow, and the other way round: what a fleet can promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.drawing import draw_month
from planner.errors import PlannerError
from planner.fleet import WEEK_H
from planner.named_rent import with_rent
from planner.queueing import waits
from router.errors import OutOfReach
from router.gpus import find_gpu
from router.options import TRAVEL_S
from router.quantities import HOURS_PER_MONTH
from router.service_time import ServiceAsk, timing

from .conditions import without_failures
from .documents import Rules, hosted_vendors
from .months import draw_months, outcome
from .paying import paying_of
from .streams import streams_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from planner.case import Case
    from planner.scenario import Own
    from planner.traffic import Shape

    from .months import Months, Outcome
    from .paying import Paying
    from .streams import Planned

__all__ = ["FleetFound", "Room", "Sized", "room_of", "sized"]

_MONTHS, _MOST_CARDS, _REQUESTS = 12, 512, 400_000
_PRECISIONS = ("bf16", "fp8", "nf4")
_NO_LIMIT_S, _HALVINGS, _CALL_IMAGES = 86_400.0, 9, 4


@dataclass(frozen=True)
class FleetFound:
    """One number of cards, always on.

    Attributes:
        outcome: of the drawn months, nothing overflowing.
        refused: why it does not do; empty where it does.
        usd: cards, their work where it is paid for, and fixed costs a month.
    """

    cards: int
    outcome: Outcome
    refused: str
    usd: float


@dataclass(frozen=True)
class Sized:
    """The smallest fleet that keeps every promise, and every smaller one with its excuse.

    Attributes:
        fleets: smallest first; the last one keeps the promises.
        foresight_gpu_h: GPU-hours a month of somebody who knew every arrival and switched cards by the hour: what no
            plan can be below.
        hosted_usd: the same images at the cheapest hosted options that the rules allow.
    """

    drawn: Months
    paying: Paying
    fleets: tuple[FleetFound, ...]
    foresight_gpu_h: float
    hosted_usd: float

    @property
    def chosen(self) -> FleetFound:
        """The smallest that does."""
        return self.fleets[-1]


@dataclass(frozen=True)
class Room:
    """What a fleet can do with one model, precision and engine.

    Attributes:
        why_not: why it cannot run; empty where it can.
        images_per_month: the most at which a drawn month keeps the promise; 0 where none does.
        usd_per_image: the fleet's month over them.
    """

    model: str
    engine: str
    precision: str
    why_not: str
    seconds: float = 0.0
    memory_gib: float = 0.0
    images_per_month: float = 0.0
    busy_share: float = 0.0
    p95_s: float = 0.0
    usd_per_image: float = 0.0


def sized(case: Case, *, ahead_months: float = 0.0, seed: int = 1, told: Callable[[float], None] = lambda _: None) -> (
        Sized):
    """The smallest fleet for a scenario, nothing overflowing.

    Raises:
        PlannerError: no own card may make anything, or no fleet keeps a promise.
    """
    case, rules = with_rent(case), Rules({})
    planned = streams_of(case, rules, vendors=hosted_vendors(case, ()), ahead_months=ahead_months)
    planned = replace(planned, streams=tuple(replace(one, leaves=False) for one in planned.streams if one.own))
    if not planned.streams:
        raise PlannerError("own cards may make none of these images; `planner mix` says why")
    _refuse_too_slow(planned)
    drawn, paying = _drawn(planned, rules, seed=seed), paying_of(case)
    fleets: list[FleetFound] = []
    cards = _first_guess(planned, paying)
    while True:
        told(min(0.95, len(fleets) / 10))
        found = _tried(drawn, paying, cards)
        fleets.append(found)
        if not found.refused:
            break
        if cards >= min(_MOST_CARDS, paying.most or _MOST_CARDS):
            raise PlannerError(f"no fleet of up to {cards} cards keeps the promise: {found.refused}")
        cards += max(1, cards // 10)
    hosted = sum(one.images_per_month * one.hosted_again * one.usd for one in planned.streams)
    return Sized(drawn, paying, _narrowed(drawn, paying, fleets), _foresight(drawn), hosted)


def room_of(case: Case, *, models: Sequence[str], cards: int, p95_s: float, seed: int = 1) -> Iterator[Room]:
    """What `cards` of the scenario's card can do, for every model, engine and precision that is asked about.

    Raises:
        OutOfReach: a card or model nobody knows.
    """
    case = with_rent(case)
    find_gpu(case.book.law.gpus, case.scenario.own.gpu)
    for name in models:
        case.book.models.find(name)
    shape = streams_of(case, Rules({}), vendors=hosted_vendors(case, ())).streams[0].shape
    for model in models:
        for engine in ("diffusers", "sglang", "vllm-omni"):
            for precision in _PRECISIONS:
                own = case.scenario.own.model_copy(update={"model": model, "engine": engine, "precision": precision,
                                                           "steps": None, "seconds_per_image": None})
                yield _room(case, own, shape, cards=cards, p95_s=p95_s, seed=seed)


def _room(case: Case, own: Own, shape: Shape, *, cards: int, p95_s: float, seed: int) -> Room:
    name = case.book.models.find(own.model).id
    size = case.scenario.segment[0].size
    try:
        made = timing(case.book.law, ServiceAsk(model=own.model, gpu=own.gpu, engine=own.engine,
                                                precision=own.precision, compile=own.compile, size=size))
    except OutOfReach as error:
        return Room(name, own.engine, own.precision, str(error))
    seconds, memory = made.seconds_per_image, made.memory.needed_gib
    if seconds + TRAVEL_S > p95_s:
        return Room(name, own.engine, own.precision, f"no fleet meets p95 {p95_s:g} s: service time alone is "
                    f"{seconds:.1f} s", seconds, memory)
    paying = paying_of(case)
    most, busy, p95 = _most_images(shape, seconds, cards=cards, p95_s=p95_s, seed=seed)
    usd = paying.cards_usd(np.full(WEEK_H, cards)) + paying.fixed_usd
    return Room(name, own.engine, own.precision, "", seconds, memory, most, busy, p95, usd / most if most else 0.0)


def _most_images(shape: Shape, seconds: float, *, cards: int, p95_s: float, seed: int) -> tuple[float, float, float]:
    """The most images a month, their busy share and p95, by halving between nothing and a fleet that never rests."""
    full = cards * HOURS_PER_MONTH * 3600 / seconds
    low, high, best = 0.0, full, (0.0, 0.0, 0.0)
    for _ in range(_HALVINGS):
        volume = (low + high) / 2
        p95 = _bad_p95(volume, shape, seconds, cards=cards, seed=seed)
        if p95 <= p95_s:
            low, best = volume, (volume, volume / full, p95)
        else:
            high = volume
    return best


def _bad_p95(volume: float, shape: Shape, seconds: float, *, cards: int, seed: int) -> float:
    """Of the requests of a drawn month: first come, first served, up to four images in a call."""
    hours = int(np.clip(_REQUESTS / max(volume / shape.images_per_request, 1.0) * HOURS_PER_MONTH, WEEK_H,
                        HOURS_PER_MONTH))
    month = draw_month([(volume, shape)], np.random.default_rng(seed), hours=hours)
    if not month.at.size:
        return seconds + TRAVEL_S
    calls = -(-month.images // _CALL_IMAGES)
    request = np.repeat(np.arange(month.at.size), calls)
    first = np.cumsum(calls) - calls
    left = month.images[request] - (np.arange(request.size) - first[request]) * _CALL_IMAGES
    service = np.minimum(left, _CALL_IMAGES) * seconds
    done = waits(month.at[request], service, servers=cards) + service + TRAVEL_S
    return float(np.percentile(np.maximum.reduceat(done, first), 95))


def _drawn(planned: Planned, rules: Rules, *, seed: int) -> Months:
    requests = sum(one.images_per_month / one.shape.images_per_request for one in planned.streams)
    count = int(np.clip(_REQUESTS / max(requests, 1.0), 3, _MONTHS))
    hours = HOURS_PER_MONTH if requests * count <= 2 * _REQUESTS else WEEK_H
    drawn = draw_months(planned, rules, count=count, seed=seed, hours=hours)
    works = tuple(work._replace(most_wait=np.full(work.at.size, _NO_LIMIT_S)) for work in drawn.works)
    return replace(drawn, works=works, conditions=tuple(
        None if one is None else replace(one, deadline_s=None) for one in drawn.conditions))


def _refuse_too_slow(planned: Planned) -> None:
    for one in planned.streams:
        for word, limit in (("p95", one.promise.p95_s), ("p99", one.promise.p99_s)):
            if limit is not None and not one.can_wait and one.seconds + TRAVEL_S > limit:
                raise PlannerError(f"segment {one.segment}: no fleet meets {word} {limit:g} s: service time alone is "
                                   f"{one.seconds:.1f} s; promise more, or take a faster card or fewer steps")


def _first_guess(planned: Planned, paying: Paying) -> int:
    """Cards that are busy in the busiest hour of an average week, whole lots of them."""
    peak = sum(one.images_per_month / HOURS_PER_MONTH * one.seconds / 3600 * max(one.shape.hour_of_week)
               for one in planned.streams)
    lot = max(1, paying.lot)
    return max(lot, int(np.ceil(peak / lot)) * lot)


def _tried(drawn: Months, paying: Paying, cards: int) -> FleetFound:
    found = outcome(drawn, np.full(WEEK_H, cards), paying=paying)
    excuse = _excuse(drawn, found)
    if excuse and drawn.fails:
        steady = without_failures(drawn)
        if not _excuse(steady, outcome(steady, np.full(WEEK_H, cards), paying=paying)):
            excuse += "; only because cards fail"
    return FleetFound(cards, found, excuse, found.cards_usd + found.fixed_usd + float(found.busy_usd.mean()))


def _excuse(drawn: Months, found: Outcome) -> str:
    for at, one in enumerate(drawn.planned.streams):
        if one.can_wait:
            continue
        for word, seen, limit in (("p95", found.p95_s, one.promise.p95_s), ("p99", found.p99_s, one.promise.p99_s)):
            bad = float(np.nanpercentile(np.nan_to_num(seen[:, at]), 95))
            if limit is not None and bad > limit:
                return f"{one.segment}: {word} {bad:,.1f} s in a bad month (1 of 20), {limit:g} s promised"
    return ""


def _narrowed(drawn: Months, paying: Paying, tried: Sequence[FleetFound]) -> tuple[FleetFound, ...]:
    """Down from the first that does, one lot at a time, to the last that does not."""
    step, refused, best = max(1, paying.lot), [one for one in tried if one.refused], tried[-1]
    while best.cards > step and best.cards - step not in {one.cards for one in refused}:
        found = _tried(drawn, paying, best.cards - step)
        if found.refused:
            refused.append(found)
            break
        best = found
    return (*sorted((one for one in refused if one.cards < best.cards), key=lambda one: one.cards), best)


def _foresight(drawn: Months) -> float:
    """Whole cards for the work of every hour, known beforehand."""
    hours = []
    for month, work in zip(drawn.months, drawn.works, strict=True):
        busy_s = np.bincount((month.at // 3600).astype(np.int64), work.images * work.seconds)
        hours.append(float(np.ceil(busy_s / 3600).sum()))
    return float(np.mean(hours)) * drawn.scale
