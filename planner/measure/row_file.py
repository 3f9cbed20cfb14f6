"""A file of rows that only grows: every row is on disk before the next one is measured, a torn last line is mended."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from planner.errors import PlannerError
from router.tables import read_rows

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RowFile"]

Row = TypeVar("Row")


class RowFile(Generic[Row]):
    """Rows of one dataclass in a CSV file, as `router.tables.read_rows` reads them.

    Attributes:
        mended: a last line without its end, as a crash leaves one, was taken out.
    """

    def __init__(self, path: Path, row_type: type[Row]) -> None:
        self.path, self._row_type, self.mended = path, row_type, False
        fields: Any = dataclasses.fields(row_type)  # type: ignore[arg-type]
        self._columns = [field.name for field in fields if field.name != "line"]

    def open(self) -> tuple[Row, ...]:
        """The rows that are there; the file and its folder are made where there are none.

        Raises:
            PlannerError: it cannot be written to.
            TableError: it holds something else.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists() or not self.path.stat().st_size:
                self._write(self._line(self._columns), "x" if not self.path.exists() else "w")
                return ()
            self._mend()
            os.close(os.open(self.path, os.O_WRONLY | os.O_APPEND))
        except OSError as error:
            raise _unwritable(self.path, error) from None
        return read_rows(self.path, self._row_type)

    def append(self, row: Row) -> None:
        """Add a row, on disk when this returns.

        Raises:
            PlannerError: it cannot be written to.
        """
        try:
            self._write(self._line([_cell(getattr(row, name)) for name in self._columns]), "a")
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def _mend(self) -> None:
        data = self.path.read_bytes()
        if not data.endswith(b"\n"):
            self.mended = True
            os.truncate(self.path, data.rfind(b"\n") + 1)
            if b"\n" not in data:
                self._write(self._line(self._columns), "w")

    def _write(self, text: str, mode: str) -> None:
        with self.path.open(mode, encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _line(cells: list[str]) -> str:
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerow(cells)
        return file.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())


def _unwritable(path: Path, error: OSError) -> PlannerError:
    return PlannerError(f"{path}: cannot be written ({error.strerror or type(error).__name__}); name a folder of your "
                        "own with --out or --data")
