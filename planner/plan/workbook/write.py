"""A plan as a workbook, sheet by sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .about import write_about, write_changes, write_events
from .assumptions import write_assumptions
from .bills import write_bills
from .calc import write_calc
from .checks import write_checks
from .doubts import write_uncertainty
from .facts import Facts
from .fleets import write_fleets
from .pages import Sheets
from .prices import write_accepted, write_prices
from .server import write_purchase
from .totals import FIRST_MONTH, LABELS, write_totals
from .volumes import write_volumes

if TYPE_CHECKING:
    from planner.plan.monthly import Plan

__all__ = ["plan_xlsx"]


def plan_xlsx(plan: Plan) -> bytes:
    """The workbook; the same plan gives the same bytes.

    Changing a *live* input changes the totals as the model would with the same cards and the same choice of options.
    """
    facts, sheets = Facts(plan), Sheets(plan.case.on)
    months = [13.0] * len(plan.months)
    across = (LABELS + 2, FIRST_MONTH)
    write_about(sheets.page("About", widths=(18, 100)), facts)
    write_assumptions(sheets.page("Assumptions", widths=(40, 52, 14, 16, 11, 11, 48, 11, 14), frozen=(3, 1)), facts)
    write_prices(sheets.page("Prices", widths=(5, 16, 40, 10, 12, 8, 13, 13, 6, 11, 11, 12, 90), frozen=(3, 3)), facts)
    write_accepted(sheets.page("Accepted", widths=(5, 16, 30, 10, 8, 44), frozen=(3, 0)), facts)
    write_volumes(sheets.page("Volumes", widths=(9, 14, 18, 12, 12, 10, 14, 16, 10, 14, 10, 12, 12, 14, 14, 12)), facts)
    write_fleets(sheets.page("Fleet", widths=(9, 9, 18, 16, 16, 12, 12, 10, 10, 9, 12, 9, 12)), facts)
    write_calc(sheets.page("Calc", widths=(9, 8, 18, 9, 38, 9, 9, 9, 10, 14, 9, 10, 13, 14, 16, 14), frozen=(3, 6)),
               facts)
    write_bills(sheets.page("Bills", widths=(15, 32, 10, 16, *months), frozen=across), facts)
    write_totals(sheets.page("Plan", widths=(22, 2, 2, 12, *months, 15), frozen=across), facts)
    write_uncertainty(sheets.page("Uncertainty", widths=(22, 16, 16, 16, 16, 16, 10)), facts)
    if plan.case.scenario.plan.purchase is not None:
        write_purchase(sheets.page("Purchase", widths=(20, 15, 15, 14, 15, 12, 15, 15, 15, 9, 11)), facts,
                       owned=plan.case.scenario.plan.purchase)
    write_events(sheets.page("Events", widths=(10, 14, 120)), facts)
    write_checks(sheets.page("Checks", widths=(76, 12)), facts)
    write_changes(sheets.page("Change log", widths=(12, 18, 30, 14, 14, 50)), facts)
    return sheets.closed()
