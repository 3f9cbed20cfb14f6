"""A month's actuals for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table

from router.ledger.export import neutral
from router.quantities import SECONDS_PER_HOUR, usd_from_micro

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from .groups import By, Chargeback, Group, Groups
    from .month import Month

__all__ = ["CSV_COLUMNS", "actuals_json", "chargeback_table", "groups_table", "head_lines", "tail_lines", "write_csv"]

CSV_COLUMNS = ("month", "status", "kind", "name", "images", "attempts", "failures", "retries", "retries_usd",
               "fallbacks", "fallbacks_usd", "ledger_usd", "cards_usd", "usd", "gpu_hours", "accepted", "judged",
               "usd_per_image", "usd_per_accepted_image")
_US_PER_HOUR = SECONDS_PER_HOUR * 1_000_000


def head_lines(groups: Groups, month: Month) -> Iterator[str]:
    """What the month came to, and what stands apart."""
    total = groups.total
    status = "final" if month.is_over and not groups.unsettled else f"provisional, up to {month.now:%Y-%m-%d %H:%M} UTC"
    yield (f"{month.text} ({status}): {total.images:,} images in {total.attempts:,} attempts, "
           f"{_usd(total.micro_usd)} USD")
    if total.retries or total.fallbacks:
        yield (f"in it: {total.retries:,} retries {_usd(total.retries_micro_usd)} USD, {total.fallbacks:,} fallbacks "
               f"{_usd(total.fallbacks_micro_usd)} USD")
    if total.gpu_us:
        idle = sum(group.gpu_us for group in groups.idle.values())
        busy = total.gpu_us - idle
        rest = "" if not idle else f", {_hours(idle)} idle ({idle / total.gpu_us:.0%})"
        yield f"own GPUs: {_hours(busy)} hours of work{rest}; the cards cost {_usd(total.cards_micro_usd)} USD"


def groups_table(groups: Groups, by: By) -> Table:
    """Volumes and cost by name, idle cards below, the sum last."""
    table = Table(by, box=None)
    for name in ("images", "attempts", "failed", "books, USD", "cards, USD", "USD", "USD/image", "accepted",
                 "USD/accepted"):
        table.add_column(name, justify="right")
    listed = _ordered(groups)
    shown = [*listed, *(group for _, group in sorted(groups.idle.items()))]
    for group in [*shown, *([groups.total] if len(shown) > 1 else [])]:
        looked = f"{group.looked.accepted:,} of {group.looked.judged:,}" if group.looked.judged else ""
        idle = group in groups.idle.values()
        table.add_row(f"{group.name}, idle" if idle else group.name, "" if idle else f"{group.images:,}",
                      "" if idle else f"{group.attempts:,}", "" if idle else f"{group.failures:,}",
                      _usd(group.settled_micro_usd), _usd(group.cards_micro_usd), _usd(group.micro_usd),
                      _each(group.usd_per_image), looked, _each(group.usd_per_accepted))
    return table


def chargeback_table(back: Chargeback) -> Table:
    """What each cost centre is charged, beside what its images cost."""
    table = Table("cost centre", box=None)
    for name in ("images", "charged, USD", "cost, USD"):
        table.add_column(name, justify="right")
    for line in back.lines:
        table.add_row(line.name, f"{line.images:,}", _usd(line.charged_micro_usd), _usd(line.cost_micro_usd))
    if back.idle_micro_usd:
        table.add_row("own GPUs, idle", "", "", _usd(back.idle_micro_usd))
    return table


def tail_lines(groups: Groups, back: Chargeback, *, unknown: list[str]) -> Iterator[str]:
    """What is charged and what is left, and what must be known."""
    rate = "the month's average, idle cards left out" if back.is_average else "as given"
    yield (f"charged at {back.rate_usd:.6f} USD an image ({rate}): {_usd(back.charged_micro_usd)} USD; "
           f"{_usd(back.left_micro_usd)} USD charged to nobody")
    for backend in unknown:
        yield (f"note: what the cards of {backend} cost is not known and not in it; give --settings with "
               "gpus.usd_per_gpu_h")
    if groups.unsettled:
        yield f"note: {groups.unsettled:,} attempts have no end yet and count nothing"
    if groups.doubtful_micro_usd:
        yield f"note: {_usd(groups.doubtful_micro_usd)} USD are possibly billed, at the full reserve"
    if groups.simulated:
        yield f"note: {groups.simulated:,} attempts were answered by the built-in simulator; nobody bills them"


def actuals_json(groups: Groups, back: Chargeback, *, month: Month, by: By) -> dict[str, Any]:
    """Everything; money in whole micro-dollars."""
    return {
        "month": month.text, "is_over": month.is_over, "by": by, "total": _json(groups.total),
        "groups": [_json(group) for group in _ordered(groups)],
        "idle": [_json(group) for _, group in sorted(groups.idle.items())], "unsettled": groups.unsettled,
        "possibly_billed_micro_usd": groups.doubtful_micro_usd, "simulated": groups.simulated,
        "chargeback": {"usd_per_image": f"{back.rate_usd:.6f}", "is_average": back.is_average,
                       "lines": [line.__dict__ for line in back.lines], "idle_micro_usd": back.idle_micro_usd,
                       "charged_to_nobody_micro_usd": back.left_micro_usd}}


def write_csv(groups: Groups, file: TextIO, *, month: Month) -> None:
    """A row for each name, and for idle cards of each backend; the column `usd` adds up to what the month cost."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    status = "final" if month.is_over and not groups.unsettled else "provisional"
    for kind, found in (("work", _ordered(groups)), ("idle", [one for _, one in sorted(groups.idle.items())])):
        for group in found:
            row = _row(group) | {"month": month.text, "status": status, "kind": kind, "name": group.name}
            writer.writerow([neutral(row[name]) for name in CSV_COLUMNS])


