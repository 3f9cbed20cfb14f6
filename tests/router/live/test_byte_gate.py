"""The gate before answers' bytes: first come, first served, never above its limit but for one alone."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.byte_gate import ByteGate

from .simulation import VirtualClock, simulate

STAYS = st.lists(st.tuples(st.integers(0, 150), st.floats(0.0, 5.0), st.floats(0.0, 3.0), st.floats(0.0, 10.0)),
                 max_size=25)


@given(STAYS, st.sets(st.integers(0, 24)))
def test_it_is_never_above_its_limit_but_for_one_alone_and_ends_empty(
        stays: list[tuple[int, float, float, float]], cancelled: set[int]) -> None:
    async def story(_: VirtualClock) -> None:
        gate, inside = ByteGate(100), {}

        async def stay(name: int, size: int, comes: float, stays_s: float) -> None:
            await asyncio.sleep(comes)
            await gate.enter(size)
            inside[name] = size
            assert sum(inside.values()) <= 100 or len([one for one in inside.values() if one]) == 1
            assert gate.held_bytes >= sum(inside.values())
            try:
                await asyncio.sleep(stays_s)
            finally:
                del inside[name]
                gate.leave(size)

        tasks = []
        for name, (size, comes, stays_s, gives_up) in enumerate(stays):
            task = asyncio.ensure_future(stay(name, size, comes, stays_s))
            tasks.append(task)
            if name in cancelled:
                asyncio.get_running_loop().call_later(gives_up, task.cancel)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
        assert gate.held_bytes == 0
        await asyncio.wait_for(gate.enter(100), 1.0)
    simulate(story)


def test_who_comes_first_is_let_in_first_though_a_smaller_one_would_fit() -> None:
    async def story(_: VirtualClock) -> None:
        gate, order = ByteGate(100), []

        async def stay(size: int) -> None:
            await gate.enter(size)
            order.append(size)
            await asyncio.sleep(1)
            gate.leave(size)

        await asyncio.gather(*(stay(size) for size in (60, 90, 10, 500, 20)))
        assert order == [60, 90, 10, 500, 20]
    simulate(story)


def test_one_that_gives_up_lets_those_behind_it_in() -> None:
    async def story(_: VirtualClock) -> None:
        gate = ByteGate(100)
        await gate.enter(60)
        large, small = asyncio.ensure_future(gate.enter(80)), asyncio.ensure_future(gate.enter(20))
        await asyncio.sleep(1)
        large.cancel()
        await asyncio.wait_for(small, 1.0)
        assert gate.held_bytes == 80
    simulate(story)


def test_one_cancelled_in_the_moment_of_a_leave_holds_nothing() -> None:
    """Cancelled, and before it could run another one left: its bytes were never inside."""
    async def story(_: VirtualClock) -> None:
        gate = ByteGate(100)
        await gate.enter(100)
        waiting = asyncio.ensure_future(gate.enter(40))
        await asyncio.sleep(0)
        waiting.cancel()
        gate.leave(100)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert gate.held_bytes == 0
    simulate(story)


def test_one_cancelled_after_it_was_let_in_gives_its_bytes_back() -> None:
    async def story(_: VirtualClock) -> None:
        gate = ByteGate(100)
        await gate.enter(100)
        waiting = asyncio.ensure_future(gate.enter(40))
        behind = asyncio.ensure_future(gate.enter(100))
        await asyncio.sleep(0)
        gate.leave(100)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(behind, 1.0)
        assert gate.held_bytes == 100
    simulate(story)


def test_a_thousand_that_come_and_go_by_chance_leave_nothing_behind() -> None:
    async def story(_: VirtualClock) -> None:
        gate, chance = ByteGate(1000), random.Random(5)

        async def stay() -> None:
            await asyncio.sleep(chance.uniform(0, 50))
            size = chance.choice([1, 10, 300, 999, 1000, 5000])
            await asyncio.wait_for(gate.enter(size), chance.uniform(0.01, 40))
            await asyncio.sleep(chance.uniform(0, 1))
            gate.leave(size)

        await asyncio.gather(*(stay() for _ in range(1000)), return_exceptions=True)
        assert gate.held_bytes == 0
    simulate(story)
