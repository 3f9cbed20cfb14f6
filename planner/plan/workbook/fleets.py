"""The sheet of fleets: what was simulated, and where each month's work lies among it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.plan.fleet import LOADS

from .pages import Live, at

if TYPE_CHECKING:
    from planner.plan.fleet import Fleet
    from planner.plan.lines import Month

    from .facts import Facts
    from .pages import Cell, Page

__all__ = ["LOAD_DIGITS", "in_range", "planned_work", "write_fleets"]

LOAD_DIGITS = 12
"""So that a month at a simulated load is found there, however its work was added up."""
_FIRST, _SHARES = 4, 5
_HEADS = ("month", "number", "fleet of month", "work it was planned for, GPU-seconds*", "work, GPU-seconds*",
          "work over the planned", "within what was simulated", "load below it", "way to the next",
          "cards are there: 1", "GPU-hours", "most cards", "simulated range holds")
_ON_HOURS = ("ROUND(INDEX(fleet_on_hours,{which},{at})+{to}*(INDEX(fleet_on_hours,{which},{at}+1)"
             "-INDEX(fleet_on_hours,{which},{at})),hour_digits)")


def planned_work(facts: Facts, fleet: Fleet) -> float:
    """What a fleet was planned for, in the unit of its first month's work."""
    month = next(month for month, one in zip(facts.plan.months, facts.plan.fleets, strict=True) if one is fleet)
    return _work(facts, month) / month.load


def in_range(month: Month, fleet: Fleet) -> bool:
    """Whether a month's work lies within what its fleet was simulated at."""
    return not bool(fleet.outside(np.array([month.load]))[0])


def write_fleets(page: Page, facts: Facts) -> None:
    """Months first, then the share of each stream that own cards make at each simulated load."""
    page.titled("Fleet", "How many cards are on, how long by demand, and what they make of the work, is "
                "simulated; in between, the workbook goes in a straight line, as the model does.",
                "* Where own cards may make nothing, work is counted in images. Outside of what was simulated "
                "the share stays that of the edge, and the last column is FALSE.")
    page.heads(_FIRST - 1, _HEADS)
    for number, (month, fleet) in enumerate(zip(facts.plan.months, facts.plan.fleets, strict=True)):
        for col, (cell, shape) in enumerate(_month(facts, month, fleet, _FIRST + number)):
            given = col in (3, 9, 10, 11) and not isinstance(cell, Live)
            page.put((_FIRST + number, col), cell, shape=shape, role="needs re-run" if given else "plain")
    last = _FIRST + len(facts.plan.months) - 1
    for col, name in ((7, "position"), (8, "step"), (9, "cards_there"), (10, "gpu_hours"), (11, "most_cards"),
                      (12, "in_range")):
        page.define(f"fleet_{name}", (_FIRST, col), last=(last, col))
    page.red_where_false((_FIRST, 12), (last, 12))
    first = last + 3
    page.heads(first - 1, ("row", "fleet of month", "stream", "can wait: 1", "work over the planned:"))
    for col, load in enumerate(LOADS):
        page.put((first - 1, _SHARES + col), load, role="needs re-run", shape="0.00")
    page.define("fleet_loads", (first - 1, _SHARES), last=(first - 1, _SHARES + len(LOADS) - 1))
    _own_shares(page, facts, first)
    if facts.scales:
        _on_hours(page, facts, first + len(facts.shares) + 1)


def _on_hours(page: Page, facts: Facts, first: int) -> None:
    """Of each fleet whose cards come and go by demand."""
    labels = {month.month.number: month.month.label for month in facts.plan.months}
    for number, fleet in enumerate(facts.fleets):
        page.line(first + number, (number + 1, labels[fleet.from_month], "", "", "GPU-hours by demand"))
        for col, hours in enumerate(fleet.on_h):
            page.put((first + number, _SHARES + col), float(hours), role="needs re-run", shape="#,##0.0")
    last = first + len(facts.fleets) - 1
    page.define("fleet_on_month", (first, 1), last=(last, 1))
    page.define("fleet_on_hours", (first, _SHARES), last=(last, _SHARES + len(LOADS) - 1))


def _own_shares(page: Page, facts: Facts, first: int) -> None:
    labels = {month.month.number: month.month.label for month in facts.plan.months}
    shares = [(fleet, key) for fleet in facts.fleets for key in fleet.own_shares]
    for number, (fleet, key) in enumerate(shares):
        page.line(first + number, (number + 1, labels[fleet.from_month], key[0], int(key[1]), "share of own cards"))
        for col, share in enumerate(fleet.own_shares[key]):
            page.put((first + number, _SHARES + col), float(share), role="needs re-run", shape="0.0000")
    page.define("fleet_own_shares", (first, _SHARES), last=(first + len(shares) - 1, _SHARES + len(LOADS) - 1))


def _month(facts: Facts, month: Month, fleet: Fleet, row: int) -> tuple[tuple[Cell, str], ...]:
    number, planned, work, load, within, position = (at(row, col) for col in (1, 3, 4, 5, 6, 7))
    held = float(np.clip(round(month.load, LOAD_DIGITS), LOADS[0], LOADS[-1]))
    place = min(int(np.searchsorted(LOADS, held, side="right")), len(LOADS) - 1)
    step = (held - LOADS[place - 1]) / (LOADS[place] - LOADS[place - 1])
    labels = {one.month.number: one.month.label for one in facts.plan.months}
    hours: Cell = Live(_ON_HOURS.format(at=position, to=at(row, 8), which=f"MATCH({at(row, 2)},fleet_on_month,0)"),
                       month.gpu_hours) if facts.scales else month.gpu_hours
    return (
        (month.month.label, ""), (month.month.number, "0"), (labels[fleet.from_month], ""),
        (planned_work(facts, fleet), "#,##0.000"),
        (Live(f"SUMIFS(volumes_work,volumes_month,{number})", _work(facts, month)), "#,##0.000"),
        (Live(f"ROUND({work}/{planned},load_digits)", round(month.load, LOAD_DIGITS)), "0.0000"),
        (Live(f"MIN(MAX({load},MIN(fleet_loads)),MAX(fleet_loads))", held), "0.0000"),
        (Live(f"MIN(MATCH({within},fleet_loads,1),COUNT(fleet_loads)-1)", place), "0"),
        (Live(f"({within}-INDEX(fleet_loads,{position}))/(INDEX(fleet_loads,{position}+1)"
              f"-INDEX(fleet_loads,{position}))", step), "0.0000"),
        (int(facts.has_cards(fleet)), "0"), (hours, "#,##0.0"), (month.most_cards, "0"),
        (Live(f"OR({at(row, 9)}=0,{within}={load})", in_range(month, fleet)), ""))


def _work(facts: Facts, month: Month) -> float:
    return sum(flow.stream.images_per_month * facts.work_per_image(flow) for flow in facts.flows if flow.month is month)
