"""A month's charges added up by tenant, project, model, backend, segment or cost centre. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from router.acceptance import Looked
from router.quantities import micro_usd, usd_from_micro

from .own_cards import Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .charges import Charge

__all__ = ["BY", "By", "Chargeback", "Charged", "Group", "Groups", "charged_back", "name_of"]

By = Literal["tenant", "project", "model", "backend", "segment", "cost_center"]
BY: tuple[By, ...] = ("tenant", "project", "model", "backend", "segment")
_NOBODY = "uncategorised"


def name_of(by: By, row: Mapping[str, str]) -> str:
    """What a row counts under. A cost centre is the request's own, else its project, else its tenant."""
    if by == "model":
        return f"{row['model']}@{row['quality']}" if row["quality"] else row["model"] or _NOBODY
    if by == "cost_center":
        return row["cost_center"] or row["project"] or row["tenant"] or _NOBODY
    return row[by] or _NOBODY


@dataclass
class Group:
    """What counts under one name; money is whole micro-dollars.

    Attributes:
        failures: attempts that ended without an image.
        settled_micro_usd: as the books settled them; the power of own cards among it.
        cards_micro_usd: the share of the hours of our cards; idle hours are nobody's.
    """

    name: str
    attempts: int = 0
    images: int = 0
    failures: int = 0
    retries: int = 0
    retries_micro_usd: int = 0
    fallbacks: int = 0
    fallbacks_micro_usd: int = 0
    settled_micro_usd: int = 0
    cards_micro_usd: int = 0
    gpu_us: int = 0
    looked: Looked = field(default=Looked(0, 0))

    @property
    def micro_usd(self) -> int:
        """All that it cost."""
        return self.settled_micro_usd + self.cards_micro_usd

    @property
    def usd_per_image(self) -> Decimal | None:
        """Cost over images; None where there is none."""
        return usd_from_micro(self.micro_usd) / self.images if self.images else None

    @property
    def usd_per_accepted(self) -> Decimal | None:
        """Cost over the images that people would accept, by the share of those that were judged."""
        each, looked = self.usd_per_image, self.looked
        return None if each is None or not looked.accepted else each * looked.judged / looked.accepted

    def add(self, charge: Charge) -> None:
        """One more charge."""
        cell = charge.cell
        self.attempts += cell.attempts
        self.images += cell.images
        self.failures += 0 if cell.delivered else cell.attempts - cell.unsettled
        self.retries += cell.retries
        self.retries_micro_usd += cell.retries_micro_usd
        self.fallbacks += cell.fallbacks
        self.fallbacks_micro_usd += cell.fallbacks_micro_usd
        self.settled_micro_usd += cell.settled_micro_usd
        self.cards_micro_usd += charge.cards_micro_usd
        self.gpu_us += charge.gpu_us


class Groups:
    """A month added up two ways at once: by what was asked for, and by cost centre.

    Attributes:
        idle: our cards that were on and not used, by backend; a group each without an image.
        unsettled: attempts without an end; they count nothing yet.
        doubtful_micro_usd: what stands as possibly billed.
        simulated: attempts that the built-in simulator answered.
    """

    def __init__(self, charges: Iterable[Charge], *, by: By) -> None:
        self.by = by
        self.total = Group("together")
        self.groups, self.centres, self.idle = (self._empty() for _ in range(3))
        self.unsettled = self.doubtful_micro_usd = self.simulated = 0
        for charge in charges:
            self.add(charge)

    def add(self, charge: Charge) -> None:
        """One more charge."""
        self.total.add(charge)
        cell = charge.cell
        if charge.is_idle:
            self.idle[cell.backend].add(charge)
            return
        row = {name: getattr(cell, name) for name in (*BY, "cost_center", "quality")}
        self.groups[name_of(self.by, row)].add(charge)
        self.centres[name_of("cost_center", row)].add(charge)
        self.unsettled += cell.unsettled
        self.doubtful_micro_usd += cell.doubtful_micro_usd
        self.simulated += cell.attempts if cell.simulated else 0

    @staticmethod
    def _empty() -> defaultdict[str, Group]:
        return _Named()

    def look(self, judged: Mapping[str, Looked]) -> None:
        """Add what people made of images; of all together only where some of every group were judged."""
        for name, looked in judged.items():
            if name in self.groups:
                self.groups[name].looked = looked
        made = [group.looked for group in self.groups.values() if group.images]
        if all(looked.judged for looked in made):
            self.total.looked = Looked(sum(looked.accepted for looked in made), sum(looked.judged for looked in made))


class _Named(defaultdict[str, Group]):
    """Groups by name, made when they are first met."""

    def __missing__(self, name: str) -> Group:
        self[name] = Group(name)
        return self[name]


@dataclass(frozen=True)
class Charged:
    """What a cost centre is charged for its images, beside what they cost."""

    name: str
    images: int
    charged_micro_usd: int
    cost_micro_usd: int


@dataclass(frozen=True)
class Chargeback:
    """A month charged on at one rate an image; idle cards are charged to nobody and stand by themselves.

    Attributes:
        rate_usd: an image; the month's average where `is_average`, so that what is charged is what it cost.
    """

    rate_usd: Decimal
    is_average: bool
    lines: tuple[Charged, ...]
    idle_micro_usd: int

    @property
    def charged_micro_usd(self) -> int:
        """All that is charged."""
        return sum(line.charged_micro_usd for line in self.lines)

    @property
    def left_micro_usd(self) -> int:
        """What it cost, idle cards among it, and nobody is charged; negative where more is charged than it cost."""
        return sum(line.cost_micro_usd for line in self.lines) + self.idle_micro_usd - self.charged_micro_usd


def charged_back(groups: Groups, rate_usd: Decimal | None) -> Chargeback:
    """The month's images charged to cost centres, at a rate or at the month's average of everything but idle cards."""
    centres = sorted(groups.centres.values(), key=lambda group: (-group.images, group.name))
    images, cost = sum(group.images for group in centres), sum(group.micro_usd for group in centres)
    average = Share(cost, images)
    lines = tuple(Charged(group.name, group.images, average.take(group.images) if rate_usd is None
                          else micro_usd(rate_usd * group.images), group.micro_usd) for group in centres)
    each = usd_from_micro(cost) / images if images else Decimal(0)
    return Chargeback(each if rate_usd is None else rate_usd, rate_usd is None, lines,
                      sum(group.micro_usd for group in groups.idle.values()))
