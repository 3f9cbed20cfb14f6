"""GPU rent and other clouds' charges: AWS cost and usage reports, and FOCUS files of any provider.

AWS: columns of a legacy report (`lineItem/UnblendedCost`) or of CUR 2.0 (`line_item_unblended_cost`), from
https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html ; lines of GPU instances are kept. FOCUS: any
version from 1.0 on (`BilledCost`, `ChargePeriodStart`, `BillingCurrency`).

Not confirmed against a real report of an account.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from planner.bills.cells import first_of, instant, refused, usd, word

if TYPE_CHECKING:
    from planner.bills.uses import Row

__all__ = ["CLOUD_FORMATS", "CloudCharge", "cloud_charge", "cloud_format"]

CLOUD_FORMATS = ("aws-cur", "focus")
_CUR = {"cost": ("lineitem/unblendedcost", "line_item_unblended_cost"),
        "begin": ("lineitem/usagestartdate", "line_item_usage_start_date"),
        "currency": ("lineitem/currencycode", "line_item_currency_code"),
        "kind": ("lineitem/lineitemtype", "line_item_line_item_type"),
        "instance": ("product/instancetype", "product_instance_type"),
        "usage": ("lineitem/usagetype", "line_item_usage_type")}
_USED = ("usage", "discountedusage", "savingsplancoveredusage")
_GPU_INSTANCE = re.compile(r"(?:^|:)(?:p[2-9]|g[3-9]|gr[6-9])[a-z0-9-]*\.")
_COMPUTE, _AI = "compute", "ai and machine learning"


@dataclass(frozen=True)
class CloudCharge:
    """One line: whose, of what, when (seconds since 1970), how much; no vendor where it is rent of GPUs.

    Attributes:
        images: None where it counts none.
        why_passed: why it is no rent and no image; empty where it counts.
    """

    begin: float
    usd: Decimal
    provider: str = ""
    model: str = ""
    images: int | None = None
    why_passed: str = ""


def cloud_format(row: Row) -> str:
    """The format whose column names a first row has: one of `CLOUD_FORMATS`, or empty."""
    names = set(row.cells)
    if names & set(_CUR["cost"]):
        return "aws-cur"
    return "focus" if {"billedcost", "chargeperiodstart"} <= names else ""


def cloud_charge(row: Row, told: str) -> CloudCharge:
    """A line of a report.

    Raises:
        PlannerError: a value that cannot be read, or another currency.
    """
    return _cur(row) if told == "aws-cur" else _focus(row)


def _cur(row: Row) -> CloudCharge:
    place, cells = row.place, row.cells
    name, currency = first_of(cells, _CUR["currency"])
    usd(place, currency, key=name)
    name, begin = first_of(cells, _CUR["begin"])
    at = instant(place, begin, key=name)
    name, cost = first_of(cells, _CUR["cost"])
    paid = _money(place, cost, name)
    instance = " ".join(str(first_of(cells, _CUR[key])[1] or "").lower() for key in ("instance", "usage"))
    if not any(map(_GPU_INSTANCE.search, instance.split())):
        return CloudCharge(at, paid, why_passed="lines of no GPU instance")
    if word(first_of(cells, _CUR["kind"])[1]) not in _USED:
        return CloudCharge(at, paid, why_passed="credits, fees and taxes of GPU instances")
    return CloudCharge(at, paid)


def _focus(row: Row) -> CloudCharge:
    place, cells = row.place, row.cells
    usd(place, cells.get("billingcurrency"), key="BillingCurrency")
    at = instant(place, cells.get("chargeperiodstart"), key="ChargePeriodStart")
    paid = _money(place, cells.get("billedcost"), "BilledCost")
    category = str(cells.get("servicecategory") or "").strip().lower()
    provider = str(first_of(cells, ("serviceprovidername", "providername"))[1] or "").strip()
    if str(cells.get("chargecategory") or "Usage").strip().lower() != "usage":
        return CloudCharge(at, paid, why_passed="charges that are no usage")
    if category == _COMPUTE:
        return CloudCharge(at, paid)
    if category != _AI:
        return CloudCharge(at, paid, why_passed="services that are neither compute nor AI")
    counts = str(cells.get("pricingunit") or "").strip().lower() == "images"
    quantity = _money(place, cells.get("pricingquantity") or "0", "PricingQuantity") if counts else None
    return CloudCharge(at, paid, provider, str(cells.get("x_model") or "").strip(),
                       None if quantity is None else int(quantity))


def _money(place: str, value: object, name: str) -> Decimal:
    """A finite amount; a credit is negative."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise refused(place, value, key=name, problem="no number", remedy="download the report again")
    return found
