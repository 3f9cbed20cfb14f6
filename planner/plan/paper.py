"""A plan as a PDF: the first page for a board, then months, figures, assumptions, events and receipts."""

from __future__ import annotations

import io
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from fpdf import FPDF, FontFace, XPos, YPos
from fpdf.fonts import TTFFont

from router.errors import one_line

from .board import board_of
from .document import content_hash
from .figures import COLOURS, figures_of
from .tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .figures import Drawn
    from .monthly import Plan
    from .tables import Table

__all__ = ["plan_pdf"]

_FONT = "DejaVu"
_MARGIN_MM, _LINE_MM, _FIGURE_MM = 16.0, 5.0, 150.0
_BODY_PT, _TABLE_PT, _TITLE_PT, _HEAD_PT = 9.5, 6.6, 15.0, 11.5
_MOST_CELL = 300
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class _Paper(FPDF):
    """A4 pages with a line at their foot."""

    def __init__(self, *, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FONT, style, fonts / name)
        font = self.fonts[_FONT.lower()]
        self._known = font.cmap if isinstance(font, TTFFont) else {}
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM + 3)

    def footer(self) -> None:
        self.set_y(-_MARGIN_MM)
        self.set_font(_FONT, size=_TABLE_PT)
        self.cell(0, 4, self.shown(f"{self._foot}, page {self.page_no()}"), align="R")

    def shown(self, text: str) -> str:
        """Without control characters, and with a mark for what the font does not have."""
        return "".join(char if ord(char) in self._known else _REPLACED for char in one_line(text))

    def write_text(self, text: str, *, points: float = _BODY_PT, bold: bool = False, indent_mm: float = 0.0) -> None:
        """A paragraph."""
        self.set_font(_FONT, "B" if bold else "", points)
        self.set_x(self.l_margin + indent_mm)
        self.multi_cell(0, points * 0.5, self.shown(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def plan_pdf(plan: Plan) -> bytes:
    """The whole plan; the same bytes for the same plan."""
    name = plan.case.scenario.name
    paper = _Paper(foot=f"{name[:80]}, planned on {plan.case.on}, scenario {content_hash(plan.case.scenario)[:12]}")
    paper.set_creation_date(datetime.combine(plan.case.on, time(), UTC))
    paper.set_title(one_line(name))
    paper.set_lang("en")
    paper.add_page()
    _board(paper, plan)
    paper.add_page()
    first, *others = tables_of(plan)
    _table(paper, first)
    for drawn in figures_of(plan):
        _figure(paper, drawn)
    for table in others:
        _table(paper, table)
    return bytes(paper.output())


def _board(paper: _Paper, plan: Plan) -> None:
    board = board_of(plan)
    paper.write_text(plan.case.scenario.name, points=_TITLE_PT, bold=True)
    paper.ln(3)
    paper.write_text(board.ask, points=_HEAD_PT)
    paper.ln(4)
    for what, value in board.facts:
        top = paper.get_y()
        paper.set_font(_FONT, size=_BODY_PT)
        paper.cell(78, 6.5, paper.shown(what))
        paper.set_font(_FONT, "B", _BODY_PT)
        paper.cell(0, 6.5, paper.shown(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        paper.set_draw_color(COLOURS["rule"])
        paper.line(paper.l_margin, top, paper.w - paper.r_margin, top)
    for title, said in (("What moves it", board.drivers), ("Decisions wanted", board.decisions),
                        ("Commitments and the cost of leaving", board.commitments)):
        _list(paper, title, said)


def _list(paper: _Paper, title: str, said: Iterable[str]) -> None:
    paper.ln(4)
    paper.write_text(title, points=_HEAD_PT, bold=True)
    paper.ln(1)
    for number, one in enumerate(said, 1):
        paper.write_text(f"{number}. {one}", indent_mm=2)
        paper.ln(0.8)


def _figure(paper: _Paper, drawn: Drawn) -> None:
    if paper.will_page_break(_FIGURE_MM / 2):
        paper.add_page()
    paper.ln(5)
    paper.write_text(drawn.title, points=_HEAD_PT, bold=True)
    paper.image(io.BytesIO(drawn.wide.encode()), w=_FIGURE_MM, alt_text=drawn.alt)
    paper.write_text(drawn.alt, points=_TABLE_PT + 1)


def _table(paper: _Paper, table: Table) -> None:
    if paper.will_page_break(8 * _LINE_MM):
        paper.add_page()
    paper.ln(5)
    paper.write_text(table.title, points=_HEAD_PT, bold=True)
    paper.ln(1)
    paper.set_font(_FONT, size=_TABLE_PT)
    paper.set_draw_color(COLOURS["rule"])
    longest = [max(len(row[at]) for row in (table.columns, *table.rows)) for at in range(len(table.columns))]
    wide = tuple(min(max(length, 6), 42) for length in longest)
    sides = ["RIGHT" if at in table.numbers else "LEFT" for at in range(len(table.columns))]
    with paper.table(col_widths=wide, text_align=sides, line_height=_TABLE_PT * 0.55, borders_layout="HORIZONTAL_LINES",
                     headings_style=FontFace(emphasis="BOLD"), padding=(0.7, 0.8)) as made:
        for number, cells in enumerate((table.columns, *table.rows)):
            bold = table.total and number == len(table.rows)
            row = made.row(style=FontFace(emphasis="BOLD") if bold else None)
            for cell in cells:
                row.cell(paper.shown(cell if len(cell) <= _MOST_CELL else f"{cell[:_MOST_CELL]}..."))
    if table.note:
        paper.write_text(table.note, points=_TABLE_PT + 1)
