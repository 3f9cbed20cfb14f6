"""The sheet of a purchase: cash by month, present value, rate of return, payback, all live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.plan.document import plan_purchase
from router.quantities import MONTHS_PER_YEAR

from .pages import Live, at
from .server_costs import invested_usd, running_usd_per_month

if TYPE_CHECKING:
    from planner.gpu_costs import Owned
    from planner.plan.purchase import Purchase

    from .facts import Facts
    from .pages import Cell, Page

__all__ = ["write_purchase"]

_FIRST = 12
_HEADS = ("month", "rent it replaces", "power, space, repairs", "left at the end", "cash", "worth today, of a dollar",
          "worth today", "cash so far", "worth today so far", "paid back: 1", "worth today paid back: 1")
_SHAPE = "#,##0.00"
_YEARLY = "(1+IRR(purchase_cash,0))^months_per_year-1"
_RATE = f'IFERROR(IF(AND({_YEARLY}>=rate_lowest,{_YEARLY}<=rate_highest),{_YEARLY},"none"),"none")'


def write_purchase(page: Page, facts: Facts, *, owned: Owned) -> None:
    """Month 0 is when it is paid for; a month of the plan's rent is what it saves, the last month's after the plan."""
    page.titled("Purchase", "US dollars, money that comes in is positive. Money spent now is month 0 and is not "
                "discounted; the yearly rate is compounded monthly.")
    bought = plan_purchase(facts.plan)
    if bought is None:
        return
    page.heads(_FIRST - 1, _HEADS)
    for number in range(len(bought.flows)):
        _month(page, facts, owned, bought=bought, number=number)
    last = _FIRST + len(bought.flows) - 1
    for col, name in ((4, "cash"), (6, "discounted"), (9, "paid"), (10, "discounted_paid")):
        page.define(f"purchase_{name}", (_FIRST, col), last=(last, col))
    rate = bought.irr_per_year
    back = ["never" if months is None else months for months in (bought.payback, bought.discounted_payback)]
    for row, (name, value, unit, shape) in enumerate((
            ("paid now", Live("buy_invested_usd", invested_usd(owned)), "USD", _SHAPE),
            ("net present value", Live("SUM(purchase_discounted)", bought.npv_usd), "USD", _SHAPE),
            ("rate of return", Live(_RATE, "none" if rate is None else rate), "share a year", "0.00%"),
            ("paid back in", Live('IFERROR(MATCH(1,purchase_paid,0)-1,"never")', back[0]), "months", "0"),
            ("paid back in, discounted", Live('IFERROR(MATCH(1,purchase_discounted_paid,0)-1,"never")', back[1]),
             "months", "0"),
            ("its whole month", Live("buy_usd_per_month", bought.usd_per_month), "USD", _SHAPE)), 3):
        page.put((row, 0), name)
        page.put((row, 1), value, shape=shape, role="sum")
        page.put((row, 2), unit)


def _month(page: Page, facts: Facts, owned: Owned, *, bought: Purchase, number: int) -> None:
    row, flow = _FIRST + number, bought.flows[number]
    factor = float((1 + bought.rate_per_year) ** (-number / MONTHS_PER_YEAR))
    factors = (1 + bought.rate_per_year) ** (-np.arange(number + 1) / MONTHS_PER_YEAR)
    so_far = float(np.cumsum(bought.flows)[number])
    worth_so_far = float((np.array(bought.flows[:number + 1]) * factors).sum())
    last = number == len(bought.flows) - 1
    rents = [float(sum(bill.usd for bill in month.fixed if bill.kind == "cards")) for month in facts.plan.months]
    month, rent, running, left, cash, each, worth, total, worth_total, _, _ = (at(row, col) for col in range(11))
    cells: tuple[Cell, ...] = (
        number,
        Live(f"IF({month}=0,0,INDEX(plan_cards_usd,1,MIN({month},COUNT(plan_cards_usd))))",
             rents[min(number, len(rents)) - 1] if number else 0.0),
        Live(f"IF({month}=0,0,-buy_running_usd_per_month)", -running_usd_per_month(owned) if number else 0.0),
        Live(f"IF({month}=buy_life_months,buy_residual_usd,0)",
             invested_usd(owned) * owned.residual_share if last else 0.0),
        Live(f"{rent}+{running}+{left}-IF({month}=0,buy_invested_usd,0)", flow),
        Live(f"1/(1+discount_share_per_year)^({month}/months_per_year)", factor),
        Live(f"{cash}*{each}", flow * factor),
        Live(f"SUM({at(_FIRST, 4, fixed='row')}:{cash})", so_far),
        Live(f"SUM({at(_FIRST, 6, fixed='row')}:{worth})", worth_so_far),
        Live(f"IF({total}>=0,1,0)", int(so_far >= 0)), Live(f"IF({worth_total}>=0,1,0)", int(worth_so_far >= 0)))
    shapes = ("0", _SHAPE, _SHAPE, _SHAPE, _SHAPE, "0.000000", _SHAPE, _SHAPE, _SHAPE, "0", "0")
    for col, (cell, shape) in enumerate(zip(cells, shapes, strict=True)):
        page.put((row, col), cell, shape=shape)
