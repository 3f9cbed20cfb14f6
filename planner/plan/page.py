"""A plan as one page that needs no other file and no host: light and dark, wide and narrow."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from router.errors import one_line

from .board import board_of
from .figures import COLOURS, drawn_waterfall, figures_of
from .tables import Table, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .figures import Drawn
    from .monthly import Plan
    from .waterfall import Waterfall

__all__ = ["diff_page", "plan_page"]

_DARK = {"ink": "#e6e9ee", "rule": "#4a525d", "band": "#c2c9d2", "hosted": "#6fa8e6", "own": "#e79a4b",
         "people": "#6cbf92", "other": "#b998de", "more": "#e27c88", "less": "#67b8a4"}
_NARROW_PX = 640
_LONG_CELL = 24
_STYLE = """
body{margin:0 auto;max-width:66rem;padding:1.2rem;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2.2rem}
.ask{font-size:1.15rem;border-left:4px solid var(--hosted);padding-left:.8rem;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.8rem 1.5rem;margin:1.2rem 0}
dt{font-size:.85rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
.board{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:0 1.5rem}
.board h2{margin-top:.6rem}li{overflow-wrap:anywhere}
figure{margin:2rem 0}figure svg{width:100%;height:auto;display:block}figcaption{font-weight:600}
.narrow{display:none}.sheet{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;min-width:100%}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
td{white-space:nowrap}
td.long{white-space:normal;overflow-wrap:anywhere;min-width:11rem}tr.total td{font-weight:700}.note{font-size:.88rem}
"""


def plan_page(plan: Plan) -> str:
    """The whole plan as HTML."""
    board, name = board_of(plan), _text(plan.case.scenario.name)
    parts = [f"<h1>{name}</h1>", f'<p class="ask">{_text(board.ask)}</p>',
             "<dl>", *(f"<div><dt>{_text(what)}</dt><dd>{_text(usd)}</dd></div>" for what, usd in board.facts), "</dl>",
             '<div class="board">', *_lists(("What moves it", board.drivers), ("Decisions wanted", board.decisions),
                                            ("Commitments and the cost of leaving", board.commitments)), "</div>",
             *map(_figure, figures_of(plan)), *map(_table, tables_of(plan))]
    return _page(name, parts)


def diff_page(found: Waterfall, before: str, *, after: str) -> str:
    """The steps from one plan to another as HTML."""
    rows = [(before, "", f"{found.before_usd:,.6f}"),
            *((step.part, "; ".join(step.keys), f"{step.usd:+,.6f}") for step in found.steps),
            (after, "", f"{found.after_usd:,.6f}")]
    table = Table("Steps (USD, all months together)", ("Part", "What changes", "USD"), tuple(rows), frozenset({2}),
                  total=True, note="Each part is laid over those before it; who comes first gets the credit for what "
                  "two changes do together.")
    title = f"From {_text(before)} to {_text(after)}"
    return _page(title, [f"<h1>{title}</h1>", _figure(drawn_waterfall(found)), _table(table)])


def _page(title: str, parts: Iterable[str]) -> str:
    light, dark = (";".join(f"--{name}:{value}" for name, value in (*colours.items(), ("ground", ground)))
                   for colours, ground in ((COLOURS, "#ffffff"), (_DARK, "#14181d")))
    style = (f":root{{color-scheme:light dark;{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{_STYLE}"
             f"@media(max-width:{_NARROW_PX}px){{.wide{{display:none}}.narrow{{display:block}}}}"
             f"@media print{{:root{{{light}}}}}")
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title>", f"<style>{style}</style>", "</head>", "<body>", "<main>", *parts, "</main>",
        "</body>", "</html>", ""])


def _lists(*named: tuple[str, Iterable[str]]) -> Iterator[str]:
    for name, said in named:
        yield f"<section><h2>{name}</h2><ul>{''.join(f'<li>{_text(one)}</li>' for one in said)}</ul></section>"


def _figure(drawn: Drawn) -> str:
    both = "".join(f'<div class="{width}">{_recoloured(svg, drawn.alt)}</div>'
                   for width, svg in (("wide", drawn.wide), ("narrow", drawn.narrow)))
    return f"<figure><figcaption>{_text(drawn.title)}</figcaption>{both}</figure>"


def _recoloured(svg: str, alt: str) -> str:
    for name, value in COLOURS.items():
        svg = svg.replace(value, f"var(--{name})")
    box = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{_text(alt)}">'
    return head + svg[svg.index(">") + 1:]


def _table(table: Table) -> str:
    kinds = ['class="number"' if at in table.numbers else
             'class="long"' if max(len(row[at]) for row in table.rows) > _LONG_CELL else ""
             for at in range(len(table.columns))]
    head = "".join(f'<th scope="col" {kind}>{_text(column)}</th>'
                   for kind, column in zip(kinds, table.columns, strict=True))
    rows = []
    for number, row in enumerate(table.rows, 1):
        last = ' class="total"' if table.total and number == len(table.rows) else ""
        cells = "".join(f"<td {kind}>{_text(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        rows.append(f"<tr{last}>{cells}</tr>")
    note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
    return (f'<section><h2>{_text(table.title)}</h2><div class="sheet" tabindex="0" role="region" '
            f'aria-label="{_text(table.title)}"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
            f"</table></div>{note}</section>")


def _text(text: str) -> str:
    """Text of anybody's, without markup and without characters that steer a reader."""
    return escape(one_line(text))
