"""The promises, with the real decide, flow, dispatch and joining; only time, network and books are ours."""

from __future__ import annotations

import asyncio
import contextlib
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind, Refusal
from router.backends.protocol import Reply, Trouble
from router.decide import decide
from router.errors import KeyInUse, LedgerError, NotDelivered
from router.flow import FlowRules, Leg
from router.live import Router
from router.request import ImageRequest
from router.states import BackendState, States
from router.waiting import Wait

from .simulation import Act, MemoryLedger, Scripted, VirtualClock, late, simulate
from .test_flow import Answer, World
from .worlds import HOSTED, OWN, compiled_with, policy_with, settings_with

if TYPE_CHECKING:
    from pathlib import Path

BFL, OPENAI = {"name": "bfl", "vendor": "bfl", "models": ["flux-2-pro"]}, {"name": "openai", "vendor": "openai",
                                                                          "models": ["gpt-image-2"]}
FREE = Reply(Kind.FAILED, code="500", trouble=Trouble.OUTAGE)
BILLED = Reply(Kind.BAD_ANSWER, code="no_picture", possibly_billed=True)
REFUSED = Reply(Kind.REFUSED, code="moderation_blocked", refusal=Refusal("moderation_blocked"))
MONEY = Reply(Kind.NOT_STARTED, code="insufficient_quota", trouble=Trouble.MONEY)


class Played:
    """A router over scripted backends."""

    def __init__(self, clock: VirtualClock, folder: Path, *backends: dict[str, Any], policy: Any = None,
                 **settings: Any) -> None:
        known = settings_with(*(backends or (BFL, OPENAI)), folder=folder, **settings)
        self.backends = {one.name: Scripted(one.name) for one in known.backends}
        self.ledger = MemoryLedger()
        self.events: list[str] = []
        parts: Any = {"clock": clock, "backends": self.backends, "ledger": self.ledger}
        self.router = Router(known, policy or policy_with(), environ={}, **parts)
        self.router.hooks.append(lambda event: self.events.append(event.name))

    def play(self, name: str, *acts: Act) -> None:
        self.backends[name].acts = list(acts)

    def paid(self) -> int:
        return sum(one.state in ("billed", "possibly_billed") for one in self.ledger.settlements.values())

    def asked(self) -> dict[str, int]:
        return {name: len(backend.jobs) for name, backend in self.backends.items() if backend.jobs}


