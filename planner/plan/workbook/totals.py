"""The sheet that finance reads: months as columns, lines as rows, totals, and what an accepted image costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.document import reported
from planner.plan.lines import FIXED_KINDS, OWN, usd_of

from .pages import Live, at, column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from planner.plan.lines import Month

    from .facts import Facts
    from .pages import Cell, Page, Role

__all__ = ["FIRST_MONTH", "LABELS", "NUMBERS", "ROWS", "write_totals"]

FIRST_MONTH = 4
"""Column of the first month, here and on Bills."""
LABELS = 3
NUMBERS = 4
"""Rows of the months' labels and numbers, here and on Bills."""
_DAYS, _FISCAL = 5, 6
ROWS = {name: 7 + number for number, name in enumerate((
    "hosted images", "own images", *FIXED_KINDS, "total", "images", "images of own cards", "accepted images",
    "USD an accepted image", "GPU-hours", "most cards", "exchange rate", "reported"))}
_UNIT_USD, _MONEY, _COUNT = "USD", "#,##0.00", "#,##0"


def write_totals(page: Page, facts: Facts) -> None:
    """Every line of every month, and all months together."""
    months, terms = facts.plan.months, facts.plan.case.scenario.plan
    page.titled("Plan", "US dollars a month, each month at the prices of its first day; everything here follows from "
                "the inputs on Assumptions and Prices.")
    last = FIRST_MONTH + len(months) - 1
    for row, name in ((LABELS, "month"), (NUMBERS, "month of the plan"), (_DAYS, "first day"),
                      (_FISCAL, "fiscal month")):
        page.heads(row, (name, "", "", "unit" if row == LABELS else ""))
        for number, month in enumerate(months):
            cells: dict[int, Cell] = {LABELS: month.month.label, NUMBERS: number, _DAYS: month.month.first,
                                      _FISCAL: month.month.fiscal_label}
            page.put((row, FIRST_MONTH + number), cells[row], role="month")
        page.put((row, last + 1), "all months" if row == LABELS else "", role="month")
    _money(page, months, last)
    _counts(page, months, last)
    if terms.currency != "USD":
        _reported(page, facts, last)
    page.define("plan_month_usd", (ROWS["total"], FIRST_MONTH), last=(ROWS["total"], last))
    page.define("plan_total_usd", (ROWS["total"], last + 1))
    page.define("plan_lines_usd", (ROWS["hosted images"], FIRST_MONTH), last=(ROWS["tax"], last))
    page.define("plan_cards_usd", (ROWS["cards"], FIRST_MONTH), last=(ROWS["cards"], last))
    page.define("plan_month_numbers", (NUMBERS, FIRST_MONTH), last=(NUMBERS, last))


def _money(page: Page, months: Sequence[Month], last: int) -> None:
    made = {"hosted images": "hosted", "own images": "own"}
    for name in ("hosted images", "own images", *FIXED_KINDS):
        key = at(ROWS[name], 0, fixed="col")
        values = [float(_line(month, name)) for month in months]

        def text(letter: str, *, name: str = name, key: str = key) -> str:
            number = f"{letter}${NUMBERS + 1}"
            if name in made:
                return f'ROUND(SUMIFS(calc_usd,calc_month,{number},calc_made_by,"{made[name]}"),usd_digits)'
            return f'ROUND(SUMIFS(INDEX(bills_amounts,0,{number}+1),bills_kind,{key},bills_row,"USD"),usd_digits)'
        _across(page, name, _UNIT_USD, text, values=values, shape=_MONEY, last=last, digits="usd_digits")
    top, bottom = ROWS["hosted images"] + 1, ROWS["tax"] + 1
    _across(page, "total", _UNIT_USD, lambda letter: f"ROUND(SUM({letter}{top}:{letter}{bottom}),usd_digits)",
            values=[float(month.usd) for month in months], shape=_MONEY, last=last, digits="usd_digits")


def _line(month: Month, name: str) -> Decimal:
    if name in ("hosted images", "own images"):
        return usd_of([line for line in month.images_of if (line.option == OWN) == (name == "own images")])
    return usd_of([bill for bill in month.fixed if bill.kind == name])


