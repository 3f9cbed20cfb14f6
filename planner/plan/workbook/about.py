"""The sheets of words: what the workbook is and rests on, what happens inside the plan, who changed what."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from planner.plan.document import content_hash
from planner.plan.events import events_of

from .checks import all_hold
from .pages import Live

if TYPE_CHECKING:
    from .facts import Facts
    from .pages import Cell, Page, Role

__all__ = ["write_about", "write_changes", "write_events"]

_SHEETS = (
    ("Assumptions", "every input with its unit, doubt and source"),
    ("Prices", "what one image costs with each option"),
    ("Accepted", "how often an image is accepted"),
    ("Volumes", "what is asked for, month by month"),
    ("Fleet", "own cards as they were simulated"),
    ("Calc", "months x streams x options"),
    ("Bills", "what is paid for beside the images"),
    ("Plan", "months as columns: the answer"),
    ("Uncertainty", "percentiles pasted from the model"),
    ("Purchase", "a server instead of the rent, where the scenario names one"),
    ("Events", "what changes inside the plan"),
    ("Checks", "each a formula, and the master check"),
    ("Change log", "who changed what; write into it"))
_COLOURS: tuple[tuple[Role, str, str], ...] = (
    ("live", "live", "an input: change it and the totals follow, with the same cards"),
    ("needs re-run", "needs re-run", "simulated or chosen by the model: run planner plan again to change it"),
    ("constant", "constant", "units and digits: leave it"),
    ("plain", "computed", "a formula: leave it"))


def write_about(page: Page, facts: Facts) -> None:
    """What a reader must know first."""
    plan = facts.plan
    scenario, months = plan.case.scenario, plan.months
    page.titled(scenario.name, scenario.summary or "A monthly plan")
    known: tuple[tuple[str, Cell], ...] = (
        ("months", f"{months[0].month.label} to {months[-1].month.label}"),
        ("all months, USD", Live("plan_total_usd", float(plan.usd))),
        ("master check", Live("master_check", all_hold(facts))),
        ("made by", f"breakeven {version('breakeven')}, planner plan"),
        ("planned on", plan.case.on), ("scenario", content_hash(scenario)), ("seed", plan.seed),
        ("draws", plan.case.draws.count), ("hosted accounts", ", ".join(plan.vendors)),
        ("prices", "of each month's first day, from the tables whose hashes are in receipt.json"))
    for row, (name, cell) in enumerate(known, 3):
        page.put((row, 0), name)
        page.put((row, 1), cell, role="left", shape="#,##0.00" if name.endswith("USD") else "")
    page.red_where_false((5, 1), (5, 1))
    row = 3 + len(known) + 1
    page.put((row, 0), "colours", role="head")
    page.put((row, 1), "", role="head")
    for role, name, meaning in _COLOURS:
        row += 1
        page.put((row, 0), name, role=role)
        page.put((row, 1), meaning)
    row += 2
    page.put((row, 0), "sheets", role="head")
    page.put((row, 1), "", role="head")
    for name, meaning in _SHEETS:
        if name != "Purchase" or scenario.plan.purchase is not None:
            row += 1
            page.put((row, 0), name)
            page.put((row, 1), meaning)


def write_events(page: Page, facts: Facts) -> None:
    """Everything that changes from one month to the next."""
    page.titled("Events", "What changes inside the plan; a stop is a month that nobody can make yet.")
    page.heads(2, ("month", "kind", "what"))
    for row, event in enumerate(events_of(facts.plan), 3):
        page.line(row, event)


def write_changes(page: Page, facts: Facts) -> None:
    """The first entry, and room for others."""
    page.titled("Change log", "Write down every input you change: the model does not know of it.")
    page.heads(2, ("date", "who", "sheet and name", "before", "after", "why"))
    page.line(3, (facts.plan.case.on, "planner plan", "all", "", "", "written by the model"))
