"""A statement for a terminal and as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table

from .statement import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .pricing import Line
    from .statement import Statement
    from .tally import Count

__all__ = ["head_lines", "lines_table", "statement_json", "tail_lines"]

_BARS = " ▁▂▃▄▅▆▇█"
_SHOWN = 8


def head_lines(told: Statement) -> Iterator[str]:
    """What was read, and how much it is a month."""
    for source, covered in told.told.covered.items():
        first, last = day_of(covered)
        how = "covered" if covered.on_days else "from the first request to the last"
        yield f"{source}: {first} to {last} UTC, {covered.days:.1f} days {how}"
    if told.lines:
        requests = _requests(line.requests for line in told.lines)
        asked = "" if requests is None else f" in {requests:,} requests"
        yield f"{told.images:,} images{asked}: {told.images_per_month:,.0f} a month of 730 hours"


def lines_table(told: Statement) -> Table:
    """Images and cost by model, size and quality; `?` marks what is assumed."""
    table = Table("model", "size", "quality", box=None)
    for name in ("images", "requests", "a month", "bill, USD", "table, USD", "bill over table"):
        table.add_column(name, justify="right")
    for line in told.lines:
        assumed = {words.partition(" ")[0] for words in line.assumed}
        edits = " (edits)" if line.kind.operation == "edit" else ""
        table.add_row(line.model + edits, f"{line.size}{'?' * ('size' in assumed)}",
                      f"{line.quality or ''}{'?' * ('quality' in assumed)}", f"{line.images:,}",
                      "" if line.requests is None else f"{line.requests:,}", f"{line.images_per_month:,.0f}",
                      _usd(line.stated_usd), _usd(line.table_usd), _over(line.stated_usd, line.table_usd))
    both = told.compared
    if len(both) > 1:
        billed = sum((line.stated_usd for line in both if line.stated_usd is not None), Decimal(0))
        listed = sum((line.table_usd for line in both if line.table_usd is not None), Decimal(0))
        table.add_row("together" if len(both) == len(told.lines) else "those with both", "", "",
                      f"{sum(line.images for line in both):,}", "", "", _usd(billed), _usd(listed),
                      _over(billed, listed))
    return table


def tail_lines(told: Statement) -> Iterator[str]:
    """Who made them, when, what is assumed and what must be known."""
    for title, counts in (("by project", told.told.projects), ("by key", told.told.keys)):
        if any(counts):
            yield f"{title}: {', '.join(_share(name, count) for name, count in _most(counts))}"
    hours = told.told.hours
    if hours and any(hours):
        bars = "".join(_BARS[round(images / max(hours) * (len(_BARS) - 1))] for images in hours)
        yield f"hour of day, UTC: [{bars}]  the busiest {max(hours) * 24 / sum(hours):.1f} times the mean"
    elif told.lines:
        yield "hour of day: not known, a bucket is wider than an hour"
    if told.lines:
        yield f"table prices of {told.on}, one image at a time"
    yield from (f"assumed: {words}" for words in told.assumed)
    yield from (f"note: {words}" for words in (*told.doubts, *told.notes))


def statement_json(told: Statement) -> dict[str, Any]:
    """The whole statement; amounts as text."""
    covered = {source: {"first_on": str(day_of(found)[0]), "last_on": str(day_of(found)[1]), "days": found.days}
               for source, found in told.told.covered.items()}
    return {
        "covered": covered, "images": told.images, "images_per_month": told.images_per_month,
        "requests": _requests(line.requests for line in told.lines), "priced_on": str(told.on),
        "lines": [_line_json(line) for line in told.lines],
        "projects": {name: _count_json(count) for name, count in _most(told.told.projects, all_of_them=True)},
        "keys": {name: _count_json(count) for name, count in _most(told.told.keys, all_of_them=True)},
        "hour_of_day": told.told.hours, "not_images_usd": {item or "(no item)": str(usd) for item, usd in
                                                           sorted(told.told.other_usd.items())},
        "assumed": list(told.assumed), "doubts": list(told.doubts), "notes": list(told.notes)}


def _line_json(line: Line) -> dict[str, Any]:
    usd = line.usd_per_image
    return {
        "source": line.kind.source, "model": line.model, "known": line.known, "size": str(line.size),
        "quality": line.quality, "operation": line.kind.operation, "images": line.images, "requests": line.requests,
        "images_per_month": line.images_per_month,
        "stated_usd": None if line.stated_usd is None else f"{line.stated_usd:.6f}",
        "stated_usd_per_image": None if usd is None else f"{usd:.6f}",
        "table_usd": None if line.table_usd is None else f"{line.table_usd:.6f}",
        "no_price": line.no_price or None, "assumed": list(line.assumed)}


def _count_json(count: Count) -> dict[str, Any]:
    return {"images": count.images, "requests": count.requests, "usd": f"{count.usd:.6f}" if count.priced else None}


def _most(counts: dict[str, Count], *, all_of_them: bool = False) -> list[tuple[str, Count]]:
    listed = sorted(counts.items(), key=lambda pair: (-pair[1].images, pair[0]))
    return listed if all_of_them else listed[:_SHOWN]


def _share(name: str, count: Count) -> str:
    return f"{name or 'not said'} {count.images:,}{f' ({count.usd:,.2f} USD)' if count.priced else ''}"


def _requests(counts: Iterator[int | None]) -> int | None:
    known = list(counts)
    return None if None in known or not known else sum(count for count in known if count is not None)


def _usd(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _over(stated: Decimal | None, listed: Decimal | None) -> str:
    if stated is None or not listed:
        return ""
    return f"{round(stated - listed, 2) + 0:+,.2f} ({round(float(stated / listed) - 1, 3) + 0.0:+.1%})"
