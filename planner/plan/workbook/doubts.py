"""The sheet of uncertainty: percentiles pasted from the model, and what they were drawn for."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from .pages import Live, at

if TYPE_CHECKING:
    from planner.plan.worlds import Range

    from .facts import Facts
    from .pages import Page

__all__ = ["write_uncertainty"]

_FIRST = 5
_SHAPE = "#,##0.00"


def write_uncertainty(page: Page, facts: Facts) -> None:
    """Drawn worlds cannot be live: these are values, with the total they belong to beside them."""
    plan = facts.plan
    page.titled("Uncertainty", f"Pasted from breakeven {version('breakeven')}, seed {plan.case.draws.seed}, "
                f"{plan.case.draws.count:,} draws: these figures do not follow your changes; run planner plan again.",
                "US dollars. All months together is not the sum of the months: good and bad months even out.")
    page.heads(_FIRST - 1, ("month", "1 in 10 below (P10)", "half below (P50)", "4 in 5 below (P80)",
                            "9 in 10 below (P90)", "contingency, P80 less P50", "in order"))
    rows = [(month.month.label, sure) for month, sure in zip(plan.months, plan.worlds.months, strict=True)]
    for number, (label, sure) in enumerate([*rows, ("all months together", plan.worlds.total)]):
        _write(page, _FIRST + number, label, sure=sure)
    last = _FIRST + len(rows)
    page.define("uncertainty_in_order", (_FIRST, 6), last=(last, 6))
    page.define("contingency_usd", (last, 5))
    page.put((last + 2, 0), "drawn for a total of")
    page.put((last + 2, 1), float(plan.usd), role="needs re-run", shape=_SHAPE)
    page.put((last + 3, 0), "these figures belong to")
    page.put((last + 3, 1), Live(
        f'IF(ABS({at(last + 2, 1)}-plan_total_usd)<=tolerance_usd,"the inputs as they stand",'
        '"inputs before your changes: run planner plan again")', "the inputs as they stand"))
    page.put((last + 5, 0), "what moves the sum", role="head")
    page.put((last + 5, 1), "share of its variance", role="head")
    for number, (name, share) in enumerate(plan.worlds.drivers):
        page.put((last + 6 + number, 0), name)
        page.put((last + 6 + number, 1), share, role="needs re-run", shape="0.0%")


def _write(page: Page, row: int, label: str, *, sure: Range) -> None:
    page.put((row, 0), label)
    for col, value in enumerate((sure.p10, sure.p50, sure.p80, sure.p90), 1):
        page.put((row, col), value, role="needs re-run", shape=_SHAPE)
    p10, p50, p80, p90 = (at(row, col) for col in range(1, 5))
    page.put((row, 5), Live(f"{p80}-{p50}", sure.p80 - sure.p50), shape=_SHAPE)
    page.put((row, 6), Live(f"AND({p10}<={p50},{p50}<={p80},{p80}<={p90})",
                            sure.p10 <= sure.p50 <= sure.p80 <= sure.p90))
