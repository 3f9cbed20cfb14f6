"""Every unit conversion of the product, and the partial dates that sources come with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

__all__ = [
    "HOURS_PER_MONTH",
    "MEGAPIXEL",
    "MONTHS_PER_YEAR",
    "SECONDS_PER_HOUR",
    "WATT_SECONDS_PER_KWH",
    "Day",
    "Size",
    "limit_micro_usd",
    "micro_usd",
    "reserve_micro_usd",
    "usd_from_cents",
    "usd_from_micro",
]

SECONDS_PER_HOUR = 3600
HOURS_PER_MONTH = 730  # 8,760 / 12, the convention of cloud price pages
MONTHS_PER_YEAR = 12
MEGAPIXEL = 1_048_576  # vendors bill 1024 x 1024 as one megapixel, not a million pixels


WATT_SECONDS_PER_KWH = 3_600_000
_MICRO = Decimal(1_000_000)
_WIDE = Context(prec=40)


def reserve_micro_usd(usd: Decimal) -> int:
    """Whole micro-dollars that an amount fits into: rounded up, for what is set aside."""
    return int(_WIDE.multiply(usd, _MICRO).to_integral_value(ROUND_CEILING, _WIDE))


def limit_micro_usd(usd: Decimal) -> int:
    """Whole micro-dollars inside of an amount: rounded down, for what may not be exceeded."""
    return int(_WIDE.multiply(usd, _MICRO).to_integral_value(ROUND_FLOOR, _WIDE))


def micro_usd(usd: Decimal) -> int:
    """Whole micro-dollars of an amount, half to even, for what was charged."""
    return int(_WIDE.multiply(usd, _MICRO).to_integral_value(ROUND_HALF_EVEN, _WIDE))


def usd_from_micro(micro: int) -> Decimal:
    """US dollars of whole micro-dollars."""
    return Decimal(micro).scaleb(-6)


def usd_from_cents(cents: Decimal) -> Decimal:
    """US cents (BFL credits) in US dollars."""
    return cents / 100


@dataclass(frozen=True, order=True)
class Size:
    """Width x height of an image in pixels."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """A size from `1536x1024`; ValueError on anything else."""
        match = re.fullmatch(r"\s*([0-9]{1,6})\s*[xX\u00d7]\s*([0-9]{1,6})\s*", text)
        if match is None or "0" in (match[1], match[2]):
            msg = f"{text!r} is not a size; write it as WIDTHxHEIGHT, as in 1024x1024"
            raise ValueError(msg)
        return cls(int(match[1]), int(match[2]))

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Day:
    """A date as precise as its source gave it: a year, a month or a day."""

    text: str
    earliest: date

    @classmethod
    def parse(cls, text: str) -> Day:
        """A day from `2026`, `2026-08` or `2026-08-16`; ValueError on anything else."""
        match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?", text.strip())
        if match is None:
            msg = f"{text!r} is not a date"
            raise ValueError(msg)
        return cls(text.strip(), date(int(match[1]), int(match[2] or 1), int(match[3] or 1)))

    @property
    def precision(self) -> str:
        """`year`, `month` or `day`."""
        return {4: "year", 7: "month", 10: "day"}[len(self.text)]

    def age_days(self, on: date) -> int:
        """Days from the earliest day this may mean to `on`: an imprecise date counts as old."""
        return (on - self.earliest).days

    def __str__(self) -> str:
        return self.text
