"""A request on its way: what was asked, what was sent for it, and how an answer is booked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .attempts import Kind
from .charges import charge_of, settled_by
from .delivery import PartPlan, parts_of
from .ledger.values import Settlement
from .quantities import limit_micro_usd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from decimal import Decimal

    from .attempts import Outcome
    from .backends.protocol import Reply
    from .charges import Charge
    from .course import Legs
    from .decide import Decision
    from .ledger.protocol import Ledger
    from .ledger.values import AttemptState, Budget, RequestRow
    from .making import Terms
    from .options import Option
    from .pictures import Picture
    from .price_table import PriceTable
    from .ranking import Candidate

__all__ = ["Call", "Charges", "Clock", "Errand", "Late", "Part", "Watch", "prices_of", "settlement_of"]


class Clock(Protocol):
    """Time, handed in so that a simulation can hold it."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def now(self) -> datetime:
        """The instant, aware UTC."""


class Late(NamedTuple):
    """What came after the caller was answered; without pictures, nothing will come any more.

    Attributes:
        usd_micro: set aside or settled for all attempts of the request.
    """

    pictures: tuple[Picture, ...]
    candidate: Candidate
    usd_micro: int
    attempts: int
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Errand:
    """One request on its way through.

    Attributes:
        budgets_of: the hard limits an attempt on a backend falls under.
        accepted_at: monotonic seconds; the deadline counts from here and is never reset.
        abandoned: set when nobody waits any more: nothing further is paid for, what runs is kept.
        on_partial: told of previews.
        on_late: told of an answer that came after the caller was answered, and of nothing at all once none will come.
        committed: micro-dollars set aside or settled, by attempt.
        open_calls: attempts that still run.
        bookings: settlements on their way to the books, which nobody is answered before.
        terms: of a job; None for a caller on the line.
    """

    row: RequestRow
    decision: Decision
    budgets_of: Callable[[str], tuple[Budget, ...]]
    accepted_at: float
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    on_partial: Callable[[int, Picture], Awaitable[None]] | None = None
    on_late: Callable[[Late], Awaitable[None]] | None = None
    committed: dict[str, int] = field(default_factory=dict)
    open_calls: set[str] = field(default_factory=set)
    bookings: list[asyncio.Task[None]] = field(default_factory=list)
    terms: Terms | None = None

    @cached_property
    def plans(self) -> tuple[PartPlan, ...]:
        """How its images are split into flows; a job goes on with what it had."""
        earlier = self.terms.plans if self.terms else ()
        return earlier or tuple(PartPlan(n, at) for at, n in enumerate(parts_of(self.decision)))

    def late(self, pictures: tuple[Picture, ...], candidate: Candidate, *, kept: tuple[str, ...] = ()) -> Late:
        """What to tell of a late answer."""
        return Late(pictures, candidate, sum(self.committed.values()), len(self.committed), kept)

    def affords(self, reserve_micro_usd: int) -> bool:
        """Whether another attempt fits under what the caller allows for all of them together."""
        most = self.decision.request.max_usd
        return most is None or sum(self.committed.values()) + reserve_micro_usd <= limit_micro_usd(most)


@dataclass
class Part:
    """One flow: the images that are made in one call."""

    errand: Errand
    n: int
    first_number: int
    running: dict[int, asyncio.Task[Outcome]] = field(default_factory=dict)
    made_by: dict[int, Candidate] = field(default_factory=dict)
    usd_micro: dict[int, int] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)
    kept: dict[int, tuple[str, ...]] = field(default_factory=dict)
    submitted: set[int] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    answered: bool = False


@dataclass(frozen=True)
class Call:
    """One attempt that was sent for a part."""

    part: Part
    number: int
    attempt_id: str
    candidate: Candidate
    charge: Charge
    n: int


@dataclass(frozen=True)
class Watch:
    """What a backend tells of a running call."""

    ledger: Ledger
    call: Call
    on_partial: Callable[[int, Picture], Awaitable[None]] | None

    async def submitted(self, provider_job: str, cost_usd: Decimal | None) -> None:
        """The provider took the work under its own id."""
        del cost_usd
        await self.ledger.submitted(self.call.attempt_id, provider_job=provider_job)
        self.call.part.submitted.add(self.call.number)

    async def partial(self, index: int, picture: Picture) -> None:
        """A preview, while somebody waits."""
        if self.on_partial is not None and not self.call.part.answered:
            await self.on_partial(index, picture)


class Charges:
    """The money of each leg, worked out when it is asked for: most requests end with their first."""

    def __init__(self, part: Part, legs: Legs) -> None:
        self._part, self._legs = part, legs
        self._known: dict[Option, Charge] = {}

    def of(self, option: Option) -> Charge:
        """The charge of the images of this part."""
        known = self._known.get(option)
        if known is None:
            decision = self._part.errand.decision
            known = self._known[option] = charge_of(
                prices_of(decision), self._legs[option], request=decision.request, size=decision.size, n=self._part.n,
                on=decision.compiled.on)
        return known

    def reserve_usd(self, option: Option) -> Decimal:
        """What an attempt sets aside."""
        return self.of(option).reserve_usd


def prices_of(decision: Decision) -> PriceTable:
    """The price tables it was decided by."""
    return decision.compiled.catalogue.prices


def settlement_of(call: Call, reply: Reply, *, at: datetime) -> tuple[Settlement, bool]:
    """How an attempt stands on the books, and whether its quote missed what was billed."""
    decision = call.part.errand.decision
    settled = settled_by(prices_of(decision), call.candidate, reply=reply, charge=call.charge,
                         on=decision.compiled.on)
    billed = reply.kind is Kind.OK
    micro = settled.micro_usd if billed or (reply.possibly_billed and settled.actual_usd is not None) else (
        call.charge.reserve_micro_usd if reply.possibly_billed else 0)
    state: AttemptState = "billed" if billed else "possibly_billed" if reply.possibly_billed else (
        "refused" if reply.kind is Kind.REFUSED else "free")
    booked = Settlement(
        call.attempt_id, state, reply.kind.value, reply.code[:80], micro,
        "" if settled.actual_usd is None else str(settled.actual_usd), at, reply.provider_job,
        reply.request_id[:120], len(reply.pictures), sum(picture.file_bytes for picture in reply.pictures),
        sum(picture.size.pixels for picture in reply.pictures),
        " ".join(picture.digest[:32] for picture in reply.pictures), _flags(call, settled.off),
        " ".join(call.part.kept.get(call.number, ())))
    return booked, settled.off


def _flags(call: Call, off: bool) -> str:
    named = (("late", call.part.answered), ("price_row_off", off),
             ("simulated", call.candidate.option.backend.simulated))
    return " ".join(flag for flag, holds in named if holds)
