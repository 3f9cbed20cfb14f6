"""A month closed: everything finance takes away in one folder, made once for the same books. An edge."""

from __future__ import annotations

import platform
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from planner.actuals.invoices import Invoices, read_invoices
from planner.bills.files import digest_of
from planner.errors import PlannerError
from planner.plan.document import content_hash
from planner.plan.folder import RECEIPT
from planner.plan.monthly import monthly_plan
from router.errors import OutOfReach, PriceError

from .accuracy import accuracy_json
from .comparing import Compared, compared
from .licensed import licence_report, register_of, write_licence_report
from .line_file import held
from .outcomes import keep_outcomes, kept_outcomes, outcomes_of
from .pack import read_month, write_actuals, write_json, write_statements
from .revisions import altered, building, file_hashes, latest, name_of, publish, receipt_inputs
from .starting import plan_files, started, starting_recent
from .terms import held_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from planner.actuals.month import Month
    from planner.actuals.opening import MonthsBooks
    from planner.actuals.reconcile import Reconciliation, Tolerance
    from planner.case import Case

    from .accuracy import Outcome
    from .comparing import NoPlan
    from .forecasts import Forecast
    from .pack import MonthRead
    from .recent import Recent

__all__ = ["Closed", "Closing", "close_month"]


@dataclass(frozen=True)
class Closing:
    """What a close is asked for.

    Attributes:
        forecasts: the plans in the folder `plans`, where what outlives a month is kept, too.
        stated: micro-dollars of bills that the books do not hold, by kind.
        case: the scenario of the next plan; None for no plan and no licence report.
        months: of the next plan; `last_months` of the books it starts from.
        settings: the router's file; `roots` the folders of tables; both for the receipt.
    """

    plans: Path
    out: Path
    forecasts: Sequence[Forecast]
    invoices: Sequence[Path]
    stated: Mapping[str, int]
    case: Case | None
    months: int
    last_months: int
    settings: Path | None
    roots: Sequence[Path]
    company: str
    tolerance: Tolerance
    look_back: int


@dataclass(frozen=True)
class Closed:
    """Where a month lies.

    Attributes:
        against: the month against its plan.
        licensed: images in each licence report.
        altered: files that are no longer what an earlier close wrote.
        is_new: whether it was written now; otherwise nothing has changed since.
    """

    folder: Path
    revision: int
    read: MonthRead
    against: Compared | NoPlan
    reconciled: tuple[Reconciliation, ...] = ()
    licensed: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    is_new: bool = False


@dataclass(frozen=True)
class _Facts:
    """What the books and the files hold, before anything is written."""

    read: MonthRead
    against: Compared | NoPlan
    outcomes: tuple[Outcome, ...]
    recent: Recent | None
    inputs: Mapping[str, Any]


def close_month(books: MonthsBooks, asked: Closing) -> Closed:
    """Close a month: its folder, or that of the last close where nothing has changed since.

    Raises:
        PlannerError: the month is not over, a statement cannot be used, somebody else closes, or no folder to write in.
        LedgerError: the books cannot be read.
    """
    month = books.month
    if not month.is_over:
        raise PlannerError(f"{month.text} is not over; close it from {month.end + timedelta(hours=1):%Y-%m-%d %H:%M} "
                           "UTC on, when what began in its last hour has settled")
    invoices = (read_invoices(asked.invoices, month, prices=books.prices, vendors=books.places.vendors)
                if asked.invoices else Invoices())
    with _folder(asked.out), held(asked.out, wait=False), building(asked.out, month.text) as part:
        facts = _facts(books, asked, part)
        revision = latest(asked.out, month.text)
        if revision and receipt_inputs(asked.out / name_of(month.text, revision)) == facts.inputs:
            keep_outcomes(asked.plans, facts.outcomes)
            folder = asked.out / name_of(month.text, revision)
            return Closed(folder, revision, facts.read, facts.against, altered=altered(folder))
        closed = _written(books, asked, facts, invoices=invoices, part=part)
        target = asked.out / name_of(month.text, revision + 1)
        write_json(part / RECEIPT, _receipt(books, asked, facts, revision + 1) | {
            "left_out": list(closed.left_out), "files": file_hashes(part)})
        publish(part, target)
    keep_outcomes(asked.plans, facts.outcomes)
    return replace(closed, folder=target, revision=revision + 1)


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """The folder of closed months, made where it is missing; an empty one that was made in vain is taken away."""
    is_new = not out.exists()
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise PlannerError(f"--out = {str(out)!r}: no folder ({error.strerror}); make the one above it first") from None
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):  # not empty: the month is in it
                out.rmdir()


