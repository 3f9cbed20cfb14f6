"""The replay is the router: a live router in virtual time ends the same traffic the same, request by request."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from planner.replay.asked import Asked, week_hour
from planner.replay.driver import Driver
from planner.replay.sums import Sums
from planner.replay.world import Faults, World
from router.card_hours import hour_of_week
from router.errors import NotDelivered
from router.live import Router
from router.quantities import Size
from router.request import ImageRequest
from tests.router.live.simulation import START, MemoryLedger, VirtualClock, made, simulate
from tests.router.live.worlds import HOSTED, OWN, OWN_GPUS, compiled_with, policy_with, settings_with

if TYPE_CHECKING:
    from planner.replay.lives import Ended
    from router.backends.protocol import Job, Reply, Watcher
    from router.policy import Policy
    from router.settings import Settings

ZERO = START.timestamp()
FAL = {**HOSTED[2], "concurrent": 6}
OPENAI = {**HOSTED[0], "images_per_minute": 20}
OWN_S, TRAVEL_S, FAL_S, OPENAI_S = 10.0, 0.5, 17.0, 59.0


def settings_of(cards: int, **more: Any) -> Settings:
    gpus = {**OWN_GPUS, "cards": cards, "seconds_per_image": OWN_S}
    return settings_with(OPENAI, FAL, {**OWN, "gpus": gpus}, **more)


def policy_of(**default: Any) -> Policy:
    return policy_with(segment={
        "default": {"models": ["flux-2-klein-4b"], "deadline_s": 900, **default},
        "hero": {"models": ["gpt-image-2"], "qualities": {"gpt-image": ["high"]}, "deadline_s": 900}})


def traffic(count: int, *, every_s: float, seed: int) -> list[tuple[float, ImageRequest]]:
    drawn, at, rows = random.Random(seed), 0.0, []
    kinds = [ImageRequest("." * 40, n=n, size=Size(1024, 1024), segment="bulk") for n in (1, 2, 4, 8)]
    kinds += [ImageRequest("." * 40, n=1, size=Size(1024, 1024), segment="hero"),
              ImageRequest("." * 40, n=2, size=Size(1024, 1024), data_class="restricted")]
    for _ in range(count):
        at += drawn.expovariate(1 / every_s)
        rows.append((at, drawn.choices(kinds, (0.5, 0.1, 0.2, 0.1, 0.05, 0.05))[0]))
    return rows


def replayed(rows: list[tuple[float, ImageRequest]], settings: Settings, policy: Policy,
             faults: Faults | None = None) -> tuple[list[Ended], Sums]:
    ends: list[Ended] = []
    sums = Sums()

    def ended(end: Ended) -> None:
        ends.append(end)
        sums.ended(end)

    world = World(settings, faults=faults or Faults(steady=True), seed=1)
    Driver(compiled_with(settings, policy), settings, world=world, ended=ended, paid=sums.paid).run(
        Asked(ZERO + at, request) for at, request in rows)
    return sorted(ends), sums


@dataclass
class Cards:
    """Own cards in virtual time, first come, first served."""

    clock: VirtualClock
    free: list[float]
    name: str = "gpu"
    jobs: list[Job] = field(default_factory=list)

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        now, first = self.clock.monotonic(), self.free.index(min(self.free))
        self.free[first] = max(now, self.free[first]) + OWN_S * job.n
        await asyncio.sleep(self.free[first] + TRAVEL_S - now)
        return made(job)

    async def close(self) -> None:
        return None


@dataclass
class Vendor:
    """A vendor that always takes its median."""

    name: str
    seconds: float

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        await asyncio.sleep(self.seconds)
        return made(job)

    async def close(self) -> None:
        return None


def live(rows: list[tuple[float, ImageRequest]], settings: Settings, policy: Policy, cards: int) -> list[Any]:
    async def story(clock: VirtualClock) -> list[Any]:
        backends: Any = {"gpu": Cards(clock, [0.0] * cards), "fal": Vendor("fal", FAL_S),
                         "openai": Vendor("openai", OPENAI_S)}
        found: list[Any] = [None] * len(rows)

        async def one(number: int, at: float, request: ImageRequest, router: Router) -> None:
            await asyncio.sleep(at - clock.monotonic())
            try:
                images = await router.answer(request)
                found[number] = (len(images.pictures), images.usd, clock.monotonic() - at)
            except NotDelivered as missed:
                found[number] = (0, Decimal(0), missed.state)

        async with Router(settings, policy, environ={}, clock=clock, backends=backends,
                          ledger=MemoryLedger()) as router:
            await asyncio.gather(*(one(number, at, request, router) for number, (at, request) in enumerate(rows)))
        return found

    return simulate(story)


@pytest.mark.parametrize("overflow", [{}, {"most_wait_s": 25}, {"most_wait_s": 25, "overflow_by": "image"},
                                      {"most_wait_s": 0, "overflow_by": "image"}])
@pytest.mark.parametrize("cards", [1, 3])
def test_a_replay_ends_as_the_live_router_does_request_by_request(overflow: dict[str, Any], cards: int) -> None:
    settings, policy = settings_of(cards), policy_of(**overflow)
    rows = traffic(250, every_s=14.0 / cards, seed=cards)
    ends, _ = replayed(rows, settings, policy)
    seen = live(rows, settings, policy, cards)
    differing = [number for number, (end, (images, usd, took)) in enumerate(zip(ends, seen, strict=True))
                 if (sum(end.images.values()), end.usd_micro) != (images, int(usd * 1_000_000))
                 or (images and abs(end.latency_s - took) > 1e-6)]
    assert differing == []
    assert sum(images for images, _, _ in seen) > 400


def test_a_queue_on_one_card_by_hand() -> None:
    image = ImageRequest("." * 40, size=Size(1024, 1024), segment="bulk")
    ends, sums = replayed([(0.0, image), (1.0, image), (2.0, image)], settings_of(1), policy_of(most_wait_s=15))
    assert [end.images for end in ends] == [{"gpu/flux-2-klein-4b": 1}, {"gpu/flux-2-klein-4b": 1},
                                            {"fal/flux-2-klein-4b": 1}]
    assert [round(end.latency_s, 6) for end in ends] == [10.5, 19.5, 17.0]
    assert [round(end.waited_s, 6) for end in ends] == [0.0, 9.0, 0.0]
    assert (sums.requests, sums.images, sums.budget_hits) == (3, 3, 0)
    assert ends[2].usd_micro == 5000  # fal sells an image of klein 4B for $0.005 up to a megapixel


def test_a_budget_that_is_spent_is_counted_and_nothing_is_paid_above_it() -> None:
    rows = traffic(200, every_s=20.0, seed=3)
    _, sums = replayed(rows, settings_of(1, budget={"usd_per_month": 1}), policy_of(most_wait_s=0))
    assert sums.budget_hits > 0
    assert 0 < sums.usd <= 1


def test_failures_of_vendors_are_retried_as_the_flow_says_and_cost_nothing() -> None:
    rows = traffic(300, every_s=20.0, seed=4)
    calm, rough, broken = (replayed(rows, settings_of(1), policy_of(most_wait_s=20), Faults(failed_share=share))[1]
                           for share in (0.0, 0.1, 0.95))
    assert rough.images == calm.images
    assert broken.images < calm.images
    assert broken.usd < calm.usd
    assert set(broken.segments[""].unmade) <= {"deadline"}  # restricted work stays on cards of ours: at worst a queue


def test_the_hour_of_the_week_is_the_routers() -> None:
    for hours in range(0, 400, 7):
        at = ZERO + hours * 3600
        assert week_hour(at) == hour_of_week(datetime.fromtimestamp(at, UTC))
