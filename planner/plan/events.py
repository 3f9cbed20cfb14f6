"""What happens inside a plan: other options and prices, other fleets, licence steps, commitments that end. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from .lines import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lines import ImageLine, Month
    from .monthly import Plan

__all__ = ["Event", "events_of"]


class Event(NamedTuple):
    """Something that a reader of the plan must know, by month."""

    month: str
    kind: str
    text: str


def events_of(plan: Plan) -> tuple[Event, ...]:
    """Everything that changes from one month to the next, and where the plan stops."""
    found = [event for before, after in pairwise(plan.months) for event in _between(before, after)]
    found += [Event(fleet_month.month.label, "fleet", f"planned anew: up to {fleet_month.most_cards} cards, "
                    f"{fleet_month.gpu_hours:,.0f} GPU-hours") for number, fleet_month in enumerate(plan.months)
              if number and plan.fleets[number] is not plan.fleets[number - 1]]
    for one in plan.case.scenario.plan.successor:
        gone = plan.case.book.prices.find(one.model).shutdown_on
        if gone is not None and plan.months[0].month.first <= gone <= plan.months[-1].month.first:
            found.append(Event(f"{gone:%Y-%m}", "successor", f"{one.model} shuts down on {gone}; {one.by} takes over"))
    if plan.stopped:
        found.append(Event(plan.stopped.partition(":")[0], "stop", plan.stopped.partition(": ")[2]))
    return tuple(sorted(found))


def _between(before: Month, after: Month) -> Iterator[Event]:
    hosted_before = {(line.segment, line.can_wait): line for line in before.images_of if line.option != OWN}
    for line in after.images_of:
        then = hosted_before.get((line.segment, line.can_wait))
        if line.option != OWN and then is not None and (then.option, then.usd_per_image) != (
                line.option, line.usd_per_image):
            yield Event(after.month.label, "price", _changed(then, line))
    kinds = {bill.name for bill in before.fixed if bill.kind == "licence overage"}
    for bill in after.fixed:
        if bill.kind == "licence overage" and bill.name not in kinds:
            yield Event(after.month.label, "licence", f"{bill.name}: {bill.quantity:,.0f} images beyond those "
                        f"included, ${bill.usd_each:f} each")
    signed = {bill.name for bill in after.fixed if bill.kind == "commitment"}
    for bill in before.fixed:
        if bill.kind == "commitment" and bill.name not in signed:
            yield Event(after.month.label, "commitment", f"{bill.name} has ended")


def _changed(then: ImageLine, now: ImageLine) -> str:
    name = f"{now.segment}{' (can wait)' if now.can_wait else ''}"
    if then.option == now.option:
        return f"{name}: {now.option} costs ${now.usd_per_image:f} instead of ${then.usd_per_image:f}"
    return f"{name}: {now.option} at ${now.usd_per_image:f} instead of {then.option} at ${then.usd_per_image:f}"
