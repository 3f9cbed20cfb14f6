"""A sender's process that is killed after an event arrived and before that is booked: run by `test_dying.py`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from router.webhooks.sender import WebhookSender

from .receiving import HERE, Clock, Told, opened, tenant


class Forgetful:
    """Books that are never told of what arrived."""

    def __init__(self, jobs: Any) -> None:
        self.take_messages = jobs.take_messages

    async def delivered(self, *_: object, **__: object) -> None:
        print("arrived", flush=True)  # noqa: T201 (read by the test)
        await asyncio.Event().wait()


async def main(folder: Path) -> None:
    async with opened(folder, lease_s=1.0) as ledger:
        books: Any = Forgetful(ledger.jobs)
        WebhookSender(books, {"acme": tenant()}, clock=Clock(), hosts=HERE, tell=Told()).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
