"""Sheets of a workbook: text stays text, a formula carries the model's value, an input shows by its colour. An edge."""

from __future__ import annotations

import io
import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cell", "Live", "Page", "Role", "Sheets", "at", "column", "slug"]

Role = Literal["plain", "text", "left", "title", "note", "head", "month", "group", "live", "needs re-run", "constant",
               "sum", "total"]
_HEAD = {"bold": True, "bg_color": "#D9E1F2", "bottom": 1, "text_wrap": True, "valign": "top"}
_INPUT = {"font_color": "#0000FF"}
_ROLES: dict[Role, dict[str, Any]] = {
    "plain": {},
    "title": {"bold": True, "font_size": 14},
    "note": {"italic": True, "font_color": "#595959"},
    "text": {"indent": 1},
    "left": {"align": "left"},
    "head": _HEAD,
    "month": _HEAD | {"align": "right"},
    "group": {"bold": True},
    "sum": {"bold": True},
    "live": _INPUT | {"bg_color": "#FFFBE0"},
    "needs re-run": _INPUT | {"bg_color": "#F8D9C0"},
    "constant": _INPUT | {"bg_color": "#E7E6E6"},
    "total": {"bold": True, "top": 1},
}
_DAY = "yyyy-mm-dd"
_LINE, _BOLD = 15, 1.25
"""Points of a line of text, and how much wider than its digits bold words come out."""


class Live(NamedTuple):
    """A formula, and what the model found for it."""

    formula: str
    value: float | str | bool


Cell = str | float | int | bool | Decimal | date | Live | None


def slug(text: str, taken: set[str]) -> str:
    """A part of a defined name for any text, told apart from those taken whatever their case; it is taken then."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:80] or "unnamed"
    made = next(name for number in range(len(taken) + 1)
                if (name := f"{plain}_{number + 1}" if number else plain) not in taken)
    taken.add(made)
    return made


def at(row: int, col: int, *, fixed: str = "") -> str:
    """A cell as a formula names it; `fixed` is any of `row` and `col`."""
    return str(xl_rowcol_to_cell(row, col, row_abs="row" in fixed, col_abs="col" in fixed))


def column(col: int) -> str:
    """The letters of a column."""
    return str(xl_col_to_name(col))


class Sheets:
    """A workbook in memory; the same cells give the same bytes."""

    def __init__(self, created: date) -> None:
        self._file = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._file, {
            "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
        self._book.set_properties({"created": datetime(created.year, created.month, created.day)})  # noqa: DTZ001 (a day)
        self._book.set_calc_mode("auto")
        self._formats: dict[tuple[Role, str], Any] = {}

    def page(self, name: str, *, widths: Sequence[float], frozen: tuple[int, int] = (0, 0)) -> Page:
        """A new sheet, printed on landscape pages as wide as it is."""
        sheet = self._book.add_worksheet(name)
        for col, width in enumerate(widths):
            sheet.set_column(col, col, width)
        sheet.freeze_panes(*frozen)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        if frozen[0]:
            sheet.repeat_rows(0, frozen[0] - 1)
        return Page(self, sheet, name, widths)

    def define(self, name: str, reference: str) -> None:
        """A name that formulas may use."""
        self._book.define_name(name, f"={reference}")

    def style(self, role: Role, shape: str) -> Any:
        """A cell's look: what it is, and its number format."""
        known = self._formats.get((role, shape))
        if known is None:
            made = _ROLES[role] | ({"num_format": shape} if shape else {})
            known = self._formats[role, shape] = self._book.add_format(made)
        return known

    def style_of_check(self, ink: str, ground: str) -> Any:
        """A look that a condition puts over a cell's own."""
        return self._book.add_format({"font_color": ink, "bg_color": ground})

    def closed(self) -> bytes:
        """The file."""
        self._book.close()
        return self._file.getvalue()


class Page:
    """One sheet, written cell by cell."""

    def __init__(self, sheets: Sheets, sheet: Any, name: str, widths: Sequence[float]) -> None:
        self._sheets, self._sheet, self.name, self._widths = sheets, sheet, name, widths

    def put(self, place: tuple[int, int], cell: Cell, *, role: Role = "plain", shape: str = "") -> None:
        """One cell, by row and column. Text is written as text, whatever it begins with."""
        if role == "plain" and isinstance(cell, str) and place[1]:
            role = "text"
        style = self._sheets.style(role, _DAY if isinstance(cell, date) and not shape else shape)
        if cell is None or cell == "":
            self._sheet.write_blank(*place, None, style)
        elif isinstance(cell, Live):
            self._sheet.write_formula(*place, f"={cell.formula}", style, cell.value)
        elif isinstance(cell, str):
            self._sheet.write_string(*place, cell, style)
        elif isinstance(cell, bool):
            self._sheet.write_boolean(*place, cell, style)
        elif isinstance(cell, date):
            self._sheet.write_datetime(*place, datetime(cell.year, cell.month, cell.day), style)  # noqa: DTZ001 (a day)
        else:
            self._sheet.write_number(*place, float(cell), style)

    def line(self, row: int, cells: Sequence[Cell], *, first: int = 0, role: Role = "plain") -> None:
        """Cells beside each other, from column `first` on."""
        for col, cell in enumerate(cells, first):
            self.put((row, col), cell, role=role)

    def heads(self, row: int, names: Sequence[Cell]) -> None:
        """A row of headings, high enough for the longest of them."""
        self.line(row, names, role="head")
        lines = max(math.ceil(len(str(name)) * _BOLD / width) for name, width in zip(names, self._widths, strict=False))
        self._sheet.set_row(row, _LINE * max(1, lines))

    def titled(self, title: str, *notes: str) -> None:
        """The sheet's title, and lines under it."""
        self.put((0, 0), title, role="title")
        for number, note in enumerate(notes):
            self.put((1 + number, 0), note, role="note")

    def define(self, name: str, first: tuple[int, int], *, last: tuple[int, int] | None = None) -> None:
        """A name for one cell, or for a block of them."""
        place = at(*first, fixed="row col") + ("" if last is None else f":{at(*last, fixed='row col')}")
        self._sheets.define(name, f"'{self.name}'!{place}")

    def red_where_false(self, first: tuple[int, int], last: tuple[int, int]) -> None:
        """FALSE stands out in red, TRUE in green."""
        for value, colours in (("FALSE", ("#9C0006", "#FFC7CE")), ("TRUE", ("#006100", "#C6EFCE"))):
            style = self._sheets.style_of_check(*colours)
            self._sheet.conditional_format(*first, *last, {
                "type": "cell", "criteria": "==", "value": value, "format": style})
