"""From one scenario's plan to another's: what each changed part does, one after the other, so that the steps add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .monthly import monthly_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from decimal import Decimal

    from planner.case import Case
    from planner.scenario import Scenario

__all__ = ["Step", "Waterfall", "changed_keys", "waterfall"]

_ORDER = ("segment", "traffic", "promise", "acceptance", "review", "own", "licence", "licence_waived", "plan")


@dataclass(frozen=True)
class Step:
    """One part of the scenario, changed after those before it.

    Attributes:
        part: a top-level key of the scenario, or `months` and `prices` for what differs beside it.
        keys: what changed in it, as in `own.cost.usd_per_gpu_h: 2.69 -> 1.99`.
        usd: what that does to the sum of the months.
    """

    part: str
    keys: tuple[str, ...]
    usd: Decimal


@dataclass(frozen=True)
class Waterfall:
    """The first plan's sum, the steps, the second plan's sum: exact to the micro-dollar."""

    before_usd: Decimal
    steps: tuple[Step, ...]
    after_usd: Decimal


def waterfall(before: Case, after: Case, *, first: date, count: int = 12,
              told: Callable[[float], None] = lambda _: None) -> Waterfall:
    """Every changed part of the scenario laid over the first one in a fixed order, planned anew after each.

    Who comes first in that order gets the credit for what two changes do together.

    Args:
        before: the first question.
        after: the second, over the same tables and day.
        first: a day of the first month.
        count: months of both plans.
        told: hears the share that is done.
    """
    parts = _changed_parts(before.scenario, after.scenario)
    now = before.scenario
    last = start = monthly_plan(before, first=first, count=count).usd
    steps = []
    for number, part in enumerate(parts):
        told((number + 1) / (len(parts) + 1))
        now = now.model_copy(update={part: getattr(after.scenario, part)})
        then = monthly_plan(replace(before, scenario=now), first=first, count=count).usd
        steps.append(Step(part, tuple(changed_keys(getattr(before.scenario, part), getattr(after.scenario, part),
                                                   at=part)), then - last))
        last = then
    return Waterfall(start, tuple(steps), last)


def _changed_parts(before: Scenario, after: Scenario) -> list[str]:
    names = [name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)]
    known = [name for name in _ORDER if name in names]
    return known + [name for name in names if name not in _ORDER and name not in ("name", "summary", "what_if")]


def changed_keys(before: Any, after: Any, *, at: str) -> Iterator[str]:
    """Every leaf that differs between two parts of a scenario, with both values."""
    left, right = _plain(before), _plain(after)
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*left, *right)):
            yield from changed_keys(left.get(key), right.get(key), at=f"{at}.{key}")
    elif left != right:
        yield f"{at}: {_short(left)} -> {_short(right)}"


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (list, tuple)):
        rows = [_plain(row) for row in value]
        names = [row.get("name") or row.get("model") or row.get("driver") or row.get("vendor")
                 for row in rows if isinstance(row, dict)]
        if rows and len(names) == len(rows) and len(set(names)) == len(rows) and all(names):
            return dict(zip(names, rows, strict=True))
        return {str(number): row for number, row in enumerate(rows)}
    return value


def _short(value: Any) -> str:
    text = "nothing" if value is None else "a table" if isinstance(value, dict) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004 (of a line)
