"""What a licence report is asked with, brought together: the terms, the register and the month. An edge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from planner.book import open_book
from planner.scenario_file import find_scenario, load_scenario
from router.catalog import table_files

from .licensed import licence_report, register_of
from .terms import terms_of

if TYPE_CHECKING:
    from pathlib import Path

    from planner.actuals.opening import MonthsBooks

__all__ = ["reported_month"]


def reported_month(books: MonthsBooks, name: str, *, scenario: str | None, plans: Path | None, data: Path | None,
                   look_back: int) -> dict[str, Any]:
    """The report of a month to the vendor of a licence.

    Raises:
        PlannerError: nobody holds it, the month is not over, or the register cannot be used.
    """
    book = open_book(data, os.environ)
    stated = None if scenario is None else load_scenario(find_scenario(scenario, table_files(book.roots,
                                                                                             "scenarios/*.toml")))
    return licence_report(books, terms_of(name, stated, book=book), register=register_of(books.shown, plans),
                          look_back=look_back)
