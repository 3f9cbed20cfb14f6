"""The sheet of checks: every one a formula, and one that all of them must hold for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fleets import in_range
from .pages import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .facts import Facts
    from .pages import Page

__all__ = ["all_hold", "write_checks"]

_FIRST = 4
_CHECKS = {
    "the plan has all of its months": "COUNT(plan_month_usd)=plan_months",
    "all months together are the sum of the months, to the micro-dollar":
        "ROUND(SUM(plan_month_usd),usd_digits)=ROUND(plan_total_usd,usd_digits)",
    "all months together are the sum of all lines":
        "ROUND(SUM(plan_lines_usd),usd_digits)=ROUND(plan_total_usd,usd_digits)",
    "the lines are the sum of Calc and Bills":
        'ROUND(SUM(calc_usd)+SUMPRODUCT((bills_row="USD")*bills_amounts),usd_digits)=ROUND(plan_total_usd,usd_digits)',
    "shares lie between 0 and 1": "AND(MIN(calc_share)>=0,MAX(calc_share)<=1)",
    "no stream is made more than once":
        "SUMPRODUCT((SUMIFS(calc_share,calc_volume,calc_volume)>1+tolerance_usd)*1)=0",
    "no more images are accepted than are made":
        "AND(SUM(calc_accepted)<=SUM(calc_images),MAX(accepted_shares)<=1,MIN(accepted_shares)>0)",
    "every month's work lies within what its fleet was simulated at (Fleet)": "AND(fleet_in_range)",
    "no volume, price or share is below 0":
        "MIN(segments_images,segments_movable,segments_deferrable,prices_usd,bills_amounts,tax_share)>=0",
    "no formula has failed":
        "SUMPRODUCT(ISERROR(calc_usd)*1)+SUMPRODUCT(ISERROR(bills_amounts)*1)+SUMPRODUCT(ISERROR(plan_month_usd)*1)=0",
    "percentiles are in order (Uncertainty)": "AND(uncertainty_in_order)",
}


def _checks(facts: Facts) -> Iterator[tuple[str, str, bool]]:
    """What is checked, its formula, and whether it holds of the plan as written."""
    ranged = all(in_range(month, fleet) for month, fleet in zip(facts.plan.months, facts.plan.fleets, strict=True))
    for name, formula in _CHECKS.items():
        yield name, formula, ranged if "fleet_in_range" in formula else True


def all_hold(facts: Facts) -> bool:
    """Whether every check holds of the plan as written."""
    return all(held for _, _, held in _checks(facts))


def write_checks(page: Page, facts: Facts) -> None:
    """Every check, and the master check over them."""
    page.titled("Checks", "TRUE is well. Where one is FALSE, no figure of this workbook should be used before its "
                "reason is known.")
    page.put((2, 0), "master check", role="total")
    page.put((2, 1), Live("AND(checks)", all_hold(facts)), role="total")
    page.heads(_FIRST - 1, ("check", "holds"))
    row = _FIRST
    for row, (name, formula, held) in enumerate(_checks(facts), _FIRST):
        page.put((row, 0), name)
        page.put((row, 1), Live(formula, held))
    page.define("checks", (_FIRST, 1), last=(row, 1))
    page.define("master_check", (2, 1))
    page.red_where_false((2, 1), (row, 1))
    page.put((row + 2, 0), "months the plan was made for")
    page.put((row + 2, 1), len(facts.plan.months), role="constant")
    page.define("plan_months", (row + 2, 1))