def _facts(books: MonthsBooks, asked: Closing, part: Path) -> _Facts:
    month = books.month
    read = read_month(books, part / "focus.csv", company=asked.company)
    against = compared(asked.forecasts, books, made=read.made, stated=asked.stated)
    looked = read.made.looked(read.judged)
    outcomes = () if read.made.unsettled else outcomes_of(asked.forecasts, read.made, looked=looked,
                                                          stated=asked.stated, month=month)
    recent = None if asked.case is None else starting_recent(books.connection, books.shown, case=asked.case,
                                                             last=month.text, count=asked.last_months,
                                                             read=read.made)
    inputs = {
        "books": read.digest, "recent": "" if recent is None else recent.digest,
        "plan_in_force": against.forecast.digest if isinstance(against, Compared) else "",
        "invoices": sorted(filter(None, map(digest_of, asked.invoices))), "bills_micro_usd": dict(asked.stated),
        "settings": "" if asked.settings is None else digest_of(asked.settings),
        "scenario": "" if asked.case is None else content_hash(asked.case.scenario), "company": asked.company,
        "plan_months": asked.months, "last_months": asked.last_months, "look_back": asked.look_back,
        "tolerance": [str(asked.tolerance.percent), str(asked.tolerance.usd)]}
    return _Facts(read, against, outcomes, recent, inputs)


def _written(books: MonthsBooks, asked: Closing, facts: _Facts, *, invoices: Invoices, part: Path) -> Closed:
    month, left_out = books.month, []
    write_actuals(part, facts.read, against=facts.against, month=month)
    made = write_statements(part, facts.read, invoices=invoices, month=month, tolerance=asked.tolerance)
    if not asked.invoices:
        left_out.append("reconcile.json: no --invoice")
    if not isinstance(facts.against, Compared):
        left_out.append(f"variance: no plan was in force ({facts.against.why})")
    known = {(one.month, one.digest): one for one in (*facts.outcomes, *kept_outcomes(asked.plans))}
    write_json(part / "accuracy.json", accuracy_json(sorted(known.values(), key=lambda one: (one.month, one.made_on))))
    licensed: dict[str, int] = {}
    if asked.case is None or facts.recent is None:
        left_out.append("licence reports and the next plan: no --scenario")
    else:
        _next_plan(asked, asked.case, facts.recent, month=month, part=part)
        licensed = _licences(books, asked, asked.case, read=facts.read, part=part)
        if not licensed:
            left_out.append("licence reports: the scenario holds no [[licence]]")
    return Closed(part, 0, facts.read, facts.against, made, licensed, tuple(left_out), is_new=True)


def _next_plan(asked: Closing, case: Case, recent: Recent, *, month: Month, part: Path) -> None:
    """A draft from the month after, as of the last day of this one."""
    found = started(case, recent)
    then = replace(case.changed(found.scenario), on=month.reversed_on - timedelta(days=1))
    try:
        plan = monthly_plan(then, first=month.reversed_on, count=asked.months, seed=case.draws.seed)
    except (PriceError, OutOfReach) as error:
        raise PlannerError(f"the next plan: {error}") from None
    folder = part / f"plan-{month.reversed_on:%Y-%m}"
    folder.mkdir()
    for name, data in plan_files(plan, found).items():
        (folder / name).write_bytes(data)


def _licences(books: MonthsBooks, asked: Closing, case: Case, *, read: MonthRead, part: Path) -> dict[str, int]:
    register = register_of(books.shown, asked.plans)
    images = {}
    for terms in held_terms(case.scenario, case.book):
        report = licence_report(books, terms, register=register, look_back=asked.look_back,
                                read=read.made)
        name = "".join(letter if letter.isalnum() else "-" for letter in terms.name.lower())
        with (part / f"licence-{name}.csv").open("w", encoding="utf-8", newline="") as file:
            images[terms.name] = write_licence_report(report, file)
    return images


def _receipt(books: MonthsBooks, asked: Closing, facts: _Facts, revision: int) -> dict[str, Any]:
    read = {path.name: digest_of(path) for path in (*asked.invoices, *filter(None, [asked.settings]))}
    return {
        "month": books.month.text, "revision": revision, "ledger": books.shown,
        "status": "provisional" if facts.read.made.unsettled else "final",
        "closed_at": books.month.now.isoformat(timespec="seconds"), "inputs": dict(facts.inputs), "files_read": read,
        "plans": {one.name: one.digest for one in asked.forecasts if not one.is_draft and one.foresaw(books.month)},
        "tables": {f"{path.parent.name}/{path.name}": digest_of(path) for root in asked.roots
                   for path in sorted(root.rglob("*")) if path.is_file()},
        "versions": {"python": platform.python_version(), "breakeven": version("breakeven")}}
