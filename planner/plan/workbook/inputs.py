"""One input of the workbook. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import date

    from .pages import Cell

__all__ = ["STATED", "Input", "Kind"]

STATED = "the scenario"
Kind = Literal["live", "needs re-run", "constant", "computed"]


class Input(NamedTuple):
    """One assumption; `low` and `high` are the 5th and 95th percentile of what it might be."""

    name: str
    what: str
    value: Cell
    unit: str
    kind: Kind = "live"
    source: str = STATED
    low: float | None = None
    high: float | None = None
    on: date | None = None
