"""The files of a closed month, written into a folder from one reading of the books."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planner.actuals.accruals import accruals_of, write_accruals
from planner.actuals.charges import month_charges
from planner.actuals.focus import write_focus
from planner.actuals.groups import Groups, charged_back
from planner.actuals.judged import judged_images
from planner.actuals.lines import Booked
from planner.actuals.reconcile import Tolerance, reconciled
from planner.actuals.reconcile_report import reconciled_json
from planner.actuals.report import actuals_json, write_csv
from planner.errors import PlannerError
from router.ledger.export import neutral
from router.quantities import usd_from_micro

from .comparing import Compared, compared_json
from .made import MadeMonth, judged_work, watched
from .variance_report import write_variance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from planner.actuals.charges import Charge
    from planner.actuals.groups import Chargeback
    from planner.actuals.invoices import Invoices
    from planner.actuals.month import Month
    from planner.actuals.opening import MonthsBooks
    from planner.actuals.reconcile import Reconciliation
    from router.acceptance import Looked

    from .comparing import NoPlan

__all__ = ["MonthRead", "read_month", "write_actuals", "write_json", "write_statements"]

_BACK_COLUMNS = ("month", "cost_centre", "images", "charged_usd", "cost_usd")


@dataclass
class MonthRead:
    """One reading of a month's books: everything its files are made of.

    Attributes:
        judged: accepted and judged images by segment, model and quality.
        digest: SHA-256 over the cells and the judgements.
    """

    groups: Groups
    booked: Booked
    made: MadeMonth
    judged: Mapping[tuple[str, str, str], Looked] = field(default_factory=dict)
    digest: str = ""


def read_month(books: MonthsBooks, focus: Path, *, company: str) -> MonthRead:
    """The books of a month, read once; the FOCUS file is written on the way.

    Raises:
        PlannerError: nothing in them, or own cards without a cost.
        LedgerError: the books cannot be read.
    """
    found = MonthRead(Groups((), by="backend"), Booked(books.prices), MadeMonth())
    told = hashlib.sha256()

    def digest(charge: Charge) -> None:
        told.update(repr((charge.begin, charge.is_idle, charge.cell)).encode())

    charges = month_charges(books.connection, books.month, places=books.places)
    with focus.open("w", encoding="utf-8", newline="") as file:
        write_focus(watched(charges, found.groups.add, found.booked.add, found.made.add, digest), file,
                    month=books.month, company=company)
    if not found.made.attempts:
        raise PlannerError(f"{books.shown}: no attempt in {books.month.text}; name a month with traffic")
    found.groups.look(judged_images(books.connection, books.month, by="backend"))
    found.judged = judged_work(books.connection, books.month.begin, end=books.month.end)
    told.update(repr(sorted((key, seen.accepted, seen.judged) for key, seen in found.judged.items())).encode())
    found.digest = told.hexdigest()
    return found


def write_actuals(folder: Path, read: MonthRead, *, against: Compared | NoPlan, month: Month) -> None:
    """Actuals, who is charged what, and the month against its plan."""
    back = charged_back(read.groups, None)
    write_json(folder / "actuals.json", actuals_json(read.groups, back, month=month, by="backend"))
    with (folder / "actuals.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(read.groups, file, month=month)
    with (folder / "chargeback.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_BACK_COLUMNS)
        rows.writerows(_back_rows(back, month))
    if isinstance(against, Compared):
        write_json(folder / "variance.json", compared_json(against, month))
        with (folder / "variance.csv").open("w", encoding="utf-8", newline="") as file:
            write_variance(against.found, file, month=month, forecast=against.forecast)


def write_statements(folder: Path, read: MonthRead, *, invoices: Invoices, month: Month,
                     tolerance: Tolerance) -> tuple[Reconciliation, ...]:
    """The accruals, and what statements say beside the books where there are any."""
    status = "provisional" if read.booked.side.unsettled else "final"
    with (folder / "accruals.csv").open("w", encoding="utf-8", newline="") as file:
        write_accruals(accruals_of(read.booked.side, invoices.side), file, month=month, status=status)
    made = reconciled(invoices.side, read.booked.side)
    if made:
        write_json(folder / "reconcile.json", reconciled_json(made, invoices, month=month, tolerance=tolerance))
    return made


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """A document, indented."""
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _back_rows(back: Chargeback, month: Month) -> Iterator[tuple[object, ...]]:
    for line in back.lines:
        yield (month.text, neutral(line.name), line.images, _usd(line.charged_micro_usd), _usd(line.cost_micro_usd))
    if back.idle_micro_usd:
        yield month.text, "own GPUs, idle", 0, _usd(0), _usd(back.idle_micro_usd)


def _usd(micro_usd: int) -> str:
    return f"{usd_from_micro(micro_usd):.6f}"
