"""Pictures leave memory with their last reader: at megabytes each, they cannot wait for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from router.building import policy_of
from router.live import Router
from router.testing import sandbox_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router.pictures import Picture


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("key", ["", "order-7"])
def test_a_picture_is_gone_with_its_last_reader(tmp_path: Path, key: str) -> None:
    async def made() -> weakref.ref[Picture]:
        async with Router(sandbox_settings(tmp_path), policy_of(None, {}), environ={}) as router:
            images = await router.generate("a red bicycle", idempotency_key=key)
            picture = weakref.ref(images.pictures[0])
            assert picture() is not None
            del images
            await asyncio.sleep(0.05)
            assert picture() is None
            return picture

    asyncio.run(made())
