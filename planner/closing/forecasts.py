"""Plans of the past as they lie in their folders, and which of them was in force when a month began. An edge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from planner.errors import PlannerError
from planner.plan.folder import RECEIPT, STATUS, file_hash, status_of
from router.quantities import micro_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from planner.actuals.month import Month

__all__ = ["PLAN", "Forecast", "ForecastMonth", "forecasts_in", "in_force", "why_none"]

PLAN = "plan.json"
_DRAFT = "draft"


@dataclass(frozen=True)
class ForecastMonth:
    """What a plan said of one month.

    Attributes:
        images_of: its image lines as the plan's document holds them; `fixed` its other bills.
    """

    label: str
    micro_usd: int
    p10_usd: float
    p90_usd: float
    images: Decimal
    images_of: tuple[Mapping[str, Any], ...]
    fixed: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Forecast:
    """A plan that was made.

    Attributes:
        name: of its folder.
        digest: SHA-256 of its document.
        made_on: the day it was made for; `written_at` is when its files were written.
        by: who approved it, and when; empty and None of a draft.
    """

    name: str
    digest: str
    scenario: str
    state: str
    made_on: date
    written_at: datetime
    by: str
    approved_at: datetime | None
    months: Mapping[str, ForecastMonth]

    @property
    def is_draft(self) -> bool:
        """Whether nobody has approved it."""
        return self.state == _DRAFT

    def ahead_months(self, month: str) -> int:
        """How many months before a month it was made; 1 is the month before."""
        year, number = map(int, month.split("-"))
        return (year - self.made_on.year) * 12 + number - self.made_on.month

    def foresaw(self, month: Month) -> bool:
        """Whether it covers a month and was made before that began."""
        return month.text in self.months and self.made_on < month.begin.date()


def forecasts_in(folder: Path) -> tuple[Forecast, ...]:
    """Every plan in a folder, at any depth, oldest first; the folder may be a plan itself.

    Raises:
        PlannerError: no such folder, or an approved plan that cannot be read or is not what was written.
    """
    if not folder.is_dir():
        raise PlannerError(f"{folder}: no such folder; name one that holds plans of planner plan --out")
    found = [_read(path.parent) for path in sorted(folder.rglob(STATUS))
             if (path.parent / PLAN).exists() and not any(part.startswith(".") for part in
                                                          path.relative_to(folder).parts)]
    return tuple(sorted(found, key=_order))


def in_force(forecasts: Iterable[Forecast], month: Month) -> Forecast | None:
    """The newest plan that was approved, covers the month, and was made before it began; a draft never is."""
    known = [one for one in forecasts if not one.is_draft and one.foresaw(month)]
    return max(known, key=_order) if known else None


def why_none(forecasts: Iterable[Forecast], month: Month) -> str:
    """Why no plan was in force, counted."""
    known = tuple(forecasts)
    drafts = sum(one.is_draft and one.foresaw(month) for one in known)
    late = sum(month.text in one.months and not one.foresaw(month) for one in known)
    other = sum(month.text not in one.months for one in known)
    told = [f"{count} {words}" for count, words in (
        (drafts, "only drafted"), (late, "made after it began"), (other, "of other months")) if count]
    return ", ".join(told) or "there is none"


def _order(one: Forecast) -> tuple[date, str, str]:
    return one.made_on, "" if one.approved_at is None else one.approved_at.isoformat(), one.name


def _read(folder: Path) -> Forecast:
    status = status_of(folder)
    path = folder / PLAN
    try:
        data = path.read_bytes()
        told = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))["files"][PLAN]
        document = json.loads(data)
        history = {row["state"]: row for row in status["history"]}
        approved = history.get("approved")
        found = Forecast(
            folder.name, file_hash(data), document["scenario"], status["state"],
            date.fromisoformat(document["planned_on"]), datetime.fromisoformat(status["history"][0]["at"]),
            "" if approved is None else approved["by"],
            None if approved is None else datetime.fromisoformat(approved["at"]),
            {row["month"]: _month(row) for row in document["months"]})
    except (OSError, ValueError, KeyError, TypeError, IndexError, InvalidOperation):
        raise PlannerError(f"{path}: cannot be read as a plan; write it again, or take {folder} away") from None
    if found.digest != told and not found.is_draft:
        raise PlannerError(f"{path}: is not what was approved (see {RECEIPT}); bring back the file, or take {folder} "
                           "away")
    return found


def _month(row: Mapping[str, Any]) -> ForecastMonth:
    return ForecastMonth(row["month"], micro_usd(Decimal(row["usd"])), float(row["p10_usd"]), float(row["p90_usd"]),
                         Decimal(row["images"]), tuple(row["images_of"]), tuple(row["fixed"]))
