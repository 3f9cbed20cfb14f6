"""What a contract takes off a month's hosted bill: free images of a model, then the vendor's credit."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from router.price_contract import BillTerms, monthly_bill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .case import Case
    from .hosted import HostedOption

__all__ = ["relief_usd"]


def relief_usd(case: Case, images_by_option: Iterable[tuple[HostedOption, float]]) -> float:
    """USD a month that credits and free images take off, at median prices; 0 without a contract.

    Args:
        case: the question, with the contract in its price tables.
        images_by_option: which option makes how many images a month.
    """
    contract = case.book.prices.contract
    if contract is None:
        return 0.0
    free, paid = Decimal(0), defaultdict[str, Decimal](Decimal)
    gross: dict[str, tuple[Decimal, Decimal]] = {}
    for option, images in images_by_option:
        if images <= 0:
            continue
        before = gross.get(option.model, (Decimal(0), Decimal(0)))
        usd = option.usd_per_image * Decimal(images)
        gross[option.model] = (before[0] + Decimal(images), before[1] + usd)
    for model, (made, usd) in gross.items():
        terms = contract.bill_terms(model, on=case.on)
        bill = monthly_bill(usd / made, int(made), terms=BillTerms(terms.free_images, Decimal(0)))
        free += bill.free_usd
        paid[model.partition("/")[0]] += usd - bill.free_usd
    credit = sum((min(contract.bill_terms(f"{vendor}/", on=case.on).credit_usd, usd) for vendor, usd in paid.items()),
                 Decimal(0))
    return float(free + credit)
