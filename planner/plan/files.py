"""What a plan writes: the document, its rows, the policy and the settings it rests on, and a receipt of all of it."""

from __future__ import annotations

import csv
import io
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from planner.mix.files import policy_text, settings_text

from .document import content_hash, plan_json
from .folder import RECEIPT, STATUS, file_hash, refuse_taken, write_folder
from .lines import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .monthly import Plan

__all__ = ["CSV_COLUMNS", "plan_csv", "refuse_taken", "write_plan"]

CSV_COLUMNS = ("month", "fiscal_month", "kind", "segment", "can_wait", "name", "quantity", "unit", "usd_each", "usd",
               "accepted_images", "source")
_PARTS = ("breakeven", "numpy", "scipy", "numba", "pydantic")


def write_plan(plan: Plan, scenario: Path, *, folder: Path, force: bool) -> tuple[Path, ...]:
    """Every file of a plan, as a draft.

    Args:
        plan: to be written.
        scenario: the file it was made from.
        folder: where to.
        force: write over a draft.

    Raises:
        PlannerError: something lies there, or it cannot be written.
    """
    refuse_taken(folder, force=force)
    files = dict(_files(plan))
    files[RECEIPT] = _text(json.dumps(_receipt(plan, scenario, files), indent=2))
    files[STATUS] = _text(json.dumps({"state": "draft", "history": [
        {"state": "draft", "by": "", "at": datetime.now(tz=UTC).isoformat(timespec="seconds")}]}, indent=2))
    return write_folder(folder, files)


def plan_csv(plan: Plan) -> str:
    """One row for each line of each month; the sums of `usd` are the plan's, exactly."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    rows.writerows(_rows(plan))
    return file.getvalue()


def _rows(plan: Plan) -> Iterator[tuple[object, ...]]:
    for month in plan.months:
        names = (month.month.label, month.month.fiscal_label)
        for line in month.images_of:
            yield (*names, "own images" if line.option == OWN else "hosted images", line.segment,
                   "yes" if line.can_wait else "no", line.option, f"{line.images:f}", "images",
                   f"{line.usd_per_image:f}", f"{line.usd:f}", f"{line.accepted:f}", line.source)
        for bill in month.fixed:
            yield (*names, bill.kind, "", "", bill.name, repr(bill.quantity), bill.unit, f"{bill.usd_each:f}",
                   f"{bill.usd:f}", "", bill.source)


def _files(plan: Plan) -> Iterator[tuple[str, bytes]]:
    yield "plan.json", _text(json.dumps(plan_json(plan), indent=2))
    yield "plan.csv", plan_csv(plan).encode()
    for number, (month, fleet) in enumerate(zip(plan.months, plan.fleets, strict=True)):
        if number and fleet is plan.fleets[number - 1]:
            continue
        since = f".{month.month.label}" if number else ""
        yield f"policy{since}.toml", policy_text(fleet.mix, fleet.mix.best).encode()
        yield f"router{since}.toml", settings_text(fleet.mix, fleet.mix.best).encode()


def _receipt(plan: Plan, scenario: Path, files: dict[str, bytes]) -> dict[str, Any]:
    case = plan.case
    tables = [path for root in case.book.roots for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        "scenario": {"file": scenario.name, "sha256": file_hash(scenario.read_bytes()),
                     "content": content_hash(case.scenario)},
        "tables": {path.name if path.parent in case.book.roots else f"{path.parent.name}/{path.name}":
                   file_hash(path.read_bytes()) for path in tables},
        "prices_of": case.on.isoformat(), "seed": plan.seed, "draws": case.draws.count,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PARTS},
        "files": {name: file_hash(data) for name, data in files.items()}}


def _text(text: str) -> bytes:
    return (text + "\n").encode()
