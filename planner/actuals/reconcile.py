"""A vendor's statement against the books: what is left between them, and what explains it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from .lines import Amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from .lines import Key, Side

__all__ = ["CAUSES", "Compared", "Reconciliation", "Tolerance", "reconciled"]

CAUSES = ("days not on the statement", "days not in the books", "images not in the books",
          "images not on the statement", "possibly billed in the books and not charged", "price an image",
          "price or number, which the statement does not tell apart", "rounding")
(_NO_STATEMENT, _NO_BOOKS, _NOT_BOOKED, _NOT_STATED, _DOUBTFUL, _PRICE, _EITHER, _ROUNDING) = CAUSES
_ROUNDS_TO_USD = Decimal("0.005")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Tolerance:
    """How far statement and books may be apart: the greater of a share of the books and an amount, vendor by vendor."""

    percent: Decimal
    usd: Decimal

    def holds(self, residual_usd: Decimal, books_usd: Decimal) -> bool:
        """Whether a residual is within it."""
        return abs(residual_usd) <= max(self.usd, abs(books_usd) * self.percent / 100)


@dataclass(frozen=True)
class Compared:
    """A model on a day, on both sides; what is missing on a side is None."""

    key: Key
    stated: Amount | None
    booked: Amount | None

    @property
    def stated_usd(self) -> Decimal:
        """Of the statement; the books' price for its images where it names images and no money."""
        if self.stated is None:
            return _ZERO
        if self.stated.usd is not None:
            return self.stated.usd
        booked = self.booked
        if booked is None or not booked.images or booked.usd is None:
            return self.booked_usd
        return booked.usd / booked.images * (self.stated.images or 0)

    @property
    def booked_usd(self) -> Decimal:
        """Of the books."""
        return _ZERO if self.booked is None or self.booked.usd is None else self.booked.usd

    @property
    def residual_usd(self) -> Decimal:
        """Statement over books."""
        return self.stated_usd - self.booked_usd

    @property
    def images_over(self) -> int | None:
        """Images of the statement over those of the books; None where the statement counts none."""
        if self.stated is not None and self.stated.images is None:
            return None
        stated = 0 if self.stated is None else self.stated.images or 0
        return stated - (0 if self.booked is None else self.booked.images or 0)


@dataclass
class Reconciliation:
    """One vendor's month.

    Attributes:
        causes: US dollars by cause; they add up to the residual.
        images_not_booked, images_not_stated: on days that both sides have.
        days_not_stated, days_not_booked: days that one side has and the other has not.
        has_money: whether the statement names any; else its images are priced as the books price them.
    """

    vendor: str
    lines: list[Compared] = field(default_factory=list)
    causes: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CAUSES, _ZERO))
    images_not_booked: int = 0
    images_not_stated: int = 0
    days_not_stated: list[date] = field(default_factory=list)
    days_not_booked: list[date] = field(default_factory=list)

    @property
    def has_money(self) -> bool:
        """Whether the statement names money."""
        return any(line.stated is not None and line.stated.usd is not None for line in self.lines)

    def within(self, tolerance: Tolerance) -> bool:
        """Whether both sides agree; images are held to the same share where the statement names no money."""
        if not self.has_money:
            booked = sum(line.booked.images or 0 for line in self.lines if line.booked is not None)
            if sum(abs(line.images_over or 0) for line in self.lines) * 100 > booked * tolerance.percent:
                return False
        return tolerance.holds(self.residual_usd, self.booked_usd)

    @property
    def stated_usd(self) -> Decimal:
        """Of the statement."""
        return sum((line.stated_usd for line in self.lines), _ZERO)

    @property
    def booked_usd(self) -> Decimal:
        """Of the books."""
        return sum((line.booked_usd for line in self.lines), _ZERO)

    @property
    def residual_usd(self) -> Decimal:
        """Statement over books."""
        return self.stated_usd - self.booked_usd

    @property
    def residual_percent(self) -> Decimal | None:
        """Of the books; None where they hold nothing."""
        return self.residual_usd / self.booked_usd * 100 if self.booked_usd else None


def reconciled(stated: Side, booked: Side) -> tuple[Reconciliation, ...]:
    """Each vendor that the statements name, compared with the books day by day and model by model.

    Models are taken together where the statement does not part its money, or its images, by them.
    """
    blind = {key.vendor for key in stated.amounts if not key.model}
    one, other = stated.without_models(blind).amounts, booked.without_models(blind).amounts
    return tuple(_vendor(vendor, [Compared(key, one.get(key), other.get(key)) for key in sorted(
        key for key in {*one, *other} if key.vendor == vendor)]) for vendor in sorted(stated.vendors))


def _vendor(vendor: str, lines: list[Compared]) -> Reconciliation:
    made = Reconciliation(vendor, lines)
    stated = {line.key.day for line in lines if line.stated is not None}
    booked = {line.key.day for line in lines if line.booked is not None}
    made.days_not_stated, made.days_not_booked = sorted(booked - stated), sorted(stated - booked)
    for line in lines:
        for cause, usd in _causes(line, stated, booked):
            made.causes[cause] += usd
        if line.key.day in stated & booked:
            over = line.images_over or 0
            made.images_not_booked += max(0, over)
            made.images_not_stated += max(0, -over)
    return made


def _causes(line: Compared, stated: set[date], booked: set[date]) -> Iterator[tuple[str, Decimal]]:
    """What a line's residual comes from; the parts add up to it."""
    rest, over = line.residual_usd, line.images_over
    if line.key.day not in stated:
        yield _NO_STATEMENT, rest
        return
    if line.key.day not in booked:
        yield _NO_BOOKS, rest
        return
    if over:
        by_number = over * _usd_per_image(line)
        yield _NOT_BOOKED if over > 0 else _NOT_STATED, by_number
        rest -= by_number
    if line.booked is not None and rest < 0:
        uncharged = max(rest, -line.booked.doubtful_usd)
        yield _DOUBTFUL, uncharged
        rest -= uncharged
    yield _ROUNDING if abs(rest) <= _ROUNDS_TO_USD else _EITHER if over is None else _PRICE, rest


def _usd_per_image(line: Compared) -> Decimal:
    """Of the statement where it can be told, else of the books."""
    stated = line.stated
    if stated is not None and stated.images:
        return line.stated_usd / stated.images
    booked = line.booked or Amount()
    return line.booked_usd / booked.images if booked.images else _ZERO
