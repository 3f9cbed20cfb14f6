"""How right every plan was of a month: made from the books once, and kept in a file beside the plans. An edge."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from planner.actuals.charges import month_charges
from planner.errors import PlannerError

from .accuracy import Outcome, outcome_of
from .line_file import add_lines, held, read_lines
from .made import MadeMonth, judged_work
from .variance import variance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from planner.actuals.month import Month
    from planner.actuals.opening import MonthsBooks
    from router.acceptance import Looked

    from .forecasts import Forecast
    from .made import Key

__all__ = ["ACCURACY", "keep_outcomes", "kept_outcomes", "month_outcomes", "outcomes_of"]

ACCURACY = "accuracy.jsonl"
"""Name of the file beside the plans."""


def kept_outcomes(plans: Path) -> tuple[Outcome, ...]:
    """What closes of the past kept.

    Raises:
        PlannerError: the file cannot be read.
    """
    path = plans / ACCURACY
    try:
        return tuple(Outcome(**line) for line in read_lines(path))
    except TypeError:
        raise PlannerError(f"{path}: lines this planner does not know; bring back the file from a backup") from None


def keep_outcomes(plans: Path, outcomes: Iterable[Outcome]) -> int:
    """Append what is not kept yet, once for each month and plan; how many were new.

    Raises:
        PlannerError: the file cannot be read or written.
    """
    path = plans / ACCURACY
    with held(path, wait=True):
        known = {(one.month, one.digest) for one in kept_outcomes(plans)}
        new = [one for one in outcomes if (one.month, one.digest) not in known]
        add_lines(path, map(asdict, new))
    return len(new)


def outcomes_of(forecasts: Iterable[Forecast], made: MadeMonth, *, looked: Mapping[Key, Looked],
                stated: Mapping[str, int], month: Month) -> tuple[Outcome, ...]:
    """Of every approved plan that foresaw a month."""
    return tuple(outcome_of(one, variance(one.months[month.text], made, looked=looked, stated=stated), month=month)
                 for one in forecasts if not one.is_draft and one.foresaw(month))


def month_outcomes(books: MonthsBooks, forecasts: Sequence[Forecast], *,
                   kept: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """A month's outcomes: as a close kept them, the rest from the books.

    Empty where the month is not over, an attempt in it has no end, or the books hold nothing of it.

    Raises:
        LedgerError: the books cannot be read.
    """
    month = books.month
    known = {one.digest: one for one in kept if one.month == month.text}
    foreseen = [one for one in forecasts if not one.is_draft and one.foresaw(month)]
    if all(one.digest in known for one in foreseen):
        return tuple(known[one.digest] for one in foreseen)
    if not month.is_over:
        return ()
    made = MadeMonth()
    for charge in month_charges(books.connection, month, places=books.places, unpriced=made.unpriced):
        made.add(charge)
    if made.unsettled or not made.attempts:
        return ()
    looked = made.looked(judged_work(books.connection, month.begin, end=month.end))
    fresh = outcomes_of(foreseen, made, looked=looked, stated={}, month=month)
    return tuple(known.get(one.digest, one) for one in fresh)
