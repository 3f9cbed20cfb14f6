"""What the rows of all exports come to: images by kind, project, key, day and hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from .uses import DAY_S

if TYPE_CHECKING:
    from .uses import Kind, Use

__all__ = ["Count", "Covered", "Tally"]


@dataclass
class Count:
    """Images of one sort: `usd` is what `priced` of them cost; `requests` is None where a row does not say."""

    images: int = 0
    requests: int | None = 0
    usd: Decimal = Decimal(0)
    priced: int = 0
    assumed: Counter[str] = field(default_factory=Counter)

    def add(self, use: Use) -> None:
        """One more row."""
        self.images += use.images
        self.requests = None if self.requests is None or use.requests is None else self.requests + use.requests
        if use.usd is not None:
            self.usd, self.priced = self.usd + use.usd, self.priced + use.images
        self.assumed.update(dict.fromkeys(use.assumed, use.images))


@dataclass(frozen=True)
class Covered:
    """The time a source tells of, in seconds since 1970; `days` leaves out what no bucket covers.

    `on_days` are the UTC days (since 1970) on which a bucket begins; empty for a source without buckets.
    """

    begin: float
    end: float
    days: float
    on_days: frozenset[int] = frozenset()

    @property
    def gap_days(self) -> float:
        """Days between beginning and end that no bucket covers."""
        return (self.end - self.begin) / DAY_S - self.days


@dataclass
class Tally:
    """What was counted, each row once.

    Attributes:
        kinds: by kind.
        projects, keys: by shown name; empty for images of which none is said.
        days: images by source, the model's names and UTC day.
        spent: USD that the source states for them, likewise.
        hours: images by hour of the day; None where a bucket is wider than an hour.
        charges: USD by image model and UTC day.
        other_usd: USD by item, for everything else on the bill.
        covered: by source.
        passed: rows passed over, by source and reason.
        twice: rows that stood twice and are counted once.
        cut: sources of which a page says that others follow, and none does.
        uses: every use, where they are kept.
    """

    kinds: dict[Kind, Count] = field(default_factory=lambda: defaultdict(Count))
    projects: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    keys: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    days: Counter[tuple[str, tuple[str, ...], int]] = field(default_factory=Counter)
    spent: dict[tuple[str, tuple[str, ...], int], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    hours: list[int] | None = field(default_factory=lambda: [0] * 24)
    charges: dict[tuple[str, int], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    other_usd: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    covered: dict[str, Covered] = field(default_factory=dict)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    twice: int = 0
    cut: list[str] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
