"""A plan as a document: every figure with its unit, what it rests on by hash, and whether somebody approved it."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .events import events_of
from .lines import OWN
from .purchase import purchase_of

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from planner.scenario import Scenario

    from .lines import FixedLine, ImageLine, Month
    from .monthly import Plan
    from .purchase import Purchase
    from .worlds import Range

__all__ = ["SCHEMA", "content_hash", "plan_json", "plan_purchase", "reported"]

SCHEMA = 1


def content_hash(scenario: Scenario) -> str:
    """SHA-256 of what a scenario says, whatever file, order of keys or base it was written in."""
    document = json.dumps(scenario.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()


def reported(plan: Plan, usd: Decimal, day: date) -> Decimal | None:
    """An amount in the reporting currency at the rate of a day; None where the plan is in US dollars alone."""
    rate = plan.case.scenario.plan.per_usd(day)
    return None if rate is None else usd * rate.per_usd


def plan_purchase(plan: Plan) -> Purchase | None:
    """Buying instead of renting, where the scenario names a server that could be bought."""
    terms = plan.case.scenario.plan
    if terms.purchase is None:
        return None
    rents = [float(sum(bill.usd for bill in month.fixed if bill.kind == "cards")) for month in plan.months]
    return purchase_of(terms.purchase, rents, rate_per_year=terms.discount_share_per_year)


def plan_json(plan: Plan) -> dict[str, Any]:
    """The whole plan; money is text in US dollars with six decimals, so that nothing is lost on the way."""
    scenario, worlds = plan.case.scenario, plan.worlds
    total = worlds.total
    bought = plan_purchase(plan)
    return {
        "schema": SCHEMA, "scenario": scenario.name, "scenario_hash": content_hash(scenario),
        "planned_on": plan.case.on.isoformat(), "seed": plan.seed, "draws": plan.case.draws.count,
        "planner": version("breakeven"), "vendors": list(plan.vendors), "currency": scenario.plan.currency,
        "usd": f"{plan.usd:f}", "p10_usd": total.p10, "p50_usd": total.p50, "p90_usd": total.p90,
        "contingency_usd": total.p80 - total.p50, "percentiles": "of all months together; not the sum of the months'",
        "drivers": [{"name": name, "share": share} for name, share in worlds.drivers],
        "outside_simulated_share": worlds.outside_share, "stopped": plan.stopped,
        "months": [_month(plan, month, sure) for month, sure in zip(plan.months, worlds.months, strict=True)],
        "events": [event._asdict() for event in events_of(plan)],
        "purchase": None if bought is None else bought.__dict__ | {"flows": list(bought.flows)}}


def _month(plan: Plan, month: Month, sure: Range) -> dict[str, Any]:
    told = reported(plan, month.usd, month.month.first)
    return {
        "month": month.month.label, "fiscal": month.month.fiscal_label, "usd": f"{month.usd:f}",
        "reported": None if told is None else f"{told:f}",
        "p10_usd": sure.p10, "p50_usd": sure.p50, "p90_usd": sure.p90,
        "images": f"{month.images:f}", "accepted": f"{month.accepted:f}",
        "usd_per_accepted": float(month.usd / month.accepted) if month.accepted else None,
        "gpu_hours": month.gpu_hours, "most_cards": month.most_cards, "load": month.load, "kg_co2e": month.kg_co2e,
        "images_of": [_images(line) for line in month.images_of], "fixed": [_fixed(line) for line in month.fixed]}


def _images(line: ImageLine) -> dict[str, Any]:
    return {"segment": line.segment, "can_wait": line.can_wait, "option": line.option, "own": line.option == OWN,
            "images": f"{line.images:f}", "usd_per_image": f"{line.usd_per_image:f}", "usd": f"{line.usd:f}",
            "accepted": f"{line.accepted:f}", "source": line.source}


def _fixed(line: FixedLine) -> dict[str, Any]:
    return {"kind": line.kind, "name": line.name, "quantity": line.quantity, "unit": line.unit,
            "usd_each": f"{line.usd_each:f}", "usd": f"{line.usd:f}", "source": line.source}
