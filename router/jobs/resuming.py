"""What became of a job before its process ended: what runs at a provider is fetched, what was made is found again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from ..attempts import Kind
from ..charges import usage_usd
from ..delivery import ATTEMPTS_OF_A_PART, Delivery, PartPlan
from ..images import Images, MadeBy
from ..ledger.values import OpenAttempt
from ..quantities import usd_from_micro
from ..recovery import collected, settlement_of_open

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..backends.protocol import Reply
    from ..decide import Compiled
    from ..ledger.job_protocol import EarlierAttempt, JobRow, TakenJob
    from ..options import Option
    from ..store import PictureStore
    from .workshop import Workshop

__all__ = ["Resumed", "assembled", "resume"]

_OPEN = ("reserved", "sent")


@dataclass(frozen=True)
class Resumed:
    """How far a job is.

    Attributes:
        plans: its parts; empty where none was begun.
        attempts: of all parts, every one of them settled.
    """

    plans: tuple[PartPlan, ...] = ()
    attempts: tuple[EarlierAttempt, ...] = ()

    @property
    def is_made(self) -> bool:
        """Every image is there."""
        return bool(self.plans) and all(plan.delivered is not None for plan in self.plans)

    @property
    def committed(self) -> tuple[tuple[str, int], ...]:
        """Micro-dollars by attempt."""
        return tuple((attempt.attempt_id, attempt.settled_micro_usd) for attempt in self.attempts)


async def resume(taken: TakenJob, shop: Workshop, *, compiled: Compiled) -> Resumed:
    """Settle what a job's earlier process left open, however long the provider takes, and say what is there.

    Raises:
        LedgerError: books or store cannot be written.
    """
    made_by = {(option.backend.name, option.model or option.card.id, option.quality, option.tier): option
               for option in compiled.catalogue.options}

    async def settled(attempt: EarlierAttempt) -> EarlierAttempt:
        if attempt.state not in _OPEN:
            return attempt
        still = _as_open(attempt, taken.row)
        reply = await collected(still, shop.backends, clock=shop.clock, own=shop.own)
        pictures = reply.pictures if reply.kind is Kind.OK else ()
        try:
            kept = " ".join([await shop.store.keep(picture) for picture in pictures])
        finally:
            shop.leave(reply.held_bytes)
        usd = _usd(attempt, reply, made_by.get(_identity(attempt)), compiled=compiled)
        settlement = settlement_of_open(still, reply, clock=shop.clock, kept=kept, usd=usd)
        await shop.ledger.settle(settlement)
        return replace(attempt, state=settlement.state, kept=settlement.kept,
                       settled_micro_usd=settlement.settled_micro_usd)

    attempts = tuple(await asyncio.gather(*(settled(attempt) for attempt in taken.attempts)))
    sizes = [int(n) for n in taken.row.parts.split()] or _sizes(attempts)
    plans = [await _plan(at, n, attempts, store=shop.store, options=made_by) for at, n in enumerate(sizes)]
    return Resumed(tuple(plans), attempts)


def assembled(row: JobRow, resumed: Resumed, *, at: int) -> Images | None:
    """The images of a job that have been made, as many as there are; None where there are none.

    Args:
        row: the job.
        resumed: what became of it.
        at: seconds since 1970.
    """
    made = [plan.delivered for plan in resumed.plans if plan.delivered is not None]
    first = next((delivery for delivery in made if delivery.made_by is not None), None)
    if first is None or first.made_by is None:
        return None
    pictures = tuple(picture for delivery in made for picture in delivery.pictures)
    by, usd = first.made_by, sum(micro for _, micro in resumed.committed)
    wanted = max(row.n, sum(plan.n for plan in resumed.plans))
    return Images(row.id, pictures, by.option, by.backend, by.model, by.quality, pictures[0].size,
                  str(pictures[0].size), wanted, usd_from_micro(usd), len(resumed.attempts),
                  "ok" if len(pictures) >= wanted else "partial", by.simulated, created_at=at,
                  kept=tuple(name for delivery in made for name in delivery.kept))


def _as_open(attempt: EarlierAttempt, row: JobRow) -> OpenAttempt:
    return OpenAttempt(attempt.attempt_id, row.id, attempt.backend, attempt.model, attempt.quality, attempt.n,
                       attempt.size, attempt.provider_job, attempt.reserve_micro_usd, attempt.sent_at, row.tenant)


def _sizes(attempts: Sequence[EarlierAttempt]) -> list[int]:
    """Images per part, as the attempts tell: of a request whose caller went away nothing else is known."""
    found = {_part_of(attempt): attempt.n for attempt in attempts}
    return [found[at] for at in sorted(found)] if sorted(found) == list(range(len(found))) else []


def _part_of(attempt: EarlierAttempt) -> int:
    return (attempt.number - 1) // ATTEMPTS_OF_A_PART


async def _plan(at: int, n: int, attempts: Sequence[EarlierAttempt], *, store: PictureStore,
                options: Mapping[tuple[str, str, str, str], Option]) -> PartPlan:
    mine = [attempt for attempt in attempts if _part_of(attempt) == at]
    tried = max((attempt.number - at * ATTEMPTS_OF_A_PART for attempt in mine), default=0)
    paid = sum(attempt.state in ("billed", "possibly_billed") or attempt.settled_micro_usd > 0 for attempt in mine)
    for attempt in mine:
        names = tuple(attempt.kept.split()) if attempt.state == "billed" else ()
        pictures = [await store.find(name) for name in names]
        found = tuple(picture.head for picture in pictures if picture is not None)
        if names and len(found) == len(names):
            made = Delivery("ok", found, _made_by(attempt, options.get(_identity(attempt))), len(mine),
                            sum(one.settled_micro_usd for one in mine), None, sent=True, kept=names)
            return PartPlan(n, at, tried, paid, made)
    return PartPlan(n, at, tried, paid)


def _identity(attempt: EarlierAttempt) -> tuple[str, str, str, str]:
    return attempt.backend, attempt.model, attempt.quality, attempt.tier


def _usd(attempt: EarlierAttempt, reply: Reply, option: Option | None, *, compiled: Compiled) -> Decimal | None:
    """What pictures cost by the tokens their provider counted, else as they were quoted."""
    if option is not None and reply.usage is not None:
        usd = usage_usd(compiled.catalogue.prices, reply.usage, model=option.model, tier=option.tier, on=compiled.on)
        if usd is not None:
            return usd
    return Decimal(attempt.quoted_usd) if attempt.quoted_usd else None


def _made_by(attempt: EarlierAttempt, option: Option | None) -> MadeBy:
    """The option of an attempt; what the settings no longer know is named as the books name it."""
    if option is not None:
        return MadeBy(option.label, option.backend.name, option.card.id, option.quality, option.backend.simulated)
    model = attempt.model.rpartition("/")[2]
    label = f"{attempt.backend}/{model}" + (f"@{attempt.quality}" if attempt.quality else "")
    return MadeBy(label, attempt.backend, model, attempt.quality)
