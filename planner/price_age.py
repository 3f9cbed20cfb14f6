"""How long ago every price was last seen, and the note that somebody saw one again."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.catalog import is_installed
from router.errors import PriceError
from router.price_loading import CONFIRMATIONS
from router.prices import STALE_AFTER_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from router.price_rows import Rate
    from router.price_table import PriceTable

__all__ = ["RowAge", "confirm", "row_ages"]



@dataclass(frozen=True)
class RowAge:
    """A price row in force, the day it was last seen, and whether that is too long ago."""

    row: Rate
    checked_on: date
    age_days: int

    @property
    def stale(self) -> bool:
        """Whether nobody has looked for more than 60 days."""
        return self.age_days > STALE_AFTER_DAYS


def row_ages(table: PriceTable, on: date) -> tuple[RowAge, ...]:
    """Every row that prices something on a day, the longest unseen first.

    Rows that are superseded, left out as anomalies or belong to a model that is shut down do not count.
    """
    found = []
    for row in table.rows():
        shutdown = table.offers[row.model].shutdown_on
        if _in_use(table, row, on) and not row.anomaly and (shutdown is None or on < shutdown):
            checked_on = table.checked_on(row, on=on)
            found.append(RowAge(row, checked_on, max(0, (on - checked_on).days)))
    return tuple(sorted(found, key=lambda age: (-age.age_days, age.row.id)))


def confirm(roots: Sequence[Path], row_id: str, *, table: PriceTable, on: date, today: date) -> Path:
    """Append `row_id, on` to the confirmations of the last folder; no row is rewritten. Returns the file.

    Raises:
        PriceError: unknown row, a day it does not hold or that adds nothing, or no folder that may be written to.
    """
    row = table.row(row_id)
    if on > today:
        raise PriceError(f"on = {on}: later than today ({today}); give the day you looked")
    if not _in_use(table, row, on):
        raise PriceError(f"row = {row_id!r}: not in force on {on}; confirm the row that is, or append a dated one")
    seen = table.checked_on(row, on=on)
    if on <= seen:
        raise PriceError(f"on = {on}: {row_id} was seen on {seen} already; give a later day")
    if is_installed(roots[-1]):
        raise PriceError("--data: the installed tables are not written to; name a folder of your own with --data")
    return _append(roots[-1] / "prices" / CONFIRMATIONS, (row_id, str(on)))


def _in_use(table: PriceTable, row: Rate, on: date) -> bool:
    twins = [twin for twin in table.of_model(row.model, component=row.component)
             if twin.key == row.key and twin.in_force(on)]
    return bool(twins) and twins[-1] is row


def _append(path: Path, cells: tuple[str, str]) -> Path:
    try:
        path.parent.mkdir(exist_ok=True)
        new = not path.exists()
        torn = not new and not path.read_bytes().endswith(b"\n")
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if torn:
                file.write("\n")
            writer.writerows([("row", "on"), cells] if new else [cells])
    except OSError as error:
        raise PriceError(f"{path}: cannot be written ({type(error).__name__}); name a folder of your own "
                         "with --data") from None
    return path