def _counts(page: Page, months: Sequence[Month], last: int) -> None:
    def summed(what: str, more: str = "") -> Callable[[str], str]:
        return lambda letter: f"ROUND(SUMIFS(calc_{what},calc_month,{letter}${NUMBERS + 1}{more}),image_digits)"

    own = [float(sum(line.images for line in month.images_of if line.option == OWN)) for month in months]
    for name, text, values in (
            ("images", summed("images"), [float(month.images) for month in months]),
            ("images of own cards", summed("images", ',calc_made_by,"own"'), own),
            ("accepted images", summed("accepted"), [float(month.accepted) for month in months])):
        _across(page, name, "images", text, values=values, shape=_COUNT, last=last, digits="image_digits")
    for name, rows, unit, shape in (("GPU-hours", "gpu_hours", "GPU-hours", "#,##0.0"),
                                    ("most cards", "most_cards", "cards", "0")):
        page.put((ROWS[name], 0), name)
        page.put((ROWS[name], 3), unit)
        for number, month in enumerate(months):
            value = month.gpu_hours if rows == "gpu_hours" else month.most_cards
            formula = f"INDEX(fleet_{rows},{column(FIRST_MONTH + number)}${NUMBERS + 1}+1)"
            page.put((ROWS[name], FIRST_MONTH + number), Live(formula, value), shape=shape)
    row = ROWS["USD an accepted image"]
    page.put((row, 0), "USD an accepted image")
    page.put((row, 3), _UNIT_USD)
    sums = [(float(month.usd), float(month.accepted)) for month in months]
    sums.append((float(sum(month.usd for month in months)), float(sum(month.accepted for month in months))))
    for col, (usd, accepted) in enumerate(sums, FIRST_MONTH):
        above, below = at(ROWS["total"], col), at(ROWS["accepted images"], col)
        each: float | str = usd / accepted if accepted else "none"
        page.put((row, col), Live(f'IF({below}=0,"none",{above}/{below})', each), shape="0.00000")


def _reported(page: Page, facts: Facts, last: int) -> None:
    currency = facts.plan.case.scenario.plan.currency
    for name, label, unit in (("exchange rate", "exchange rate", f"{currency} a USD"),
                              ("reported", f"total in {currency}", currency)):
        page.put((ROWS[name], 0), label)
        page.put((ROWS[name], 3), unit)
    told = [reported(facts.plan, month.usd, day=month.month.first) for month in facts.plan.months]
    for number, (month, amount) in enumerate(zip(facts.plan.months, told, strict=True)):
        col = FIRST_MONTH + number
        rate = facts.plan.case.scenario.plan.per_usd(month.month.first)
        day, here, above = at(_DAYS, col), at(ROWS["exchange rate"], col), at(ROWS["total"], col)
        page.put((ROWS["exchange rate"], col), Live(
            f'IFERROR(INDEX(fx_per_usd,MATCH({day},fx_valid_from,1)),"no rate")',
            "no rate" if rate is None else float(rate.per_usd)), shape="0.0000")
        page.put((ROWS["reported"], col), Live(f'IF(ISNUMBER({here}),{above}*{here},"no rate")',
                                             "no rate" if amount is None else float(amount)), shape=_MONEY)
    first, end = at(ROWS["reported"], FIRST_MONTH), at(ROWS["reported"], last)
    known = [amount for amount in told if amount is not None]
    page.put((ROWS["reported"], last + 1), Live(
        f'IF(COUNT({first}:{end})=COUNT(plan_month_numbers),SUM({first}:{end}),"no rate")',
        float(sum(known)) if len(known) == len(told) else "no rate"), shape=_MONEY)


def _across(page: Page, name: str, unit: str, text: Callable[[str], str], *, values: Sequence[float], shape: str,
            last: int, digits: str) -> None:
    """A line over the months, and its sum."""
    row = ROWS[name]
    role: Role = "total" if name == "total" else "plain"
    page.line(row, (name, "", "", unit), role=role)
    for number, value in enumerate(values):
        page.put((row, FIRST_MONTH + number), Live(text(column(FIRST_MONTH + number)), value),
                 role=role, shape=shape)
    total = f"ROUND(SUM({at(row, FIRST_MONTH)}:{at(row, last)}),{digits})"
    page.put((row, last + 1), Live(total, round(sum(values), 6)), role="total" if name == "total" else "sum",
             shape=shape)
