"""A process that dies between sending and booking: its events are sent again by another, with the same ids."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from standardwebhooks import Webhook

from .receiving import SECRETS, Receiver, Told, add_job, end_job, opened, sending

ROOT = Path(__file__).parents[3]


async def killed_after_sending(folder: Path) -> None:
    """A sender's process, killed when the first event has arrived and is not booked."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.router.webhooks.dying", str(folder), cwd=ROOT, stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path})
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"arrived\n"
    finally:
        process.kill()
        await process.wait()


def test_what_a_killed_process_sent_and_did_not_book_is_sent_again_with_the_same_id(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with Receiver() as receiver, opened(tmp_path) as ledger:
            await add_job(ledger, "img-1", receiver.url("a"))
            await end_job(ledger, "img-1")
            await killed_after_sending(tmp_path)
            assert [seen.id for seen in receiver.seen] == ["msg-img-1-1"]
            async with sending(ledger, told):
                await told.heard("webhook_delivered", 2)
            assert [seen.id for seen in receiver.seen] == ["msg-img-1-1", "msg-img-1-1", "msg-img-1-2"]
            assert receiver.seen[0].body == receiver.seen[1].body
            for seen in receiver.seen:
                Webhook(SECRETS[0]).verify(seen.body, dict(seen.headers))

    asyncio.run(story())
