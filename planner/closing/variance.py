"""What a month came to against its plan, in parts that add up to the micro-dollar. Pure.

For each segment the plan's cost is N y sum(m p): N accepted images, y images for each of them, the share m of each
option, its price p. One step after the other goes from plan to actual, the rest as planned until its turn: volume (N),
yield (y), mix (m), and last the price, at the actual quantity: (p actual - p planned) x q actual. What attempts without
an image cost is a part of its own. The price takes the rounding of the others, at most three micro-dollars a line.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.plan.lines import OWN
from router.acceptance import ENOUGH_OUTCOMES, Looked
from router.quantities import micro_usd

from .bills import bill_lines
from .made import Made, segment_of
from .variance_line import VarianceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .forecasts import ForecastMonth
    from .made import Key, MadeMonth

__all__ = ["Variance", "variance"]


@dataclass
class _Planned:
    images: Fraction = Fraction(0)
    accepted: Fraction = Fraction(0)
    micro_usd: int = 0

    @property
    def price(self) -> Fraction | None:
        return self.micro_usd / self.images if self.images else None


@dataclass(frozen=True)
class Variance:
    """Every line of a month, and what had to be taken as planned.

    Attributes:
        notes: what the books cannot tell.
    """

    lines: tuple[VarianceLine, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> VarianceLine:
        """All lines together."""
        return VarianceLine.sum_of(self.lines, "together")


@dataclass
class _Work:
    """A segment on both sides.

    Attributes:
        need: accepted images over the plan's; `made` is that of all images.
    """

    planned: Mapping[str, _Planned]
    made: Mapping[str, Made]
    costs: Mapping[str, int]
    accepted: Fraction
    images: Fraction = field(init=False)
    need: Fraction = field(init=False)
    made_ratio: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.images = sum((one.images for one in self.planned.values()), Fraction(0))
        wanted = sum((one.accepted for one in self.planned.values()), Fraction(0))
        made = sum(one.images for one in self.made.values())
        self.made_ratio = made / self.images if self.images else Fraction(0)
        self.need = self.accepted / wanted if wanted else self.made_ratio


def variance(planned: ForecastMonth, made: MadeMonth, *, looked: Mapping[Key, Looked],
             stated: Mapping[str, int]) -> Variance:
    """A month's actuals against its plan.

    Args:
        planned: the month in the plan that was in force.
        made: what the month made.
        looked: accepted and judged images by segment and option.
        stated: micro-dollars of bills by kind, as they came; what is neither here nor in the books is as planned.
    """
    plan = _planned(planned)
    in_price = not any(bill["kind"] == "cards" for bill in planned.fixed) and any(
        option == OWN and one.micro_usd for (_, option), one in plan.items())
    costs = {key: one.settled_micro_usd - one.wasted_micro_usd + one.cards_micro_usd * in_price
             for key, one in made.work.items()}
    prices = _option_prices(plan)
    unjudged = 0
    lines: list[VarianceLine] = []
    for segment in sorted({key[0] for key in (*plan, *made.work)}):
        ours = {option: one for (name, option), one in plan.items() if name == segment}
        theirs = {option: one for (name, option), one in made.work.items() if name == segment}
        accepted, blind = _accepted(segment, ours, theirs, looked)
        unjudged += blind
        work = _Work(ours, theirs, {option: costs[segment, option] for option in theirs}, accepted)
        lines += _segment(segment, work, prices)
    bills, notes = bill_lines(planned, made, stated=stated, in_price=in_price)
    if unjudged:
        notes.append(f"{unjudged:,} images are of options of which fewer than {ENOUGH_OUTCOMES} were judged; as many "
                     "of them count as accepted as planned")
    return Variance((*lines, *bills), tuple(notes))


def _planned(month: ForecastMonth) -> dict[Key, _Planned]:
    found: defaultdict[Key, _Planned] = defaultdict(_Planned)
    for line in month.images_of:
        one = found[segment_of(line["segment"]), line["option"]]
        one.images += Fraction(Decimal(line["images"]))
        one.accepted += Fraction(Decimal(line["accepted"]))
        one.micro_usd += micro_usd(Decimal(line["usd"]))
    return dict(found)


def _option_prices(plan: Mapping[Key, _Planned]) -> dict[str, Fraction]:
    """What the plan pays for an option, whatever the segment: for work that it gave to other segments."""
    sums: defaultdict[str, _Planned] = defaultdict(_Planned)
    for (_, option), one in plan.items():
        sums[option].images += one.images
        sums[option].micro_usd += one.micro_usd
    return {option: price for option, one in sums.items() if (price := one.price) is not None}


def _accepted(segment: str, planned: Mapping[str, _Planned], made: Mapping[str, Made],
              looked: Mapping[Key, Looked]) -> tuple[Fraction, int]:
    """Accepted images of a segment, and how many images had to be counted as the plan does."""
    images = sum((one.images for one in planned.values()), Fraction(0))
    usual = sum((one.accepted for one in planned.values()), Fraction(0)) / images if images else Fraction(1)
    total, unjudged = Fraction(0), 0
    for option, one in made.items():
        seen = looked.get((segment, option), Looked(0, 0))
        plan = planned.get(option)
        if seen.judged >= ENOUGH_OUTCOMES:
            share = Fraction(seen.accepted, seen.judged)
        else:
            share = plan.accepted / plan.images if plan is not None and plan.images else usual
            unjudged += one.images
        total += one.images * share
    return total, unjudged


def _segment(segment: str, work: _Work, prices: Mapping[str, Fraction]) -> Iterator[VarianceLine]:
    for option in sorted({*work.planned, *work.made}):
        ours, theirs = work.planned.get(option, _Planned()), work.made.get(option, Made())
        cost = work.costs.get(option, 0)
        # No price was planned for it anywhere: all that it cost is a matter of the mix.
        price = ours.price or prices.get(option) or (Fraction(cost, theirs.images) if theirs.images else Fraction(0))
        if work.images:
            volume = round(ours.micro_usd * (work.need - 1))
            loss = round(ours.micro_usd * (work.made_ratio - work.need))
            mix = round((theirs.images - ours.images * work.made_ratio) * price)
        else:
            volume, loss, mix = round(theirs.images * price), 0, 0
        yield VarianceLine(
            "images", segment, option, ours.images, Fraction(theirs.images), ours.micro_usd,
            cost + theirs.wasted_micro_usd, price=cost - ours.micro_usd - volume - loss - mix, volume=volume, mix=mix,
            accepted_yield=loss, retries=theirs.wasted_micro_usd)
