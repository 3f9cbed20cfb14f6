"""`planner export`: a month of the books in the formats that finance reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict, Unpack

import click

from planner.actuals.accruals import accruals_of, write_accruals
from planner.actuals.charges import month_charges
from planner.actuals.focus import write_focus
from planner.actuals.invoices import Invoices, read_invoices
from planner.actuals.lines import OWN, ledger_side
from planner.actuals.opening import opened_month
from planner.actuals.writing import new_file
from planner.closing.licensed import write_licence_report
from planner.commands.month_options import (
    data_option,
    force_option,
    ledger_option,
    month_option,
    out_option,
    settings_option,
)
from planner.errors import PlannerError
from router.quantities import usd_from_micro

__all__ = ["accruals", "export", "focus", "licence"]


class _Asked(TypedDict):
    ledger: str | None
    month: str
    settings: Path | None
    data: Path | None
    out: Path
    force: bool
    company: str
    detail: bool


class _AccrualsAsked(TypedDict):
    ledger: str | None
    month: str
    invoices: tuple[Path, ...]
    settings: Path | None
    data: Path | None
    out: Path
    force: bool


class _LicenceAsked(TypedDict):
    ledger: str | None
    month: str
    name: str
    scenario: str | None
    plans: Path | None
    look_back: int
    settings: Path | None
    data: Path | None
    out: Path
    force: bool


@click.group()
def export() -> None:
    """A month of the books in the formats that finance reads."""


@export.command()
@month_option
@ledger_option
@settings_option
@out_option
@click.option("--company", default="Own company", show_default=True, help="Who provides the cards of ours.")
@click.option("--detail", is_flag=True, help="A row for each attempt instead of one for each day and sort of work.")
@force_option
@data_option
def focus(**asked: Unpack[_Asked]) -> None:
    """A month as FOCUS 1.2, in CSV.

    A row for each day, tenant, backend and SKU (model, quality, size, lane), parted by project, cost centre and
    segment, which are its tags. Own cards that nothing used have rows of their own.
    """
    with new_file(asked["out"], force=asked["force"]) as file, opened_month(
            asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
            environ=os.environ) as books:
        charges = month_charges(books.connection, books.month, places=books.places, detail=asked["detail"])
        sums = write_focus(charges, file, month=books.month, company=asked["company"])
        if not sums.attempts:
            raise PlannerError(f"{books.shown}: no attempt in {books.month.text}; name a month with traffic")
    click.echo(f"{asked['out']}: {sums.rows:,} rows, {'final' if books.month.is_over else 'provisional'}; the books "
               f"settled {usd_from_micro(sums.settled_micro_usd):,.6f} USD, vendors bill "
               f"{usd_from_micro(sums.billed_micro_usd):,.6f}, with own cards it cost "
               f"{usd_from_micro(sums.micro_usd):,.6f}")
    if sums.unsettled:
        click.echo(f"note: {sums.unsettled:,} attempts have no end yet and count nothing")
    if sums.simulated:
        click.echo(f"note: {sums.simulated:,} attempts were answered by the built-in simulator; nobody bills them")


@export.command()
@month_option
@ledger_option
@click.option("--invoice", "invoices", type=click.Path(path_type=Path), multiple=True,
              help="What is invoiced already: a vendor's statement. Repeatable.")
@settings_option
@out_option
@force_option
@data_option
def accruals(**asked: Unpack[_AccrualsAsked]) -> None:
    """What the month used and no vendor has invoiced yet, in CSV: the accrual of its end, reversed on the first after.

    Provisional while the month runs or an attempt has no end, final afterwards. Cards of ours are in it where an
    invoice of their rent is given.
    """
    with new_file(asked["out"], force=asked["force"]) as file, opened_month(
            asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
            environ=os.environ) as books:
        invoices = (read_invoices(asked["invoices"], books.month, prices=books.prices, vendors=books.places.vendors)
                    if asked["invoices"] else Invoices())
        unpriced: list[str] | None = None if OWN in invoices.side.vendors else []
        booked = ledger_side(month_charges(books.connection, books.month, places=books.places, unpriced=unpriced),
                             books.prices)
        if not booked.vendors:
            raise PlannerError(f"{books.shown}: nothing was paid for in {books.month.text}; name a month with traffic")
        status = "final" if books.month.is_over and not booked.unsettled else "provisional"
        total = write_accruals(accruals_of(booked, invoices.side), file, month=books.month, status=status)
    click.echo(f"{asked['out']}: {usd_from_micro(total):,.6f} USD accrued, {status}, reversed on "
               f"{books.month.reversed_on}")
    for note in invoices.notes:
        click.echo(f"note: {note}")


@export.command()
@month_option
@ledger_option
@click.option("--licence", "name", required=True, metavar="VENDOR", help="Whose, as in BFL.")
@click.option("--scenario", help="That holds the licence; a file or a shipped name (the known terms).")
@click.option("--plans", type=click.Path(path_type=Path), help="Folder of the register, for a ledger that is no file.")
@click.option("--look-back", type=click.IntRange(0, 120), default=3, show_default=True,
              help="Earlier months that are looked through for what was settled late.")
@settings_option
@out_option
@force_option
@data_option
def licence(**asked: Unpack[_LicenceAsked]) -> None:
    """Images of licensed models that cards of ours made, in CSV, for whoever sold the licence.

    Each image is in one report: what was settled late is in the next month's. A register beside the ledger, or in the
    folder of plans, holds what was reported; a report made again is the same.
    """
    from planner.closing.licence_command import reported_month  # noqa: PLC0415 (a scenario is read by what needs one)

    with new_file(asked["out"], force=asked["force"]) as file, opened_month(
            asked["ledger"], asked["month"], settings=asked["settings"], data=asked["data"],
            environ=os.environ) as books:
        report = reported_month(books, asked["name"], scenario=asked["scenario"], plans=asked["plans"],
                                data=asked["data"], look_back=asked["look_back"])
        images = write_licence_report(report, file)
    click.echo(f"{asked['out']}: {images:,} images of {', '.join(report['models'])} to report to {report['licence']}")
    late = sum(row["images"] for row in report["rows"] if row["made_in"] != report["month"])
    if late:
        click.echo(f"note: {late:,} of them began in earlier months and were settled after those were reported")
    if report["open"]:
        click.echo(f"note: {report['open']:,} attempts had no end when it was made; what they bring is in the next")
