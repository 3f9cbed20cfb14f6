"""The law's errors as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from router.measurements import why_left_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from router.service_time import Law

    from .law_check import Group, LeftOut

__all__ = ["check_json", "print_check"]


def print_check(console: Console, found: Sequence[Group], *, left_out: Sequence[LeftOut], law: Law) -> None:
    """Print the groups, the rows that miss by more than a fifth with a reason, and what was left out of the fit."""
    table = Table("each source predicted from all others", "rows", "median error", "plain table", "votes",
                  "median by vote", "P90", "covered", "high/low", box=None)
    for group in found:
        table.add_row(group.name, str(group.rows), f"{group.median_error:.1%}", f"{group.table_median_error:.1%}",
                      str(group.votes), f"{group.vote_median_error:.1%}", f"{group.p90_error:.0%}",
                      f"{group.covered_share:.0%}", f"{group.median_width:.2f}")
    console.print(table)
    console.print("A vote is one source and setup. Covered: the 90 % interval holds the measurement.\n")
    console.print(_misses(left_out))
    reasons = Counter(reason for row in law.measurements if (reason := why_left_out(row, law.gpus)))
    console.print(f"\n{len(law.measurements)} measurements, {len(left_out)} fitted. Left out:")
    for reason, count in reasons.most_common():
        console.print(f"  {count:4d}  {reason}")


def _misses(left_out: Sequence[LeftOut]) -> Table:
    table = Table("off by more than 20 %", "measured s", "predicted", "error", "in 90 %", "why", "source", box=None)
    for one in sorted((one for one in left_out if one.reason), key=lambda one: -abs(one.error)):
        row = one.timing.row
        table.add_row(f"{row.id} {row.model} {one.timing.setup.cell} {row.size} {row.part}",
                      f"{row.seconds_per_image:.3g}", f"{one.seconds:.3g}", f"{one.error:+.0%}",
                      "yes" if one.covered else "no", one.reason, row.source_key)
    return table


def check_json(found: Sequence[Group], left_out: Sequence[LeftOut], *, rows: int) -> dict[str, Any]:
    """The same as plain values."""
    return {"measurements": rows, "fitted": len(left_out), "groups": [asdict(group) for group in found],
            "rows": [{"id": one.timing.row.id, "source": one.timing.row.source_key, "cell": one.timing.setup.cell,
                      "measured_seconds": one.timing.row.seconds_per_image, "seconds": one.seconds, "low": one.low,
                      "high": one.high, "plain_table_seconds": one.table_seconds, "core": one.core,
                      "cell_known": one.cell_known, "why": one.reason or None} for one in left_out]}
