"""Jobs in a world without waiting: what a crash left is gone on with, what cannot be made now is made later."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Job, Reply, Trouble
from router.errors import BadRequest, LedgerError, NotDelivered
from router.jobs.parcels import Parcels
from router.ledger.job_protocol import EarlierAttempt, JobRow
from router.ledger.values import Intent
from router.quantities import Size
from router.request import ImageRequest, Lora

from .simulation import START, Act, MemoryLedger, Scripted, VirtualClock, simulate
from .test_promises import BFL, OPENAI, REFUSED, Played
from .worlds import OWN, picture, policy_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BUSY = Reply(Kind.NOT_STARTED, code="429", trouble=Trouble.BUSY, retry_after_s=20.0)
SMALL = {"size": Size(64, 64), "model": "flux-2-pro"}
REQUEST = ImageRequest("a red bicycle", tenant="acme", size=Size(64, 64), model="flux-2-pro")
LOST = Reply(Kind.FAILED, code="task_not_found", possibly_billed=True)
FETCHED = Reply(Kind.OK, (picture(),), cost_usd=Decimal("0.03"), possibly_billed=True)


@dataclass
class Collecting(Scripted):
    """A backend that still knows some jobs of an earlier process."""

    known: dict[str, Reply] = field(default_factory=dict)
    collected: list[str] = field(default_factory=list)

    async def collect(self, provider_job: str, job: Job) -> Reply:
        await asyncio.sleep(5.0)
        self.collected.append(provider_job)
        return self.known.get(provider_job, LOST)


def tried(number: int = 1, state: str = "sent", **changed: Any) -> EarlierAttempt:
    attempt = EarlierAttempt(f"img-1.{number}", number, "bfl", "bfl/flux-2-pro", "", "sync", 1, "64x64", state,
                             f"job-{number}", "", 30_000, 0, START)
    return replace(attempt, **changed)


class Crashed(Played):
    """A router that opens books on which a job runs whose process is gone."""

    def __init__(self, clock: VirtualClock, folder: Path, *attempts: EarlierAttempt, parts: str = "1", n: int = 1,
                 due_s: float = 600.0, **known: Reply) -> None:
        super().__init__(clock, folder, BFL, OPENAI, store={"folder": str(folder / "store")})
        bfl = self.backends["bfl"] = Collecting("bfl", known={name.replace("_", "-"): known[name] for name in known})
        self.bfl, self.attempts, self.folder = bfl, attempts, folder
        self.ledger.jobs.tried = lambda _: attempts
        self.row = JobRow("img-1", "acme", "running", "generate", "default", "now", n, START,
                          START + timedelta(seconds=due_s), START, started_at=START, starts=1, parts=parts)

    async def left(self, request: ImageRequest | None = REQUEST) -> None:
        parcel = await Parcels(self.folder / "store").keep(request, "img-1") if request else ""
        self.ledger.jobs.rows["img-1"] = replace(self.row, parcel=parcel)
        for attempt in self.attempts:
            self.ledger.intents[attempt.attempt_id] = _intent(attempt)
            self.ledger.requests["img-1"] = None  # type: ignore[assignment]

    async def ended(self, seconds: float = 900.0) -> JobRow:
        async with self.router:
            await asyncio.sleep(seconds)
        return self.ledger.jobs.rows["img-1"]


def _intent(attempt: EarlierAttempt) -> Intent:
    return Intent(attempt.attempt_id, None, attempt.number, attempt.backend, attempt.model, "", "sync", attempt.n,  # type: ignore[arg-type]
                  attempt.size, attempt.reserve_micro_usd, "0.03", "row", START, ())


def test_what_runs_at_a_provider_is_fetched_and_not_made_again(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        crashed = Crashed(clock, tmp_path, tried(), job_1=FETCHED)
        await crashed.left()
        row = await crashed.ended()
        assert (row.state, crashed.bfl.collected, crashed.bfl.jobs) == ("done", ["job-1"], [])
        settled = crashed.ledger.settlements["img-1.1"]
        assert (settled.state, settled.settled_micro_usd, settled.flags) == ("billed", 30_000, "recovered")
        assert settled.kept in row.answer
        assert len(crashed.ledger.jobs.ends) == 1
    simulate(story)


def test_what_was_made_before_the_crash_is_found_in_the_store(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        crashed = Crashed(clock, tmp_path)
        name = await crashed.router.store.keep(picture())
        crashed.attempts = (tried(state="billed", kept=name, settled_micro_usd=30_000),)
        crashed.ledger.jobs.tried = lambda _: crashed.attempts
        await crashed.left()
        row = await crashed.ended()
        assert (row.state, crashed.asked(), crashed.bfl.collected) == ("done", {}, [])
        assert name in row.answer
    simulate(story)


def test_a_part_that_was_made_is_kept_while_the_other_is_made(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        crashed = Crashed(clock, tmp_path, parts="1 1", n=2)
        name = await crashed.router.store.keep(picture())
        crashed.attempts = (tried(state="billed", kept=name, settled_micro_usd=30_000),
                            tried(10_001, state="free", provider_job=""))
        crashed.ledger.jobs.tried = lambda _: crashed.attempts
        await crashed.left(replace(REQUEST, n=2))
        row = await crashed.ended()
        assert (row.state, crashed.asked()) == ("done", {"bfl": 1})
        assert crashed.bfl.jobs[0].attempt_id == "img-1.10002"
        assert row.answer.count(".png") == 2
    simulate(story)


def test_after_one_lost_payment_there_is_one_more_and_never_a_third(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        once = Crashed(clock, tmp_path / "once", tried())
        await once.left()
        assert (await once.ended()).state == "done"
        assert (once.asked(), once.paid()) == ({"bfl": 1}, 2)
        twice = Crashed(clock, tmp_path / "twice", tried(), tried(2))
        await twice.left()
        row = await twice.ended()
        assert (row.state, twice.asked(), twice.paid()) == ("failed", {}, 2)
    simulate(story)


def test_lost_work_of_our_own_gpus_is_simply_made_again(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, OWN, store={"folder": str(tmp_path / "store")})
        lost = tuple(tried(number, backend="gpu", model="flux-2-klein-4b", provider_job="") for number in (1, 2, 3))
        played.ledger.jobs.tried = lambda _: lost
        for attempt in lost:
            played.ledger.intents[attempt.attempt_id] = _intent(attempt)
        parcel = await Parcels(tmp_path / "store").keep(replace(REQUEST, model="auto"), "img-1")
        played.ledger.jobs.rows["img-1"] = JobRow(
            "img-1", "acme", "running", "generate", "default", "now", 1, START, START + timedelta(hours=1), START,
            parcel=parcel, parts="1")
        async with played.router:
            await asyncio.sleep(60.0)
        assert (played.ledger.jobs.rows["img-1"].state, played.asked()) == ("done", {"gpu": 1})
    simulate(story)


def test_a_request_whose_caller_and_process_are_gone_is_fetched_or_has_failed(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        for folder, known, state in (("a", {"job_1": FETCHED}, "done"), ("b", {}, "failed")):
            crashed = Crashed(clock, tmp_path / folder, tried(), parts="", **known)
            await crashed.left(None)
            row = await crashed.ended()
            assert (row.state, crashed.asked()) == (state, {})
    simulate(story)


def test_after_its_deadline_nothing_is_begun_and_what_runs_is_fetched(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        late = Crashed(clock, tmp_path / "late", tried(), due_s=0.0, job_1=FETCHED)
        await late.left()
        assert (await late.ended()).state == "done"
        over = Crashed(clock, tmp_path / "over", due_s=0.0)
        await over.left()
        row = await over.ended()
        assert (row.state, over.asked()) == ("failed", {})
    simulate(story)


def tried_in(ledger: MemoryLedger) -> Any:
    def found(job_id: str) -> tuple[EarlierAttempt, ...]:
        attempts = []
        for intent in ledger.intents.values():
            if intent.request is not None and intent.request.id == job_id:
                ended = ledger.settlements.get(intent.attempt_id)
                attempts.append(EarlierAttempt(
                    intent.attempt_id, intent.number, intent.backend, intent.model, intent.quality, intent.tier,
                    intent.n,
                    intent.size, ended.state if ended else "reserved", "", ended.kept if ended else "",
                    intent.reserve_micro_usd, ended.settled_micro_usd if ended else 0, intent.at))
        return tuple(attempts)
    return found


async def submitted(played: Played, seconds: float, **wishes: Any) -> JobRow:
    played.ledger.jobs.tried = tried_in(played.ledger)
    async with played.router as router:
        view = await router.submit(ImageRequest("a bicycle", **(SMALL | wishes)))
        await asyncio.sleep(seconds)
    return played.ledger.jobs.rows[view.row.id]


def test_a_job_waits_while_everybody_is_busy(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", *(Act(BUSY) for _ in range(5)))
        row = await submitted(played, 600.0)
        assert (row.state, played.asked()["bfl"], played.paid()) == ("done", 6, 1)
        assert row.starts > 1
        assert "job_waits" in played.events
    simulate(story)


def test_a_job_whose_answer_is_late_is_done_when_it_comes(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", Act(Reply(Kind.OK), 300.0))
        row = await submitted(played, 400.0, deadline_s=100.0)
        assert (row.state, played.asked(), played.paid()) == ("done", {"bfl": 1}, 1)
    simulate(story)


def test_a_job_waits_for_the_next_budget_where_the_policy_says_so(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        policy = policy_with(segment={"default": {"at_limit": "queue"}})
        played = Played(clock, tmp_path, BFL, policy=policy, budget={"usd_per_month": Decimal("0.01")})
        row = await submitted(played, 120.0)
        assert (row.state, played.asked()) == ("queued", {})
        refusing = Played(clock, tmp_path, BFL, budget={"usd_per_month": Decimal("0.01")})
        async with refusing.router as router:
            with pytest.raises(NotDelivered) as error:
                await router.submit(ImageRequest("a bicycle", **SMALL))
        assert error.value.state == "no_budget"
    simulate(story)


def test_a_refusal_ends_the_job_as_one(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", Act(REFUSED))
        row = await submitted(played, 60.0)
        assert (row.state, row.code, row.http_status) == ("refused", "moderation_blocked", 400)
    simulate(story)


def test_own_gpus_take_work_that_can_wait_one_by_one(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, OWN, BFL)
        async with played.router as router:
            for number in range(4):
                await router.submit(ImageRequest(f"number {number}", size=Size(64, 64), urgency="can_wait"))
            await asyncio.sleep(600.0)
        assert {row.state for row in played.ledger.jobs.rows.values()} == {"done"}
        assert played.asked() == {"gpu": 4}
    simulate(story)


def test_a_process_that_runs_no_jobs_leaves_them_to_others(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL, jobs={"most_running": 0})
        row = await submitted(played, 60.0)
        assert (row.state, played.asked()) == ("queued", {})
    simulate(story)


def test_more_unfinished_jobs_than_a_tenant_may_have(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL, jobs={"most_running": 0, "most_queued": 2})
        async with played.router as router:
            for _ in range(2):
                await router.submit(ImageRequest("a bicycle", **SMALL))
            with pytest.raises(NotDelivered) as error:
                await router.submit(ImageRequest("a bicycle", **SMALL))
        assert (error.value.code, error.value.retry_after_s) == ("too_many_jobs", 60.0)
    simulate(story)


def test_a_webhook_without_a_secret_or_into_our_network_is_refused(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        async with played.router as router:
            for url in ("https://example.com/hook", "https://127.0.0.1/hook"):
                with pytest.raises(BadRequest) as error:
                    await router.submit(ImageRequest("a bicycle", **SMALL), webhook_url=url)
                assert error.value.param == "routing.webhook_url"
        assert played.ledger.jobs.rows == {}
    simulate(story)


def test_a_parcel_gives_back_what_was_put_in_and_is_nobody_s_else(tmp_path: Path) -> None:
    async def story(_: VirtualClock) -> None:
        parcels = Parcels(tmp_path)
        full = ImageRequest("münchen 東京", operation="edit", references=(picture(), picture(128)), mask=picture(),
                            size=Size(512, 256), n=3, seed=7, lora=Lora("brand", 0.5), max_usd=Decimal("0.123456"),
                            deadline_s=12.5, tags={"a": "b"}, urgency="can_wait", tenant="acme", text="exact")
        for request in (full, ImageRequest("plain")):
            name = await parcels.keep(request, "img-1")
            assert name == "img-1.job"
            assert await parcels.find(name) == request
            assert (tmp_path / "jobs" / name).stat().st_mode & 0o777 == 0o600
            await parcels.drop(name)
            assert await parcels.find(name) is None
        (tmp_path / "jobs" / ("x" * 22 + ".job")).write_bytes(b'{"version": 9}\n')
        assert await parcels.find("x" * 22 + ".job") is None
        assert await parcels.find("../hash.key") is None
        strange = await parcels.keep(full, "../../etc/passwd")
        assert await parcels.find(strange) == full
        for name, days in (("img-over", 1), ("img-waits", 1), ("img-others", 1), ("img-forgotten", 50), ("img-new", 0)):
            await parcels.keep(full, name)
            then = time.time() - days * 86_400
            os.utime(tmp_path / "jobs" / f"{name}.job", (then, then))

        async def ended(names: Sequence[str]) -> frozenset[str]:
            return frozenset(names) & {"img-over", "img-new"}

        await parcels.sweep(ended)
        left = {path.stem for path in (tmp_path / "jobs").iterdir() if path.stem.startswith("img-")}
        assert left == {"img-waits", "img-others", "img-new"}
    simulate(story)


def test_books_that_fail_for_long_cost_a_job_time_and_nothing_else(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        crashed = Crashed(clock, tmp_path, tried(), job_1=FETCHED)
        await crashed.left()
        broken_until, settle, attempts = 100.0, crashed.ledger.settle, crashed.ledger.jobs.attempts

        async def settling(settlement: Any) -> None:
            if clock.monotonic() < broken_until:
                raise LedgerError("the disk is full")
            await settle(settlement)

        async def reading(job_id: str) -> Any:
            if clock.monotonic() < broken_until:
                raise LedgerError("the disk is full")
            return await attempts(job_id)

        crashed.ledger.settle = settling  # type: ignore[method-assign]
        crashed.ledger.jobs.attempts = reading  # type: ignore[method-assign]
        row = await crashed.ended()
        assert (row.state, row.starts, crashed.asked()) == ("done", 2, {})
        assert "job_broken" not in crashed.events
    simulate(story)
