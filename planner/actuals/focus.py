"""Charges as rows of FOCUS 1.2, the FinOps Open Cost and Usage Specification. Pure.

Columns and values: https://focus.finops.org/focus-specification/v1-2/ . A tenant is a sub-account, a backend a billing
account. Cards of ours are our own company's: nothing is invoiced (BilledCost 0), and EffectiveCost is the share of what
they cost. `x_LedgerCost` is what the books settled, whoever made the image; its sum is the ledger's.
"""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING

from router.ledger.export import neutral
from router.ledger.rows import from_us
from router.quantities import SECONDS_PER_HOUR, usd_from_micro

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import TextIO

    from .charges import Charge
    from .month import Month

__all__ = ["COLUMNS", "FocusSums", "write_focus"]

COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodStart", "ChargePeriodEnd",
    "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId",
    "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter",
    "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags", "x_Attempts",
    "x_Backend", "x_GpuHours", "x_Images", "x_LedgerCost", "x_Model", "x_ProviderRequestId", "x_Simulated", "x_Status")
_US_PER_HOUR = SECONDS_PER_HOUR * 1_000_000
_PICO = Decimal("1e-12")
_TAGS = ("cost_center", "project", "segment")


class FocusSums:
    """What a file holds: rows, and the sums that must be the ledger's."""

    def __init__(self) -> None:
        self.rows = self.settled_micro_usd = self.billed_micro_usd = self.micro_usd = self.simulated = 0
        self.unsettled = self.attempts = 0

    def add(self, charge: Charge) -> bool:
        """Count a charge; False where it is no row: nothing was made, and nothing paid."""
        cell = charge.cell
        self.unsettled += cell.unsettled
        self.attempts += cell.attempts
        if not (charge.is_idle or cell.images or charge.micro_usd):
            return False
        self.rows += 1
        self.settled_micro_usd += cell.settled_micro_usd
        self.billed_micro_usd += charge.billed_micro_usd
        self.micro_usd += charge.micro_usd
        self.simulated += cell.attempts if cell.simulated else 0
        return True


def write_focus(charges: Iterable[Charge], file: TextIO, *, month: Month, company: str) -> FocusSums:
    """Write the rows of some charges one by one; what they come to.

    Args:
        charges: of the month.
        file: a text file, open for writing.
        month: the billing period.
        company: our own name, the provider of our cards.
    """
    sums = FocusSums()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    status = "final" if month.is_over else "provisional"
    period = {"BillingCurrency": "USD", "PricingCurrency": "USD", "BillingPeriodStart": _instant(month.begin),
              "BillingPeriodEnd": _instant(month.end), "x_Status": status}
    for charge in charges:
        if sums.add(charge):
            row = period | _row(charge, charge.place.provider or company)
            writer.writerow([neutral(row.get(name, "")) for name in COLUMNS])
    return sums


def _row(charge: Charge, provider: str) -> dict[str, str]:
    cell, place = charge.cell, charge.place
    listed = charge.micro_usd if place.own else cell.listed_micro_usd
    # What was charged for and brought nothing is counted in the images it was asked for.
    quantity = Decimal(charge.gpu_us) / _US_PER_HOUR if place.own else Decimal(cell.images or cell.wanted)
    list_price, price = _each(listed, quantity), _each(charge.micro_usd, quantity)
    return {
        "BilledCost": _usd(charge.billed_micro_usd), "EffectiveCost": _usd(charge.micro_usd), "ListCost": _usd(listed),
        "ContractedCost": _usd(charge.micro_usd), "BillingAccountId": cell.backend,
        "BillingAccountName": f"{provider} ({cell.backend})", "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based", "ChargeDescription": _described(charge),
        "ChargePeriodStart": _instant(charge.begin), "ChargePeriodEnd": _instant(charge.end),
        "InvoiceIssuerName": provider, "ProviderName": provider, "PublisherName": provider,
        "PricingQuantity": f"{quantity:.6f}", "PricingUnit": "Hours" if place.own else "Images",
        "ConsumedQuantity": f"{quantity:.6f}", "ConsumedUnit": "Hours" if place.own else "Images",
        "ListUnitPrice": list_price, "ContractedUnitPrice": price, "PricingCurrencyListUnitPrice": list_price,
        "PricingCurrencyContractedUnitPrice": price, "PricingCurrencyEffectiveCost": _usd(charge.micro_usd),
        "RegionId": place.region, "RegionName": place.region, "ResourceId": cell.attempt_id,
        "ResourceName": cell.attempt_id, "ResourceType": "Image request" if cell.attempt_id else "",
        "SubAccountId": cell.tenant, "SubAccountName": cell.tenant, "SubAccountType": "Tenant" if cell.tenant else "",
        "Tags": json.dumps({name: getattr(cell, name) for name in _TAGS if getattr(cell, name)}, ensure_ascii=False),
        "x_Attempts": str(cell.attempts), "x_Backend": cell.backend, "x_GpuHours": _hours(charge),
        "x_Images": str(cell.images), "x_LedgerCost": _usd(cell.settled_micro_usd), "x_Model": cell.model,
        "x_ProviderRequestId": cell.provider_request, "x_Simulated": "true" if cell.simulated else "false",
    } | _service(charge) | _sku(charge)


def _service(charge: Charge) -> dict[str, str]:
    if charge.is_idle:
        return {"ServiceCategory": "Compute", "ServiceName": "Own GPUs", "ServiceSubcategory": "Virtual Machines"}
    return {"ServiceCategory": "AI and Machine Learning", "ServiceName": "Image generation",
            "ServiceSubcategory": "Generative AI"}


def _sku(charge: Charge) -> dict[str, str]:
    cell, place = charge.cell, charge.place
    if charge.is_idle:
        name = f"{cell.backend}/idle"
        return {"SkuId": name, "SkuPriceId": name, "SkuMeter": "GPU time, idle", "SkuPriceDetails": "{}"}
    details = {f"x_{name}": getattr(cell, name) for name in ("model", "quality", "size", "tier") if getattr(cell, name)}
    quality, batch = f"@{cell.quality}" if cell.quality else "", "+batch" if cell.tier == "batch" else ""
    name = " ".join(filter(None, (f"{place.vendor}/{cell.model}{quality}{batch}", cell.size)))
    return {"SkuId": name, "SkuPriceId": f"{name} ({cell.price_row or 'own'})", "SkuPriceDetails": json.dumps(details),
            "SkuMeter": "GPU time" if place.own else "Images"}


def _described(charge: Charge) -> str:
    cell = charge.cell
    if charge.is_idle:
        return f"Own GPUs of {cell.backend}: on, not used"
    what = " ".join(filter(None, (cell.model, cell.quality, cell.size, "batch" if cell.tier == "batch" else "")))
    when = f", {from_us(cell.reserved_at):%Y-%m-%dT%H:%M:%SZ}" if cell.attempt_id else ""
    return (f"{what} by {cell.backend}{'' if cell.delivered else ', charged without an image'}"
            f"{', simulated' if cell.simulated else ''}{when}")


def _hours(charge: Charge) -> str:
    return f"{Decimal(charge.gpu_us) / _US_PER_HOUR:.6f}" if charge.place.own else ""


def _each(micro_usd: int, quantity: Decimal) -> str:
    return f"{(usd_from_micro(micro_usd) / quantity).quantize(_PICO):f}" if quantity else "0.000000"


def _usd(micro_usd: int) -> str:
    return f"{usd_from_micro(micro_usd):.6f}"


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

