"""After a crash: what was sent is fetched, kept for whoever paid, and booked; what cannot be is booked at its worst."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router.attempts import Kind, Refusal
from router.backends.protocol import Reply
from router.errors import LedgerError
from router.images import kept_names
from router.ledger.values import OpenAttempt, Settlement
from router.recovery import recover
from router.server_settings import StoreSettings
from router.store import PictureStore

from .memory_jobs import MemoryJobs
from .simulation import START, MemoryLedger, Scripted, VirtualClock, simulate
from .worlds import picture

if TYPE_CHECKING:
    from pathlib import Path

    from router.backends.protocol import Job
    from router.events import Event

OPEN = OpenAttempt("img-1.1", "img-1", "bfl", "bfl/flux-2-pro", "", 1, "64x64", "job-7 https://x/1", 45_000, START,
                   "acme", "key-1")
OK = Reply(Kind.OK, (picture(),), cost_usd=Decimal("0.03"), possibly_billed=True)


@dataclass
class Books(MemoryLedger):
    """Books that a process left behind: each open attempt is handed out once."""

    left: list[OpenAttempt] = field(default_factory=list)
    broken: str = ""
    jobs: MemoryJobs = field(default_factory=lambda: MemoryJobs(accepting=False))

    async def open_attempts(self) -> tuple[Any, ...]:
        found, self.left = tuple(self.left[:2]), self.left[2:]
        return found

    async def settle(self, settlement: Settlement) -> None:
        if settlement.attempt_id == self.broken:
            raise LedgerError("the disk is full")
        self.settlements[settlement.attempt_id] = settlement

    async def keep_answer(self, tenant: str, key: str, *, answer: str) -> None:
        self.keys[tenant, key] = ("", "", answer)


@dataclass
class Collecting(Scripted):
    reply: Reply = OK
    asked: list[tuple[str, Job]] = field(default_factory=list)

    async def collect(self, provider_job: str, job: Job) -> Reply:
        self.asked.append((provider_job, job))
        return self.reply


@dataclass
class Recovered:
    books: Books
    backend: Collecting
    store: PictureStore
    events: list[Event]
    count: int

    @property
    def settled(self) -> Settlement:
        return self.books.settlements[OPEN.attempt_id]


def recovered(folder: Path, *left: OpenAttempt, reply: Reply = OK, broken: str = "", later: float = 60.0) -> Recovered:
    async def story(clock: VirtualClock) -> Recovered:
        clock.loop.now = later
        books, backend = Books(left=list(left or (OPEN,)), broken=broken), Collecting("bfl", reply=reply)
        store, events = PictureStore(StoreSettings(folder=folder / "images")), []
        count = await recover(books, {"bfl": backend}, store=store, clock=clock, tell=events.append)  # type: ignore[arg-type]
        return Recovered(books, backend, store, events, count)
    return simulate(story)


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "images").rglob("*") if path.is_file()]


def test_a_finished_job_is_fetched_booked_at_its_charge_and_kept_for_its_key(tmp_path: Path) -> None:
    known = recovered(tmp_path)
    assert (known.count, known.backend.asked[0][0], known.backend.jobs) == (1, OPEN.provider_job, [])
    settled = known.settled
    assert (settled.state, settled.settled_micro_usd, settled.actual_usd, settled.images, settled.flags) == (
        "billed", 30_000, "0.03", 1, "recovered")
    assert settled.image_bytes == picture().file_bytes
    names, kept = kept_names(known.books.keys["acme", "key-1"][2])
    path = known.store.path_of(names[0])
    assert path is not None
    assert path.read_bytes() == picture().as_bytes()
    assert (kept["option"], kept["model"], kept["usd"], kept["state"], kept["request_id"]) == (
        "bfl/flux-2-pro", "flux-2-pro", Decimal("0.03"), "ok", "img-1")


def test_the_prompt_is_not_needed_and_not_sent_again(tmp_path: Path) -> None:
    job = recovered(tmp_path).backend.asked[0][1]
    assert (job.request.prompt, job.attempt_id, job.n, str(job.size)) == ("", "img-1.1", 1, "64x64")


def test_without_a_stated_charge_the_reserve_stands(tmp_path: Path) -> None:
    settled = recovered(tmp_path, reply=replace(OK, cost_usd=None)).settled
    assert (settled.settled_micro_usd, settled.actual_usd) == (45_000, "")


def test_without_a_key_it_is_booked_and_no_picture_lies_about_that_nobody_can_ask_for(tmp_path: Path) -> None:
    known = recovered(tmp_path, replace(OPEN, key=""))
    assert (known.settled.state, known.books.keys, files(tmp_path)) == ("billed", {}, [])


def test_a_refusal_is_booked_as_one(tmp_path: Path) -> None:
    free = Reply(Kind.REFUSED, code="moderation_blocked", refusal=Refusal("moderation_blocked"))
    known = recovered(tmp_path, reply=free)
    assert (known.settled.state, known.settled.settled_micro_usd, known.books.keys) == ("refused", 0, {})
    billed = recovered(tmp_path, reply=replace(free, possibly_billed=True)).settled
    assert (billed.state, billed.settled_micro_usd) == ("possibly_billed", 45_000)


def test_a_failure_that_is_stated_to_be_free_gives_the_reserve_back(tmp_path: Path) -> None:
    settled = recovered(tmp_path, reply=Reply(Kind.FAILED, code="http_500")).settled
    assert (settled.state, settled.settled_micro_usd, settled.code) == ("free", 0, "http_500")


def test_what_nobody_can_be_asked_for_stays_at_its_worst(tmp_path: Path) -> None:
    uncollectable = Reply(Kind.FAILED, code="not_collectable", possibly_billed=True)
    assert recovered(tmp_path, reply=uncollectable).settled.code == "not_collectable"
    for attempt, later in ((replace(OPEN, backend="gone"), 60.0), (replace(OPEN, provider_job=""), 60.0),
                           (OPEN, timedelta(days=7, seconds=1).total_seconds())):
        known = recovered(tmp_path, attempt, later=later)
        assert (known.settled.state, known.settled.settled_micro_usd, known.settled.code, known.backend.asked) == (
            "possibly_billed", 45_000, "lost_with_its_process", [])
        assert known.books.keys == {}


def test_every_attempt_is_settled_once_however_many_there_are(tmp_path: Path) -> None:
    left = [replace(OPEN, attempt_id=f"img-1.{number}", key="") for number in range(9)]
    known = recovered(tmp_path, *left)
    assert (known.count, len(known.books.settlements), len(known.backend.asked)) == (9, 9, 9)
    assert [event.name for event in known.events] == ["attempt_recovered"] * 9


def test_one_that_cannot_be_settled_does_not_hold_up_the_others(tmp_path: Path) -> None:
    left = [replace(OPEN, attempt_id=f"img-1.{number}", key="") for number in range(4)]
    known = recovered(tmp_path, *left, broken="img-1.1")
    assert (known.count, sorted(known.books.settlements)) == (3, ["img-1.0", "img-1.2", "img-1.3"])
    assert [event.name for event in known.events].count("books_unavailable") == 1


def test_a_picture_that_cannot_be_kept_is_not_settled_so_that_it_can_be_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("no folder")
    known = recovered(tmp_path)
    assert (known.count, known.books.settlements, known.books.keys) == (0, {}, {})
    assert [event.name for event in known.events] == ["books_unavailable"]
    assert "cannot be written" in str(known.events[0].facts["problem"])
