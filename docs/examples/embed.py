"""A service that embeds the router: one image, a refusal, an edit, and what a person made of it."""

import asyncio
from pathlib import Path

from router.errors import NotDelivered
from router.live import Router

HERE = Path(__file__).parent


async def main() -> None:
    """Ask for three things and say what came."""
    async with Router.from_file(HERE / "router.toml") as router:
        images = await router.generate("a red bicycle in the rain", segment="bulk", idempotency_key="order-17")
        print(f"{images.option}: {images.size}, {images.usd:.6f} USD, simulated: {images.simulated}")

        poster = await router.generate('a poster that says "OPEN ALL NIGHT, EVERY NIGHT"', size=None, deadline_s=300)
        print(f"{poster.option}: {len(poster.pictures[0].as_bytes()) > 0}")

        try:
            await router.generate("sandbox:refuse")
        except NotDelivered as error:
            print(f"{error.state}: {error.code}")

        edited = await router.edit("make it blue", images.pictures, data_class="restricted")
        await router.record_outcome(edited.request_id, verdict="accepted", reviewer_seconds=4.0)
        print(f"{edited.option}: accepted")


asyncio.run(main())
