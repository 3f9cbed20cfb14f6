"""A plan that starts from the books: the ledger opened, a scenario laid over, the plan's folder with both. An edge."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from planner.plan.files import write_plan
from planner.plan.folder import RECEIPT, file_hash, refuse_taken, write_folder
from planner.scenario import Scenario
from router.ledger.books import reading
from router.ledger.open import open_books
from router.quantities import Size
from router.text_files import parse_toml

from .forecasts import PLAN
from .recent import last_months, recent
from .taken import taken_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from planner.case import Case
    from planner.plan.monthly import Plan

    from .made import MadeMonth
    from .recent import Recent
    from .taken import TakenOver

__all__ = ["SCENARIO", "plan_files", "scenario_text", "started", "starting_from", "starting_recent", "write_started"]

SCENARIO = "scenario.toml"
_SETTLING = timedelta(hours=1)


def starting_from(case: Case, url: str, *, count: int) -> TakenOver:
    """The case's scenario, started from the last whole months of a ledger before the day of the case.

    Raises:
        LedgerError: no ledger there, or it cannot be read.
        PlannerError: it holds nothing of these months.
    """
    now = datetime.now(tz=UTC)
    today = min(case.on, (now - _SETTLING).date())
    last = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    books = open_books(url, create=False)
    try:
        with reading(books) as connection:
            found = starting_recent(connection, books.shown, case=case, last=last, count=count)
    finally:
        books.dispose()
    return started(case, found)


def started(case: Case, found: Recent) -> TakenOver:
    """The case's scenario with what the books hold, as it reads when it is written and loaded again.

    Raises:
        PlannerError: they hold nothing.
    """
    over = taken_over(case.scenario, found, models=case.book.models)
    return replace(over, scenario=Scenario.model_validate(parse_toml(scenario_text(over))))


def starting_recent(connection: Connection, shown: str, *, case: Case, last: str, count: int,
                    read: MadeMonth | None = None) -> Recent:
    """What the months up to `last`, which may have been read already, hold of what a scenario could take over."""
    own = case.scenario.own.model
    names = sorted({own, case.book.models.find(own).id})
    return recent(connection, shown, over=last_months(last, count), own_models=names, read=read)


def scenario_text(found: TakenOver) -> str:
    """The scenario as TOML that `planner plan` reads, with the account of what was taken over as its head."""
    document = found.scenario.model_dump(by_alias=True, exclude_unset=True)
    head = "".join(f"# {line}\n" for line in found.lines())
    return f"{head}\n{tomli_w.dumps(_plain(document))}"


def plan_files(plan: Plan, found: TakenOver) -> dict[str, bytes]:
    """A draft's files by name; the scenario it was made from among them, and in its document what was taken over.

    Raises:
        PlannerError: no room for them.
    """
    with tempfile.TemporaryDirectory(prefix="plan-") as folder:
        scenario = Path(folder) / SCENARIO
        scenario.write_text(scenario_text(found), encoding="utf-8")
        files = {path.name: path.read_bytes() for path in write_plan(plan, scenario, folder=Path(folder) / "plan",
                                                                     force=False)}
        files[SCENARIO] = scenario.read_bytes()
    files[PLAN] = _text(json.loads(files[PLAN]) | {"from_ledger": found.as_json()})
    receipt = json.loads(files[RECEIPT])
    receipt["files"] |= {name: file_hash(files[name]) for name in (PLAN, SCENARIO)}
    files[RECEIPT] = _text(receipt)
    return files


def write_started(plan: Plan, found: TakenOver, *, folder: Path, force: bool) -> tuple[Path, ...]:
    """The folder of a plan that started from the books.

    Raises:
        PlannerError: something lies there, or it cannot be written.
    """
    refuse_taken(folder, force=force)
    return write_folder(folder, plan_files(plan, found))


def _text(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def _plain(value: Any, key: str = "") -> Any:
    """A value as TOML holds it: sizes as text, traces by their whole path, nothing where nothing is."""
    if isinstance(value, dict):
        if value.keys() == {"width", "height"}:
            return str(Size(**value))
        return {str(name): _plain(one, name) for name, one in value.items() if one not in (None, [], ())}
    if isinstance(value, Size):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if key == "trace" and "://" not in value:
        return str(Path(value).absolute())
    return value
