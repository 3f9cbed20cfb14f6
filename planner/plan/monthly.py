"""A scenario month by month: the router's own choice at each month's prices, and the fleet that is there then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from planner.assumptions import assumption
from planner.displaceable import segments_today
from planner.errors import PlannerError
from planner.mix.answer import best_mix
from planner.mix.documents import hosted_vendors
from planner.mix.streams import streams_of
from planner.named_rent import with_rent
from planner.own import own_side

from .bills import fixed_lines
from .fleet import fleet_of, key_of
from .images import image_lines
from .lines import OWN, Month, rounded_hours
from .months import plan_months
from .successors import orphans, succeeded
from .worlds import drawn_worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from planner.case import Case
    from planner.mix.streams import Planned, Stream
    from planner.uncertainty import Spread

    from .fleet import Fleet
    from .lines import ImageLine
    from .months import PlanMonth
    from .worlds import Worlds

__all__ = ["Plan", "monthly_plan"]

_MOVED = 0.25


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        case: the question, on the day it was asked.
        months: up to the horizon, or to where it stops; `stopped` says why then.
        fleets: of each month.
        spreads: what is not known for sure of own cards, and of prices where a range is stated.
        worlds: the months in every drawn world.
    """

    case: Case
    seed: int
    vendors: tuple[str, ...]
    months: tuple[Month, ...]
    fleets: tuple[Fleet, ...]
    spreads: Mapping[str, Spread]
    worlds: Worlds
    stopped: str

    @property
    def usd(self) -> Decimal:
        """All months."""
        return sum((month.usd for month in self.months), Decimal(0))


def monthly_plan(case: Case, *, first: date, count: int = 12, vendors: Sequence[str] = (), seed: int = 1,
                 told: Callable[[float], None] = lambda _: None) -> Plan:
    """The plan of a scenario.

    The fleet is planned anew where the work has moved by a quarter or hosted prices have changed; in between it stays.

    Args:
        case: scenario, tables and draws.
        first: a day of the first month.
        count: months.
        vendors: hosted accounts; the usual ones and today's where left out.
        seed: of drawn traffic.
        told: hears the share that is done.

    Raises:
        PlannerError: nothing can be planned for the first month.
    """
    case = with_rent(case)
    months: list[Month] = []
    fleets: list[Fleet] = []
    stopped = ""
    accounts = hosted_vendors(case, vendors)
    for month in plan_months(first, count=count, fiscal_year_starts=case.scenario.plan.fiscal_year_starts):
        stopped = "; ".join(orphans(case, month.last))
        if stopped:
            stopped = f"{month.label}: {stopped}"
            break
        then = replace(case, scenario=succeeded(case, month.last), on=max(case.on, month.first))
        fleet, planned = _fleet(then, month, fleets, vendors=accounts, seed=seed)
        fleets.append(fleet)
        months.append(_month(then, month, fleet, planned=planned))
        told(0.9 * (month.number + 1) / count)
    if not months:
        raise PlannerError(stopped)
    spreads = _spreads(case)
    worlds = drawn_worlds(months, fleets, spreads=spreads, draws=case.draws,
                          volume_doubt_share=case.scenario.plan.volume_doubt_share)
    return Plan(case, seed, accounts, tuple(months), tuple(fleets), spreads, worlds, stopped)


def _fleet(case: Case, month: PlanMonth, fleets: Sequence[Fleet], *, vendors: Sequence[str], seed: int) -> (
        tuple[Fleet, Planned]):
    """The fleet of a month, and the month's own work and prices for it."""
    if fleets:
        before = fleets[-1]
        now = _streams(case, month, before, vendors)
        then = before.mix.drawn.planned
        if abs(_load(now.streams) / _load(then.streams) - 1) < _MOVED and _hosted(now) == _hosted(then):
            return before, now
    mix = best_mix(case, vendors=vendors, ahead_months=month.number, seed=seed, with_doubts=False)
    return fleet_of(mix, from_month=month.number, seed=seed), mix.drawn.planned


def _streams(case: Case, month: PlanMonth, fleet: Fleet, vendors: Sequence[str]) -> Planned:
    found = streams_of(case, fleet.mix.rules, vendors=vendors, ahead_months=month.number)
    allowed = {key_of(one) for one in fleet.mix.drawn.planned.streams if one.own}
    return replace(found, streams=tuple(replace(one, own=one.own and key_of(one) in allowed) for one in found.streams))


def _load(streams: Sequence[Stream]) -> float:
    """GPU-seconds of what cards may make; images where they may make none."""
    seconds = sum(one.images_per_month * one.seconds for one in streams if one.own)
    return seconds or sum(one.images_per_month for one in streams) or 1.0


def _hosted(planned: Planned) -> list[tuple[object, ...]]:
    return [(one.segment, one.can_wait, one.own, one.hosted, one.usd) for one in planned.streams]


def _month(case: Case, month: PlanMonth, fleet: Fleet, *, planned: Planned) -> Month:
    load = _load(planned.streams) / _load(fleet.mix.drawn.planned.streams)
    options = [line for one in planned.streams for line in image_lines(case, fleet, stream=one, load=load)]
    lines = tuple(line for line in options if line.share > 0)
    idle = tuple(line for line in options if line.share <= 0)
    cards = fleet.mix.best.outcome.cards
    hours = rounded_hours(float(fleet.on_hours(load))) if fleet.mix.paying.scales else float(cards.sum() * 730 / 168)
    return Month(month, lines, idle, fixed_lines(case, fleet, month=month, load=load, made=lines), load, hours,
                 int(cards.max()), _kg_co2e(case, lines), planned.streams)


def _kg_co2e(case: Case, lines: Sequence[ImageLine]) -> float | None:
    """Of own images while they are made, as a break-even counts it; None where no grid is named or none is made."""
    moved = [row for row in segments_today(case) if row.own_images]
    energy = own_side(case, moved).energy if moved else None
    if energy is None or energy.kg_per_month is None or not energy.images_per_month:
        return None
    made = float(sum((line.images for line in lines if line.option == OWN), Decimal(0)))
    return energy.kg_per_month.mid / energy.images_per_month * made


def _spreads(case: Case) -> Mapping[str, Spread]:
    """What is not known for sure of own cards, and of prices where the scenario states a range of them."""
    moved = [row for row in segments_today(case) if row.own_images]
    if not moved:
        return {}
    found = dict(own_side(case, moved).spreads)
    if any(one.driver == "price" for one in case.scenario.range):
        today = sum(row.own_images * float(row.option.usd_per_image) for row in moved)
        found["price"] = assumption(case.scenario, "price", mid=today / sum(row.own_images for row in moved))
    return found
