"""What people make of images comes back into the decision, through the real books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from router.acceptance import ENOUGH_OUTCOMES, Acceptance, Looked
from router.building import policy_of
from router.live import Router
from router.request import ImageRequest
from router.testing import sandbox_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_thirty_rejections_move_the_choice_elsewhere(tmp_path: Path) -> None:
    async def story() -> None:
        settings = sandbox_settings(tmp_path)
        unlimited = tuple(replace(backend, images_per_minute=None) for backend in settings.backends)
        router = Router(replace(settings, backends=unlimited), policy_of(None, {}), environ={})
        async with router:
            before = await router.decide(ImageRequest("a bicycle"))
            assert before.choice.acceptance == "assumed"
            for _ in range(ENOUGH_OUTCOMES):
                images = await router.generate("a bicycle", size=None)
                assert await router.record_outcome(images.request_id, verdict="rejected", reason="blurred")
            counts = await router.ledger.acceptance()
            assert counts == {("default", before.choice.option.card.id, ""): Looked(0, ENOUGH_OUTCOMES)}
            router.learn(Acceptance(counts))
            after = await router.decide(ImageRequest("a bicycle"))
            told = {option.label: candidate for option, _, candidate in after.verdicts() if candidate}
            assert told[before.choice.option.label].acceptance == "measured"
            assert told[before.choice.option.label].usd_per_accepted == float(before.choice.usd_per_image) / 0.01
    asyncio.run(story())


def test_an_unknown_request_is_not_judged(tmp_path: Path) -> None:
    async def story() -> bool:
        async with Router(sandbox_settings(tmp_path), policy_of(None, {}), environ={}) as router:
            return await router.record_outcome("img-nobody")
    assert asyncio.run(story()) is False
