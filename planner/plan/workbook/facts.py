"""What a workbook is made of: the plan's streams, prices and accepted shares, each once and numbered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from planner.mix.documents import KEPT
from planner.plan.lines import OWN

from .pages import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from planner.mix.streams import Stream
    from planner.plan.fleet import Fleet
    from planner.plan.lines import ImageLine, Month
    from planner.plan.monthly import Plan
    from planner.scenario import Segment

__all__ = ["Accepted", "Facts", "Flow", "Make", "PriceRow"]


class PriceRow(NamedTuple):
    """What one image of a kind costs with one option, for as long as that holds."""

    picture: str
    option: str
    quoted_usd: float
    seconds: float
    first: str
    source: str
    read_on: str
    on: date


class Accepted(NamedTuple):
    """How often a segment's images by one maker are accepted, and the input that says so."""

    segment: str
    maker: str
    share: float
    input_name: str


class Flow(NamedTuple):
    """A stream in a month."""

    month: Month
    fleet: Fleet
    stream: Stream


class Make(NamedTuple):
    """A stream in a month by one option; `line` is the plan's, None where the option makes none of it."""

    flow: Flow
    option: str
    line: ImageLine | None


_PriceKey = tuple[str, str, float, float]


@dataclass(frozen=True)
class Facts:
    """A plan, read for its workbook. Rows are numbered from 1, as INDEX counts them."""

    plan: Plan

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Of the scenario."""
        return self.plan.case.scenario.segment

    @cached_property
    def slugs(self) -> Mapping[str, str]:
        """Of each segment's inputs."""
        taken: set[str] = set()
        return {one.name: slug(one.name, taken) for one in self.segments}

    @cached_property
    def stated_slugs(self) -> tuple[str, ...]:
        """Of each stated acceptance, in the scenario's order."""
        taken: set[str] = set()
        return tuple(slug(one.model, taken) for one in self.plan.case.scenario.acceptance)

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """Every stream of every month."""
        return tuple(Flow(month, fleet, stream) for month, fleet in zip(self.plan.months, self.plan.fleets, strict=True)
                     for stream in month.streams)

    @cached_property
    def fleets(self) -> tuple[Fleet, ...]:
        """Every fleet once."""
        return tuple({id(fleet): fleet for fleet in self.plan.fleets}.values())

    @cached_property
    def shares(self) -> Mapping[tuple[int, str, bool], int]:
        """Row of the own shares of a fleet's stream, by the fleet's first month, segment and whether it can wait."""
        keys = [(fleet.from_month, *key) for fleet in self.fleets for key in fleet.own_shares]
        return {key: number for number, key in enumerate(keys, 1)}

    @cached_property
    def makes(self) -> tuple[Make, ...]:
        """Every stream of every month by every option that may make it."""
        return tuple(make for flow in self.flows for make in _makes(flow))

    @cached_property
    def _price_rows(self) -> Mapping[_PriceKey, tuple[PriceRow, int]]:
        found: dict[_PriceKey, tuple[PriceRow, int]] = {}
        for make in self.makes:
            key = self._price_key(make)
            if key not in found:
                found[key] = self._price(make, key), len(found) + 1
        return found

    @cached_property
    def prices(self) -> Mapping[PriceRow, int]:
        """Every price once, by when it is first used; what is the same but for its month is one row."""
        return dict(self._price_rows.values())

    def price_row(self, make: Make) -> int:
        """Where its price stands."""
        return self._price_rows[self._price_key(make)][1]

    @cached_property
    def accepted(self) -> Mapping[Accepted, int]:
        """Every accepted share once."""
        rows = dict.fromkeys(self.accepted_of(make) for make in self.makes)
        return {row: number for number, row in enumerate(rows, 1)}

    def accepted_of(self, make: Make) -> Accepted:
        """Of the images of an option; read where the model reads it."""
        case, segment = self.plan.case, self.segment_of(make.flow.stream)
        find, own = case.book.models.find, case.scenario.own
        card = own.model if make.option == OWN else make.option.partition("/")[2].partition("@")[0]
        share = case.acceptance_share(card, segment)
        maker = find(card).id
        if own.acceptance_share is not None and maker == find(own.model).id:
            return Accepted(segment.name, maker, share, "accepted_share_own")
        for stated, name in zip(case.scenario.acceptance, self.stated_slugs, strict=True):
            if find(stated.model).id == maker:
                return Accepted(segment.name, maker, share, f"accepted_share_of_{name}")
        return Accepted(segment.name, maker, share, f"accepted_share_today_{self.slugs[segment.name]}")

    def first_accepted(self, flow: Flow) -> Accepted:
        """Of whoever the stream is sized for: own cards where they may make it."""
        first = next(make for make in _makes(flow) if (make.option == OWN) == flow.stream.own)
        return self.accepted_of(first)

    def segment_of(self, stream: Stream) -> Segment:
        """Of the scenario."""
        return next(one for one in self.segments if stream.segment in (one.name, one.name + KEPT))

    def is_kept(self, stream: Stream) -> bool:
        """Whether it is the part that stays with today's model."""
        return stream.segment != self.segment_of(stream).name

    def has_cards(self, fleet: Fleet) -> bool:
        """Whether any own card is there."""
        return bool(fleet.mix.best.outcome.cards.any())

    @property
    def scales(self) -> bool:
        """Whether cards come and go by demand."""
        return self.plan.fleets[0].mix.paying.scales

    def work_per_image(self, flow: Flow) -> float:
        """GPU-seconds where cards may make it; images of every stream where they may make nothing of the month."""
        timed = any(one.own and one.seconds for one in flow.month.streams)
        return (flow.stream.seconds if flow.stream.own else 0.0) if timed else 1.0

    def _price_key(self, make: Make) -> _PriceKey:
        stream, picture = make.flow.stream, _picture(self.segment_of(make.flow.stream))
        if make.option == OWN:
            return picture, OWN, stream.own_usd, stream.seconds
        return picture, make.option, stream.usd, 0.0

    def _price(self, make: Make, key: _PriceKey) -> PriceRow:
        month = make.flow.month.month
        day = max(self.plan.case.on, month.first)
        told = ("what a worker of ours costs beside its card", "") if key[1] == OWN else self._source(key[1], day)
        return PriceRow(*key, month.label, *told, day)

    def _source(self, option: str, day: date) -> tuple[str, str]:
        """Pages that the option's rates of a day come from, and when they were last read."""
        prices = self.plan.case.book.prices
        model = prices.find(option.partition("@")[0]).model
        rates = [rate for rate in prices.rows() if rate.model == model and rate.valid_from <= day and not rate.anomaly
                 and (rate.valid_to is None or day <= rate.valid_to)]
        return "; ".join(dict.fromkeys(str(rate.source) for rate in rates)), max(
            (rate.as_of.text for rate in rates), default="")


def _picture(segment: Segment) -> str:
    """What its price depends on beside the option."""
    more = [f"with {one}" for one in segment.references]
    more += [f"{segment.prompt_tokens} prompt tokens"] if segment.prompt_tokens else []
    return ", ".join((str(segment.size), *more))


def _makes(flow: Flow) -> Iterator[Make]:
    stream = flow.stream
    lines = {line.option == OWN: line for line in flow.month.images_of
             if (line.segment, line.can_wait) == (stream.segment, stream.can_wait)}
    if stream.own:
        yield Make(flow, OWN, lines.get(True))
    if stream.leaves:
        yield Make(flow, stream.hosted, lines.get(False))
