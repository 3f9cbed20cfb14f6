"""After a crash: what was sent and never settled is fetched from its provider, booked, and kept for whoever paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from .attempts import Kind
from .backends.protocol import Job, Reply
from .events import Event
from .images import Images, answer_text
from .ledger.protocol import Settlement
from .quantities import Size, micro_usd, usd_from_micro
from .request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .backends.protocol import Backend
    from .errand import Clock
    from .ledger.protocol import Ledger, OpenAttempt
    from .store import PictureStore

__all__ = ["recover"]

_COLLECTABLE = timedelta(hours=24)


async def recover(ledger: Ledger, backends: Mapping[str, Backend], *, store: PictureStore, clock: Clock,
                  tell: Callable[[Event], None]) -> int:
    """Settle every attempt whose process is gone; how many there were.

    What a provider can still be asked for is fetched and kept under the tenant's idempotency key. What cannot be asked
    for may have been billed, and stays on the books at its worst case.
    """
    settled = 0
    while found := await ledger.open_attempts():
        for attempt in found:
            reply = await _collected(attempt, backends, clock)
            await ledger.settle(_settlement(attempt, reply, clock))
            if reply.kind is Kind.OK:
                await _keep(attempt, reply, ledger=ledger, store=store, clock=clock)
            tell(Event("attempt_recovered", clock.now(), attempt.request_id, attempt.attempt_id, facts={
                "backend": attempt.backend, "kind": reply.kind.value, "code": reply.code}))
            settled += 1
    return settled


async def _collected(attempt: OpenAttempt, backends: Mapping[str, Backend], clock: Clock) -> Reply:
    backend = backends.get(attempt.backend)
    if backend is None or not attempt.provider_job or clock.now() - attempt.sent_at > _COLLECTABLE:
        return Reply(Kind.FAILED, possibly_billed=True, code="lost_with_its_process")
    size = Size.parse(attempt.size)
    job = Job(ImageRequest("", size=size, n=attempt.n), attempt.model, attempt.n, size, attempt.quality,
              attempt.attempt_id)
    return await backend.collect(attempt.provider_job, job)


def _settlement(attempt: OpenAttempt, reply: Reply, clock: Clock) -> Settlement:
    billed = reply.kind is Kind.OK or reply.possibly_billed
    micro = attempt.reserve_micro_usd if billed else 0
    if reply.cost_usd is not None:
        micro = micro_usd(reply.cost_usd)
    state = "billed" if reply.kind is Kind.OK else "possibly_billed" if reply.possibly_billed else "free"
    return Settlement(
        attempt.attempt_id, state, reply.kind.value, reply.code[:80], micro,  # type: ignore[arg-type]
        "" if reply.cost_usd is None else str(reply.cost_usd), clock.now(), attempt.provider_job, reply.request_id,
        len(reply.pictures), sum(picture.file_bytes for picture in reply.pictures),
        sum(picture.size.pixels for picture in reply.pictures),
        " ".join(picture.digest[:32] for picture in reply.pictures), "recovered")


async def _keep(attempt: OpenAttempt, reply: Reply, *, ledger: Ledger, store: PictureStore, clock: Clock) -> None:
    names = tuple([await store.keep(picture) for picture in reply.pictures])
    if not attempt.key:
        return
    usd = Decimal(usd_from_micro(attempt.reserve_micro_usd)) if reply.cost_usd is None else reply.cost_usd
    images = Images(attempt.request_id, (), f"{attempt.backend}/{attempt.model}", attempt.backend, attempt.model,
                    attempt.quality, Size.parse(attempt.size), attempt.size, attempt.n, usd, 1, "ok", simulated=False,
                    created_at=int(clock.now().timestamp()))
    await ledger.keep_answer(attempt.tenant, attempt.key, answer=answer_text(images, names))