def test_a_free_failure_is_made_elsewhere_and_paid_once(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        played.play("bfl", Act(FREE))
        async with played.router as router:
            images = await router.generate("a bicycle")
        assert (images.backend, images.attempts, played.paid()) == ("openai", 2, 1)
        assert played.asked() == {"bfl": 1, "openai": 1}
    simulate(story)


def test_a_late_answer_is_kept_and_paid_once(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", late(70.0))
        async with played.router as router:
            with pytest.raises(NotDelivered) as error:
                await router.generate("a bicycle", deadline_s=50.0, idempotency_key="k")
            assert (error.value.state, error.value.pending) == ("timed_out", True)
            joined = await router.generate("a bicycle", deadline_s=50.0, idempotency_key="k")
            assert (joined.replayed, clock.monotonic()) == (True, 70.0)
            images = await router.generate("a bicycle", deadline_s=50.0, idempotency_key="k")
        assert (images.replayed, len(images.pictures), played.paid(), played.asked()) == (True, 1, 1, {"bfl": 1})
        assert "late_answer_kept" in played.events
    simulate(story)


def test_a_client_s_own_retry_gets_the_late_answer(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", late(70.0))
        request = ImageRequest("a bicycle", deadline_s=50.0)
        async with played.router as router:
            with pytest.raises(NotDelivered):
                await router.answer(request)
            await asyncio.sleep(30)
            images = await router.answer(request, wait=Wait(is_retry=True))
        assert (images.replayed, played.asked()) == (True, {"bfl": 1})
    simulate(story)


def test_a_repetition_joins_what_is_running(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        async with played.router as router:
            first, second = await asyncio.gather(*(
                router.generate("a bicycle", idempotency_key="k") for _ in range(2)))
        assert (first.request_id == second.request_id, second.replayed, played.asked()) == (True, True, {"bfl": 1})
    simulate(story)


def test_other_parameters_under_the_same_key_are_refused(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        async with played.router as router:
            await router.generate("a bicycle", idempotency_key="k")
            with pytest.raises(KeyInUse) as error:
                await router.generate("a car", idempotency_key="k")
        assert error.value.running is False
    simulate(story)


def test_a_failed_key_can_be_used_again(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", Act(FREE))
        async with played.router as router:
            with pytest.raises(NotDelivered):
                await router.generate("a bicycle", idempotency_key="k")
            images = await router.generate("a bicycle", idempotency_key="k")
        assert (images.replayed, played.paid()) == (False, 1)
    simulate(story)


def test_a_refusal_is_reported_as_one_and_asks_nobody_else(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        played.play("bfl", Act(REFUSED))
        async with played.router as router:
            with pytest.raises(NotDelivered) as error:
                await router.generate("a bicycle")
        assert (error.value.state, error.value.code, played.asked()) == ("refused", "moderation_blocked", {"bfl": 1})
        assert [closing.state for closing in played.ledger.closings.values()] == ["refused"]
    simulate(story)


def test_spent_credit_closes_a_backend_at_once(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        played.play("bfl", Act(MONEY))
        async with played.router as router:
            for _ in range(3):
                assert (await router.generate("a bicycle")).backend == "openai"
            assert len(played.backends["bfl"].jobs) == 1
            decision = await router.decide(ImageRequest("a bicycle"))
            told = {option.label: str(verdict) for option, verdict, _ in decision.verdicts()}
            assert "after money" in told["bfl/flux-2-pro"]
    simulate(story)


def test_images_of_one_request_are_split_and_joined(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        async with played.router as router:
            images = await router.generate("a bicycle", n=5)
        assert (len(images.pictures), images.state, played.asked()) == (5, "ok", {"bfl": 5})
        assert clock.monotonic() == pytest.approx(1.0)
    simulate(story)


def test_fewer_images_than_asked_are_delivered_and_said(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        played.play("bfl", Act(BILLED))
        async with played.router as router:
            images = await router.generate("a bicycle", n=3)
        assert (len(images.pictures), images.asked_n, images.state) == (2, 3, "partial")
    simulate(story)


def test_nobody_waiting_means_nothing_more_is_paid(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        played.play("bfl", Act(FREE, 5.0))
        wait = Wait()
        async with played.router as router:
            asking = asyncio.ensure_future(router.answer(ImageRequest("a bicycle"), wait=wait))
            await asyncio.sleep(1)
            wait.abandoned.set()
            with pytest.raises(NotDelivered):
                await asking
        assert (played.asked(), played.paid()) == ({"bfl": 1}, 0)
    simulate(story)


def test_a_thousand_requests_under_one_limit_never_cross_it(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        chance = random.Random(7)
        played = Played(clock, tmp_path, budget={"usd_per_month": 5})
        for backend in played.backends.values():
            backend.acts = [Act(chance.choice([FREE, BILLED, REFUSED, Reply(Kind.OK), Reply(Kind.OK)]),
                                chance.uniform(0.0, 200.0)) for _ in range(400)]
        highest = 0

        async def one(number: int) -> None:
            nonlocal highest
            await asyncio.sleep(chance.uniform(0, 600))
            with contextlib.suppress(NotDelivered):
                await played.router.generate("a bicycle", segment=chance.choice(["", "bulk"]), seed=number)
            highest = max(highest, played.ledger.used("all"))

        async with played.router:
            await asyncio.gather(*(one(number) for number in range(1000)))
            await asyncio.sleep(400)
        assert 4_500_000 < highest <= 5_000_000
        assert len(played.ledger.settlements) == len(played.ledger.intents)
    simulate(story)


def test_every_attempt_is_settled_whatever_happens_and_no_request_pays_a_third_time(tmp_path: Path) -> None:
    replies = [FREE, BILLED, REFUSED, MONEY, Reply(Kind.OK), Reply(Kind.OK),
               Reply(Kind.NOT_STARTED, code="429", trouble=Trouble.BUSY, retry_after_s=5.0)]

    async def story(clock: VirtualClock) -> None:
        chance = random.Random(11)
        policy = policy_with(segment={"default": {"qualities": {"gpt-image": ["medium", "low"]}},
                                      "bold": {"on_refusal": "elsewhere", "at_limit": "downgrade"}})
        played = Played(clock, tmp_path, *HOSTED, policy=policy)
        for backend in played.backends.values():
            backend.acts = [Act(chance.choice(replies), chance.choice([0.1, 5.0, 40.0, 300.0])) for _ in range(600)]
        async with played.router as router:
            for number in range(400):
                try:
                    await router.generate("a bicycle", segment=chance.choice(["", "bold"]), seed=number,
                                          deadline_s=chance.choice([40.0, 100.0, 200.0]))
                except NotDelivered:
                    await asyncio.sleep(chance.uniform(0, 100))
            await asyncio.sleep(400)
        by_request: dict[str, int] = {}
        for name, settled in played.ledger.settlements.items():
            by_request[name.rpartition(".")[0]] = by_request.get(name.rpartition(".")[0], 0) + (
                settled.state in ("billed", "possibly_billed"))
        assert max(by_request.values()) <= 2
        assert set(played.ledger.settlements) == set(played.ledger.intents)
        assert len(played.ledger.closings) == 400
    simulate(story)


def test_the_deadline_counts_from_acceptance_and_is_never_reset(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        for backend in played.backends.values():
            backend.acts = [late(10_000.0)] * 3
        async with played.router as router:
            with pytest.raises(NotDelivered) as error:
                await router.generate("a bicycle", deadline_s=160.0)
            assert clock.monotonic() == pytest.approx(160.0)
        assert error.value.state == "timed_out"
    simulate(story)


@pytest.mark.parametrize("usd", ["0", "0.029999"])
def test_a_request_s_own_limit_holds(tmp_path: Path, usd: str) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        async with played.router as router:
            with pytest.raises(NotDelivered) as error:
                await router.generate("a bicycle", max_usd=Decimal(usd))
        assert (error.value.state, played.asked()) == ("no_budget", {})
    simulate(story)


def restricted_sequences(count: int) -> int:
    """Random requests, states and faults; how many attempts a restricted prompt made, all of them on own hosts."""
    chance = random.Random(2026)
    welcome = [{**one, "retention_days": 0, "may_train": False, "region": "eu"} for one in HOSTED]
    compiled = compiled_with(settings_with(*welcome, OWN, {**OWN, "name": "gpu-b"}), policy_with(
        segment={"default": {"on_refusal": "elsewhere", "at_limit": "downgrade",
                             "qualities": {"gpt-image": ["medium", "low"]}}},
        fallbacks={"gpu/flux-2-klein-4b": ["gpt-image-2", "gpu-b/flux-2-klein-4b", "bfl/flux-2-pro"]}))
    kinds = [Kind.OK, Kind.REFUSED, Kind.NOT_STARTED, Kind.FAILED, Kind.BAD_ANSWER, Kind.NO_BUDGET]
    sent = 0
    for _ in range(count):
        request = ImageRequest("x", data_class="restricted", segment=chance.choice(["", "hero", "text"]),
                               model=chance.choice(["auto", "auto", "gpt-image-2", "flux-2-klein-4b"]),
                               text=chance.choice(["auto", "none"]))
        states = States({name: BackendState(closed_until=chance.choice([0.0, 0.0, 50.0]))
                         for name in ("gpu", "gpu-b", "bfl", "openai")})
        decision = decide(compiled, request, states=states, now=10.0)
        candidates = decision.candidates()
        assert all(candidate.option.backend.is_own for candidate in candidates)
        script = {candidate.option.label: [Answer(chance.choice(kinds), chance.choice([0.1, 30.0, None]),
                                                  chance.random() < 0.3, chance.choice([None, 1.0]))
                                           for _ in range(3)] for candidate in candidates}
        world = World(script)
        legs: Any = tuple(Leg(candidate.option.label, candidate.backend, candidate.p95_s, Decimal(0))  # type: ignore[arg-type]
                          for candidate in candidates)
        world.run(legs, FlowRules(decision.deadline_s, decision.segment.on_refusal, decision.segment.at_limit))
        assert {name.partition("/")[0] for _, name in world.sent} <= {"gpu", "gpu-b"}
        sent += len(world.sent)
    return sent


def test_a_restricted_prompt_reaches_no_hosted_backend() -> None:
    assert restricted_sequences(2_000) > 1_000


@pytest.mark.slow
def test_a_restricted_prompt_reaches_no_hosted_backend_in_100_000_fault_sequences() -> None:
    assert restricted_sequences(100_000) > 50_000


def test_two_answers_at_the_same_moment_are_both_kept(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path)
        played.play("bfl", late(60.5))
        played.play("openai", late(0.5))
        async with played.router as router:
            images = await router.generate("a bicycle", deadline_s=180.0, idempotency_key="k")
            await asyncio.sleep(200)
            assert images.state == "ok"
            assert played.router.gate.held_bytes == 0
        assert len(played.ledger.settlements) == len(played.ledger.intents)
    simulate(story)


def test_books_that_fail_for_a_while_take_no_picture_away(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        played = Played(clock, tmp_path, BFL)
        works, settle = False, played.ledger.settle

        async def failing(settlement: Any) -> None:
            if not works:
                raise LedgerError("disk full")
            await settle(settlement)

        played.ledger.settle = failing  # type: ignore[method-assign]
        async with played.router as router:
            images = await router.generate("a bicycle")
            assert (len(images.pictures), played.ledger.settlements) == (1, {})
            works = True
            await asyncio.sleep(60)
            assert [one.state for one in played.ledger.settlements.values()] == ["billed"]
    simulate(story)