def _row(group: Group) -> dict[str, object]:
    each, accepted = group.usd_per_image, group.usd_per_accepted
    return {
        "images": group.images, "attempts": group.attempts, "failures": group.failures, "retries": group.retries,
        "retries_usd": _exact(group.retries_micro_usd), "fallbacks": group.fallbacks,
        "fallbacks_usd": _exact(group.fallbacks_micro_usd), "ledger_usd": _exact(group.settled_micro_usd),
        "cards_usd": _exact(group.cards_micro_usd), "usd": _exact(group.micro_usd),
        "gpu_hours": f"{Decimal(group.gpu_us) / _US_PER_HOUR:.6f}" if group.gpu_us else "",
        "accepted": group.looked.accepted if group.looked.judged else "",
        "judged": group.looked.judged or "", "usd_per_image": "" if each is None else f"{each:.9f}",
        "usd_per_accepted_image": "" if accepted is None else f"{accepted:.9f}"}


def _json(group: Group) -> dict[str, Any]:
    each, accepted = group.usd_per_image, group.usd_per_accepted
    return {name: getattr(group, name) for name in (
        "name", "images", "attempts", "failures", "retries", "retries_micro_usd", "fallbacks", "fallbacks_micro_usd",
        "settled_micro_usd", "cards_micro_usd", "micro_usd")} | {
            "gpu_hours": round(group.gpu_us / _US_PER_HOUR, 6), "accepted": group.looked.accepted,
            "judged": group.looked.judged, "usd_per_image": None if each is None else f"{each:.9f}",
            "usd_per_accepted_image": None if accepted is None else f"{accepted:.9f}"}


def _ordered(groups: Groups) -> list[Group]:
    return sorted(groups.groups.values(), key=lambda group: (-group.micro_usd, group.name))


def _usd(micro_usd: int) -> str:
    return f"{usd_from_micro(micro_usd):,.2f}"


def _exact(micro_usd: int) -> str:
    return f"{usd_from_micro(micro_usd):.6f}"


def _each(usd: Decimal | None) -> str:
    return "" if usd is None else f"{usd:.5f}"


def _hours(gpu_us: int) -> str:
    return f"{gpu_us / _US_PER_HOUR:,.1f}"
