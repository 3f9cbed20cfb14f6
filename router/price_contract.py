"""Negotiated terms: rates, discounts, credits and free images of one contract, beside the list price."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from .catalog import table_files
from .errors import TableError
from .price_rows import COMPONENT_UNITS
from .text_files import Unreadable, parse_toml, read_plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .price_rows import Rate

__all__ = ["CONTRACT_FILE", "BillTerms", "Contract", "Credit", "FreeQuota", "MonthlyBill", "Term", "load_contract",
           "monthly_bill"]

CONTRACT_FILE = "contract.toml"


@dataclass(frozen=True)
class Term:
    """A negotiated rate (`usd`, in the component's unit) or a discount (`discount_share` of the list rate)."""

    model: str
    component: str
    tier: str
    usd: Decimal | None
    discount_share: Decimal | None

    def fits(self, row: Rate) -> bool:
        """Whether the term speaks of this rate; an empty component or tier means all of them."""
        return self.model == row.model and self.component in ("", row.component) and self.tier in ("", row.tier)

    @property
    def precision(self) -> int:
        """How much the term spells out; the most precise one that fits counts."""
        return bool(self.component) + bool(self.tier)


@dataclass(frozen=True)
class Credit:
    """A credit that a vendor takes off every monthly bill."""

    vendor: str
    usd_per_month: Decimal


@dataclass(frozen=True)
class FreeQuota:
    """Images of one model that a month does not bill."""

    model: str
    images_per_month: int


@dataclass(frozen=True)
class BillTerms:
    """What a month's bill of one model is reduced by."""

    free_images: int
    credit_usd: Decimal


@dataclass(frozen=True)
class MonthlyBill:
    """A month of one model, USD: before free images and credit, what each takes off, and what is paid."""

    gross_usd: Decimal
    free_usd: Decimal
    credit_usd: Decimal
    usd: Decimal


@dataclass(frozen=True)
class Contract:
    """One contract: the document, the days it holds, and its terms."""

    document: str
    valid_from: date
    valid_to: date | None
    terms: tuple[Term, ...]
    credits: tuple[Credit, ...]
    free_quotas: tuple[FreeQuota, ...]

    def in_force(self, on: date) -> bool:
        """Whether the contract holds on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def usd(self, row: Rate, *, on: date) -> Decimal:
        """The rate in USD per the row's unit under this contract; the list rate where no term speaks of it."""
        fitting = [term for term in self.terms if self.in_force(on) and term.fits(row)]
        if not fitting:
            return row.usd
        term = max(fitting, key=lambda term: term.precision)
        return term.usd if term.usd is not None else row.usd * (1 - (term.discount_share or Decimal(0)))

    def bill_terms(self, model: str, *, on: date) -> BillTerms:
        """Free images of a model, and the credit its vendor takes off a month's bill."""
        if not self.in_force(on):
            return BillTerms(0, Decimal(0))
        vendor = model.partition("/")[0]
        free = sum(quota.images_per_month for quota in self.free_quotas if quota.model == model)
        credit = sum((credit.usd_per_month for credit in self.credits if credit.vendor == vendor), Decimal(0))
        return BillTerms(free, credit)


def monthly_bill(usd_per_image: Decimal, images: int, *, terms: BillTerms) -> MonthlyBill:
    """A month's bill, exact: free images first, then the credit; never below 0, unused credit is not paid out.

    A vendor's credit counts once a month: where several of its models are billed, pass it to one of them.
    """
    gross = usd_per_image * images
    free = usd_per_image * min(images, terms.free_images)
    credit = min(terms.credit_usd, gross - free)
    return MonthlyBill(gross, free, credit, gross - free - credit)


def load_contract(roots: Sequence[Path], *, models: Sequence[str]) -> Contract | None:
    """The contract of the last folder that has one; None where none has.

    Raises:
        TableError: not TOML, an unknown or missing key, a value that does not fit, or two terms for the same rate.
    """
    paths = table_files(roots, CONTRACT_FILE)
    return _Reader(paths[-1], tuple(models)).contract() if paths else None


@dataclass(frozen=True)
class _Reader:
    path: Path
    models: tuple[str, ...]

    def contract(self) -> Contract:
        try:
            document = parse_toml(read_plain_text(self.path))
        except (tomllib.TOMLDecodeError, Unreadable) as error:
            raise TableError(self.path, 0, key="TOML", value=self.path.name, problem=str(error),
                             remedy="mend that place") from None
        self._keys(document, "contract", allowed=("document", "valid_from", "valid_to", "rate", "credit", "free_quota"),
                   needed=("document", "valid_from"))
        start, end = self._day(document, "valid_from"), self._day(document, "valid_to")
        if start is None:
            self._refuse("valid_from", "", "missing in contract", "write the first day the contract holds")
        if end is not None and end < start:
            self._refuse("valid_to", end, "before valid_from", "write the last day the contract holds")
        terms = tuple(self._term(entry) for entry in self._list(document, "rate"))
        self._refuse_twins(terms)
        return Contract(str(document["document"]), start, end, terms,
                        tuple(self._credit(entry) for entry in self._list(document, "credit")),
                        tuple(self._free_quota(entry) for entry in self._list(document, "free_quota")))

    def _term(self, entry: Mapping[str, Any]) -> Term:
        self._keys(entry, "rate", allowed=("model", "component", "tier", "usd", "discount_share"), needed=("model",))
        model = self._word(entry, "model", self.models)
        component = self._word(entry, "component", tuple(COMPONENT_UNITS))
        usd, share = self._amount(entry, "usd"), self._amount(entry, "discount_share")
        if (usd is None) == (share is None):
            self._refuse("rate", model, "needs either usd or discount_share", "write one of the two")
        if usd is not None and not component:
            self._refuse("component", "", "a negotiated usd needs it",
                         f"write one of {', '.join(COMPONENT_UNITS)}, or a discount_share instead")
        if share is not None and share >= 1:
            self._refuse("discount_share", share, "not a share below 1", "write 0.15 for 15 % off")
        return Term(model, component, self._word(entry, "tier", ("sync", "batch")), usd, share)

    def _credit(self, entry: Mapping[str, Any]) -> Credit:
        self._keys(entry, "credit", allowed=("vendor", "usd_per_month"), needed=("vendor", "usd_per_month"))
        vendors = tuple(dict.fromkeys(model.partition("/")[0] for model in self.models))
        return Credit(self._word(entry, "vendor", vendors), self._amount(entry, "usd_per_month") or Decimal(0))

    def _free_quota(self, entry: Mapping[str, Any]) -> FreeQuota:
        self._keys(entry, "free_quota", allowed=("model", "images_per_month"), needed=("model", "images_per_month"))
        images = entry["images_per_month"]
        if not isinstance(images, int) or isinstance(images, bool) or images < 1:
            self._refuse("images_per_month", images, "not a whole number above 0", "write how many images are free")
        return FreeQuota(self._word(entry, "model", self.models), images)

    def _list(self, document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
        entries = document.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._refuse(key, entries, "not a list of tables", f"write [[{key}]] above each entry")
        return entries

    def _keys(self, entry: Mapping[str, Any], where: str, *, allowed: Sequence[str], needed: Sequence[str]) -> None:
        for key in entry:
            if key not in allowed:
                self._refuse(key, entry[key], f"unknown key of {where}", f"use only {', '.join(allowed)}")
        for key in needed:
            if entry.get(key) in (None, ""):
                self._refuse(key, "", f"missing in {where}", "add it")

    def _day(self, entry: Mapping[str, Any], key: str) -> date | None:
        value = entry.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self._refuse(key, value, "not a date", "write it as 2026-11-24")

    def _word(self, entry: Mapping[str, Any], key: str, words: Sequence[str]) -> str:
        value = entry.get(key, "")
        if value and value not in words:
            self._refuse(key, value, "unknown", f"use one of {', '.join(words)}")
        return str(value)

    def _amount(self, entry: Mapping[str, Any], key: str) -> Decimal | None:
        value = entry.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not re.fullmatch(r"\d+(\.\d+)?", str(value)) or Decimal(str(value)) <= 0:
            self._refuse(key, value, "not an amount above 0", 'write it as "0.024"')
        return Decimal(str(value))

    def _refuse_twins(self, terms: Sequence[Term]) -> None:
        seen: set[tuple[str, str, str]] = set()
        for term in terms:
            key = (term.model, term.component, term.tier)
            if key in seen:
                self._refuse("rate", term.model, "two terms for the same component and tier", "keep one of them")
            seen.add(key)

    def _refuse(self, key: str, value: object, problem: str, remedy: str) -> NoReturn:
        text = read_plain_text(self.path).splitlines()
        asked = re.compile(rf"\s*\[{{0,2}}{re.escape(key)}\b")
        lines = [number for number, line in enumerate(text, start=1) if asked.match(line)]
        told = [number for number in lines if str(value) in text[number - 1]]
        raise TableError(self.path, next(iter([*told, *lines]), 0), key=key, value=str(value), problem=problem,
                         remedy=remedy)
