"""What a month made, by segment and option: the actual side of a variance. Pure, but for the judgements it reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, case, cast, func, select

from planner.mix.documents import KEPT
from planner.plan.lines import OWN
from router.acceptance import Looked
from router.ledger.rows import to_us
from router.ledger.tables import outcomes, requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from planner.actuals.cells import Cell
    from planner.actuals.charges import Charge
    from planner.actuals.places import Place

__all__ = ["Key", "Made", "MadeMonth", "judged_work", "option_of", "segment_of", "watched"]

Key = tuple[str, str]
"""Segment and option."""
_BATCH = "+batch"
_UNNAMED = "uncategorised"


@dataclass
class Made:
    """Images and micro-dollars of a segment by an option.

    Attributes:
        settled_micro_usd: all that was settled; `wasted_micro_usd` of it for attempts that brought nothing.
        cards_micro_usd: share of our cards' hours.
        models: model and quality of what was made.
        attempts: those that brought images.
    """

    images: int = 0
    settled_micro_usd: int = 0
    wasted_micro_usd: int = 0
    cards_micro_usd: int = 0
    models: set[tuple[str, str]] = field(default_factory=set)
    attempts: int = 0


@dataclass
class MadeMonth:
    """A month, charge by charge.

    Attributes:
        work: by segment and option.
        idle_micro_usd: of our cards while nothing used them.
        unpriced: backends whose cards have no known cost.
        own_images: that cards of ours made, by model as the books name it.
    """

    work: dict[Key, Made] = field(default_factory=lambda: defaultdict(Made))
    idle_micro_usd: int = 0
    attempts: int = 0
    unsettled: int = 0
    unpriced: list[str] = field(default_factory=list)
    own_images: Counter[str] = field(default_factory=Counter)

    def add(self, charge: Charge) -> None:
        """One more charge."""
        cell = charge.cell
        if charge.is_idle:
            self.idle_micro_usd += charge.cards_micro_usd
            return
        self.attempts += cell.attempts
        self.unsettled += cell.unsettled
        made = self.work[(segment_of(cell.segment), option_of(cell, charge.place))]
        made.attempts += cell.attempts if cell.delivered else 0
        made.images += cell.images
        made.models.add((cell.model, cell.quality))
        if charge.place.own:
            self.own_images[cell.model] += cell.images
        made.settled_micro_usd += cell.settled_micro_usd
        made.wasted_micro_usd += 0 if cell.delivered else cell.settled_micro_usd
        made.cards_micro_usd += charge.cards_micro_usd

    def looked(self, judged: Mapping[tuple[str, str, str], Looked]) -> dict[Key, Looked]:
        """Accepted and judged images of each segment's options, by the models that made them."""
        found = {}
        for (segment, option), made in self.work.items():
            seen = [judged.get((segment, model, quality), Looked(0, 0)) for model, quality in made.models]
            found[segment, option] = Looked(sum(one.accepted for one in seen), sum(one.judged for one in seen))
        return found

    @property
    def cards_micro_usd(self) -> int:
        """All hours of our cards."""
        return self.idle_micro_usd + sum(made.cards_micro_usd for made in self.work.values())

    @property
    def micro_usd(self) -> int:
        """Everything the books and the cards came to."""
        return self.cards_micro_usd + sum(made.settled_micro_usd for made in self.work.values())


def watched(charges: Iterable[Charge], *sinks: Callable[[Charge], None]) -> Iterator[Charge]:
    """The same charges, each told to everybody who adds them up: so that the books are read once."""
    for charge in charges:
        for sink in sinks:
            sink(charge)
        yield charge


def segment_of(name: str) -> str:
    """A segment as the scenario names it: the part its owner keeps with today's model counts with the rest."""
    return name.removesuffix(KEPT) or _UNNAMED


def option_of(cell: Cell, place: Place) -> str:
    """An option as plans label it: vendor, model, quality and lane; `own` for cards of ours."""
    if place.own:
        return OWN
    quality = f"@{cell.quality}" if cell.quality else ""
    return f"{place.vendor}/{cell.model}{quality}{_BATCH if cell.tier == 'batch' else ''}"


def judged_work(connection: Connection, begin: datetime, *, end: datetime) -> dict[tuple[str, str, str], Looked]:
    """Accepted and judged images by segment, model and quality, of the requests received in a stretch of time.

    An edited image counts as accepted.
    """
    asked = requests.c
    names = (asked.segment, asked.model, asked.quality)
    accepted = cast(func.sum(case((outcomes.c.verdict == "rejected", 0), else_=1)), BigInteger)
    # No plain column, or SQLite walks through every request of the month to find the few that were judged.
    received_at = asked.received_at + 0
    rows = connection.execute(
        select(*names, accepted, func.count()).join(requests, asked.id == outcomes.c.request_id)
        .where(received_at >= to_us(begin), received_at < to_us(end)).group_by(*names))
    found: dict[tuple[str, str, str], Looked] = {}
    for segment, model, quality, yes, judged in rows:
        key = (segment_of(segment), model, quality)
        before = found.get(key, Looked(0, 0))
        found[key] = Looked(before.accepted + yes, before.judged + judged)
    return found
