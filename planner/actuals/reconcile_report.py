"""A reconciliation for a terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from .reconcile import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from .invoices import Invoices
    from .lines import Amount, Side
    from .month import Month
    from .reconcile import Compared, Reconciliation, Tolerance

__all__ = ["lines_table", "reconciled_json", "told_lines", "vendors_table"]

_SHOWN_LINES, _SHOWN_DAYS = 12, 4


def vendors_table(made: Sequence[Reconciliation], tolerance: Tolerance) -> Table:
    """Statement, books and what is between them, by vendor."""
    table = Table("vendor", box=None)
    for name in ("statement, USD", "books, USD", "residual, USD", "%"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in made:
        percent = one.residual_percent
        table.add_row(one.vendor, f"{one.stated_usd:,.2f}{'' if one.has_money else '*'}", f"{one.booked_usd:,.2f}",
                      f"{one.residual_usd:+,.2f}", "" if percent is None else f"{percent:+.2f}",
                      "within" if one.within(tolerance) else "outside")
    return table


def told_lines(made: Sequence[Reconciliation], invoices: Invoices, *, booked: Side, month: Month,
               tolerance: Tolerance) -> Iterator[str]:
    """What explains each residual, what must be known, and the verdict."""
    for one in made:
        yield from (f"{one.vendor}: {usd:+,.2f} USD {cause}{_counted(one, cause)}"
                    for cause, usd in one.causes.items() if usd)
        if not one.has_money:
            yield f"{one.vendor}: * the statement names no money; its images are priced as the books price them"
    for vendor in sorted(booked.vendors - {one.vendor for one in made}):
        if usd := booked.usd_of(vendor):
            yield f"note: no statement of {vendor}; the books hold {usd:,.2f} USD"
    yield from (f"note: {words}" for words in invoices.notes)
    if not month.is_over:
        yield f"note: {month.text} is not over; the books are those up to {month.now:%Y-%m-%d %H:%M} UTC"
    outside = [one.vendor for one in made if not one.within(tolerance)]
    told = f"{tolerance.percent:f} % or {tolerance.usd:f} USD a vendor, whichever is more"
    yield f"verdict: outside {told}: {', '.join(outside)}" if outside else f"verdict: within {told}"


def lines_table(made: Sequence[Reconciliation]) -> Table | None:
    """The models and days that are furthest apart; None where all agree."""
    lines = sorted((line for one in made for line in one.lines if line.residual_usd or line.images_over),
                   key=lambda line: (-abs(line.residual_usd), line.key))
    if not lines:
        return None
    title = f"furthest apart, {_SHOWN_LINES} of {len(lines)}" if len(lines) > _SHOWN_LINES else "apart"
    table = Table(title, box=None)
    for name in ("day", "images stated", "in the books", "statement, USD", "books, USD", "residual, USD"):
        table.add_column(name, justify="right")
    for line in lines[:_SHOWN_LINES]:
        table.add_row("/".join(filter(None, line.key[:2])), str(line.key.day), _images(line.stated),
                      _images(line.booked), f"{line.stated_usd:,.2f}", f"{line.booked_usd:,.2f}",
                      f"{line.residual_usd:+,.2f}")
    return table


def reconciled_json(made: Sequence[Reconciliation], invoices: Invoices, *, month: Month,
                    tolerance: Tolerance) -> dict[str, Any]:
    """Everything, line by line; amounts as text."""
    return {
        "month": month.text, "is_over": month.is_over, "tolerance_percent": str(tolerance.percent),
        "tolerance_usd": str(tolerance.usd), "within": all(one.within(tolerance) for one in made),
        "vendors": [_vendor_json(one, tolerance) for one in made], "notes": invoices.notes}


def _vendor_json(one: Reconciliation, tolerance: Tolerance) -> dict[str, Any]:
    percent = one.residual_percent
    return {
        "vendor": one.vendor, "names_money": one.has_money, "stated_usd": _exact(one.stated_usd),
        "booked_usd": _exact(one.booked_usd), "residual_usd": _exact(one.residual_usd),
        "residual_percent": None if percent is None else f"{percent:.4f}", "within": one.within(tolerance),
        "causes_usd": {cause: _exact(one.causes[cause]) for cause in CAUSES},
        "images_not_booked": one.images_not_booked, "images_not_stated": one.images_not_stated,
        "days_not_stated": [*map(str, one.days_not_stated)], "days_not_booked": [*map(str, one.days_not_booked)],
        "lines": [_line_json(line) for line in one.lines]}


def _line_json(line: Compared) -> dict[str, Any]:
    return {
        "model": line.key.model, "day": str(line.key.day),
        "stated_images": None if line.stated is None else line.stated.images,
        "booked_images": None if line.booked is None else line.booked.images, "stated_usd": _exact(line.stated_usd),
        "booked_usd": _exact(line.booked_usd), "residual_usd": _exact(line.residual_usd)}


def _counted(one: Reconciliation, cause: str) -> str:
    counts = {"images not in the books": f" ({one.images_not_booked:,})",
              "images not on the statement": f" ({one.images_not_stated:,})",
              "days not on the statement": f" ({_days(one.days_not_stated)})",
              "days not in the books": f" ({_days(one.days_not_booked)})"}
    return counts.get(cause, "")


def _days(days: list[date]) -> str:
    shown = ", ".join(map(str, days[:_SHOWN_DAYS]))
    return f"{shown} and {len(days) - _SHOWN_DAYS} more" if len(days) > _SHOWN_DAYS else shown


def _images(amount: Amount | None) -> str:
    return "" if amount is None or amount.images is None else f"{amount.images:,}"


def _exact(usd: Decimal) -> str:
    return f"{usd:.6f}"
