"""The shipped tables, opened once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from planner.book import open_book
from router.service_time import load_law

if TYPE_CHECKING:
    from planner.book import Book
    from router.service_time import Law

__all__ = ["DATA", "ROOT", "book", "law"]

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"


@cache
def law() -> Law:
    return load_law([DATA])


@cache
def book() -> Book:
    return open_book(None, {})
