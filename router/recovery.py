"""After a crash: what was sent and never settled is fetched from its provider, booked, and kept for whoever paid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .attempts import Kind
from .backends.protocol import Job, Reply
from .errors import LedgerError
from .events import Event
from .images import Images, answer_text
from .ledger.job_protocol import JobRow
from .ledger.values import Settlement
from .quantities import Size, micro_usd, usd_from_micro
from .request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from .backends.protocol import Backend
    from .errand import Clock
    from .ledger.protocol import Ledger
    from .ledger.values import OpenAttempt
    from .store import PictureStore

__all__ = ["collected", "recover", "settlement_of_open"]

_COLLECTABLE = timedelta(days=7)


async def recover(ledger: Ledger, backends: Mapping[str, Backend], *, store: PictureStore, clock: Clock,
                  tell: Callable[[Event], None], own: frozenset[str] = frozenset(),
                  leave: Callable[[int], None] = lambda _: None) -> int:
    """Take care of every attempt whose process is gone; how many there were.

    Its request becomes a job, which whoever runs jobs takes up: what a provider can still be asked for is fetched, kept
    under the request's id and its idempotency key, and booked. What comes of a job that has ended is settled here; what
    cannot be asked for may have been billed, and stays on the books at its worst case.
    """
    settled = 0
    while found := await ledger.open_attempts():
        for attempt in found:
            try:
                told = await _bequeathed(attempt, ledger, clock) or await _recovered(
                    attempt, backends, ledger=ledger, store=store, clock=clock, own=own, leave=leave)
                settled += 1
            except LedgerError as error:
                told = {"problem": str(error)[:200]}  # it stays reserved, for the process after this one
            tell(Event("attempt_recovered" if "kind" in told else "books_unavailable", clock.now(), attempt.request_id,
                       attempt.attempt_id, facts={"backend": attempt.backend, **told}))
    return settled


async def _bequeathed(attempt: OpenAttempt, ledger: Ledger, clock: Clock) -> dict[str, object]:
    """Make a job of the request behind an attempt; nothing where it is one already."""
    now = clock.now()
    job = JobRow(attempt.request_id, attempt.tenant, "queued", "", "", "now", attempt.n, attempt.sent_at, now, now,
                 key=attempt.key)
    return {"kind": "job", "code": ""} if await ledger.jobs.add(job) else {}


async def _recovered(attempt: OpenAttempt, backends: Mapping[str, Backend], *, ledger: Ledger, store: PictureStore,
                     clock: Clock, own: frozenset[str], leave: Callable[[int], None]) -> dict[str, object]:
    reply = await collected(attempt, backends, clock=clock, own=own)
    try:
        names = tuple([await store.keep(picture) for picture in reply.pictures]) if attempt.key else ()
    finally:
        leave(reply.held_bytes)
    await ledger.settle(settlement_of_open(attempt, reply, clock=clock))
    if reply.kind is Kind.OK and attempt.key:
        answer = answer_text(_images(attempt, reply, clock), names)
        await ledger.keep_answer(attempt.tenant, attempt.key, answer=answer)
    return {"kind": reply.kind.value, "code": reply.code}


async def collected(attempt: OpenAttempt, backends: Mapping[str, Backend], *, clock: Clock,
                    own: frozenset[str] = frozenset()) -> Reply:
    """What a provider still has of an attempt whose process is gone, however long it takes."""
    backend = backends.get(attempt.backend)
    if backend is None or not attempt.provider_job or clock.now() - attempt.sent_at > _COLLECTABLE:
        billed = attempt.backend not in own
        return Reply(Kind.FAILED, possibly_billed=billed, code="lost_with_its_process")
    size = Size.parse(attempt.size)
    job = Job(ImageRequest("", size=size, n=attempt.n), attempt.model, attempt.n, size, attempt.quality,
              attempt.attempt_id)
    return await backend.collect(attempt.provider_job, job)


def settlement_of_open(attempt: OpenAttempt, reply: Reply, *, clock: Clock, kept: str = "",
                       usd: Decimal | None = None) -> Settlement:
    """How an attempt that was collected stands on the books; its reserve stands for what nobody told.

    Args:
        attempt: as it was left.
        reply: what its provider says of it now.
        clock: of the settlement.
        kept: where its pictures lie.
        usd: what they cost where the provider states no charge, by its tokens or by the quote.
    """
    billed, actual = reply.kind is Kind.OK or reply.possibly_billed, reply.cost_usd
    if actual is None and reply.kind is Kind.OK:
        actual = usd
    micro = micro_usd(actual) if actual is not None else attempt.reserve_micro_usd if billed else 0
    state = "billed" if reply.kind is Kind.OK else "possibly_billed" if reply.possibly_billed else (
        "refused" if reply.kind is Kind.REFUSED else "free")
    return Settlement(
        attempt.attempt_id, state, reply.kind.value, reply.code[:80], micro,  # type: ignore[arg-type]
        "" if actual is None else str(actual), clock.now(), attempt.provider_job, reply.request_id,
        len(reply.pictures), sum(picture.file_bytes for picture in reply.pictures),
        sum(picture.size.pixels for picture in reply.pictures),
        " ".join(picture.digest[:32] for picture in reply.pictures), "recovered", kept)


def _images(attempt: OpenAttempt, reply: Reply, clock: Clock) -> Images:
    usd = usd_from_micro(attempt.reserve_micro_usd) if reply.cost_usd is None else reply.cost_usd
    state = "ok" if len(reply.pictures) >= attempt.n else "partial"
    model = attempt.model.rpartition("/")[2]
    option = f"{attempt.backend}/{model}@{attempt.quality}" if attempt.quality else f"{attempt.backend}/{model}"
    return Images(attempt.request_id, (), option, attempt.backend, model, attempt.quality, Size.parse(attempt.size),
                  attempt.size, attempt.n, usd, 1, state, simulated=False, created_at=int(clock.now().timestamp()))
