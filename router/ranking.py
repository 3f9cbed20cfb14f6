"""Options in the order of what an accepted image costs, for one class of work; the kinds of option are priced once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .errors import OutOfReach, PriceError
from .option_rules import quality_step
from .quantities import micro_usd
from .verdicts import Reason, Verdict, refused

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from .acceptance import Acceptance
    from .option_rules import Asked
    from .options import Catalogue, Option
    from .prices import Quote

__all__ = ["Candidate", "Ranked", "Shelf"]

_WORKS_KEPT = 2048


class _Worth(NamedTuple):
    """One image of a kind of option."""

    usd: Decimal
    usd_micro: int
    p50_s: float
    p95_s: float
    quote: Quote | None


class Candidate(NamedTuple):
    """An option that no time-free rule speaks against, for one class of request.

    Attributes:
        step: how far down its quality ladder it stands.
        usd_per_image: list price of one image, or the power of an own one; without the prompt's own tokens.
        usd_per_accepted: that over the share of images people accept; `acceptance` says where that comes from.
        p50_s, p95_s: of one call, without waiting.
    """

    option: Option
    step: int
    backend: str
    usd_per_image: Decimal
    usd_micro: int
    usd_per_accepted: float
    acceptance: str
    p50_s: float
    p95_s: float
    quote: Quote | None


class _Kind(NamedTuple):
    """Options that cost and take the same; accounts with one vendor, as a rule. `bits` has a one for each of them."""

    option: Option
    bits: int


class Shelf:
    """Every option by its kind, and what is known of their worth."""

    def __init__(self, options: Sequence[Option], catalogue: Catalogue, on: date, acceptance: Acceptance) -> None:
        self.options, self.catalogue, self.on, self.acceptance = options, catalogue, on, acceptance
        self.kind_of: dict[str, int] = {}
        self.kinds: list[_Kind] = []
        self._works: dict[Hashable, _Work] = {}
        self._orders: dict[Hashable, _Order] = {}
        numbers: dict[Hashable, int] = {}
        for at, option in enumerate(options):
            number = self.kind_of[option.label] = numbers.setdefault(option.kind, len(numbers))
            if number == len(self.kinds):
                self.kinds.append(_Kind(option, 0))
            self.kinds[number] = self.kinds[number]._replace(bits=self.kinds[number].bits | 1 << at)

    def ranked(self, asked: Asked, *, refused: int) -> Ranked:
        """The options that are not refused, for what is asked."""
        request = asked.request
        done = (request.operation, asked.size, tuple(picture.size for picture in request.references), request.steps,
                request.partial_images)
        key = (done, asked.segment.name, request.quality == "auto")
        order = self._orders.get(key)
        if order is None:
            if len(self._orders) >= _WORKS_KEPT:
                self._orders.clear()
                self._works.clear()
            work = self._works.get(done)
            if work is None:
                work = self._works[done] = _Work(self, asked)
            order = self._orders[key] = _Order(work, asked)
        return order.ranked(~refused)


class _Work:
    """What each kind of option is worth for one class of work, worked out when it is first asked for."""

    def __init__(self, shelf: Shelf, asked: Asked) -> None:
        self.shelf, self._asked = shelf, asked
        self._worths: dict[int, _Worth | Verdict] = {}

    def worth(self, number: int) -> _Worth | Verdict:
        """What a kind is worth, or why that is not known."""
        known = self._worths.get(number)
        if known is None:
            known = self._worths[number] = self._priced(self.shelf.kinds[number].option)
        return known

    def _priced(self, option: Option) -> _Worth | Verdict:
        shelf, asked = self.shelf, self._asked
        try:
            usd, quoted = shelf.catalogue.price(option, asked.request, size=asked.size, on=shelf.on)
            seconds = shelf.catalogue.seconds(option, asked.request, size=asked.size)
        except PriceError as error:
            return refused(Reason.NO_PRICE, asked=str(error))
        except OutOfReach as error:
            return refused(Reason.NO_TIME, asked=str(error))
        return _Worth(usd, micro_usd(usd), seconds.p50, seconds.p95, quoted)


class _Order:
    """The kinds of option by step of their ladders, as a segment of the policy treats one class of work."""

    def __init__(self, work: _Work, asked: Asked) -> None:
        self.work, self.segment = work, asked.segment
        steps: dict[int, list[int]] = {0: []}
        for number, kind in enumerate(work.shelf.kinds):
            steps.setdefault(quality_step(asked, kind.option), []).append(number)
        self.steps = [steps.get(step, []) for step in range(max(steps) + 1)]
        self._ranked: dict[int, Ranked] = {}

    def ranked(self, bits: int) -> Ranked:
        """The options of `bits`."""
        known = self._ranked.get(bits)
        if known is None:
            if len(self._ranked) >= _WORKS_KEPT:
                self._ranked.clear()
            known = self._ranked[bits] = Ranked(self, bits)
        return known


class Ranked:
    """Candidates, first choices of the quality ladders before their steps down, the cheapest accepted image first."""

    __slots__ = ("_all", "_bits", "_made", "_order")

    def __init__(self, order: _Order, bits: int) -> None:
        self._order, self._bits = order, bits
        self._made: dict[int, tuple[Candidate, ...]] = {}
        self._all: tuple[Candidate, ...] | None = None

    @property
    def steps(self) -> int:
        """Steps of the longest ladder."""
        return len(self._order.steps)

    def at(self, step: int) -> tuple[Candidate, ...]:
        """The candidates of a step, priced when they are first asked for."""
        known = self._made.get(step)
        if known is None:
            known = self._made[step] = tuple(self._candidates(step))
        return known

    def all(self) -> tuple[Candidate, ...]:
        """Every candidate."""
        if self._all is None:
            self._all = tuple(candidate for step in range(self.steps) for candidate in self.at(step))
        return self._all

    def unpriced(self, option: Option) -> Verdict:
        """Why an option is not among them although no rule speaks against it."""
        work = self._order.work
        worth = work.worth(work.shelf.kind_of[option.label])
        if isinstance(worth, _Worth):
            raise TypeError(option.label)
        return worth

    def _candidates(self, step: int) -> Iterator[Candidate]:
        work, shelf, segment = self._order.work, self._order.work.shelf, self._order.segment
        alike: dict[float, list[tuple[int, _Worth, str]]] = {}
        for number in self._order.steps[step]:
            kind = shelf.kinds[number]
            bits = kind.bits & self._bits
            worth = work.worth(number) if bits else None
            if isinstance(worth, _Worth):
                share, label = shelf.acceptance.of(segment, kind.option)
                alike.setdefault(float(worth.usd) / share, []).extend((at, worth, label) for at in _ones(bits))
        for usd_per_accepted in sorted(alike):
            for at, worth, origin in sorted(alike[usd_per_accepted], key=lambda pair: pair[0]):
                option = shelf.options[at]
                yield Candidate(option, step, option.backend.name, worth.usd, worth.usd_micro, usd_per_accepted,
                                origin, worth.p50_s, worth.p95_s, worth.quote)


def _ones(bits: int) -> Iterator[int]:
    """Where the ones of a number stand, lowest first."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
