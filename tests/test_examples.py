"""The examples in the documentation run as they stand."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.building import settings_of
from router.ledger.job_protocol import JobRow, Message
from router.settings import Secret
from router.webhooks.body import event_body
from router.webhooks.post import Post

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in EXAMPLES.glob("*.*"):
        if path.suffix in (".py", ".toml"):
            shutil.copy(path, tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BREAKEVEN_", "OPENAI_"))}
    return subprocess.run([sys.executable, *command], cwd=folder, env=clean, capture_output=True, text=True,
                          timeout=120, check=False)


def test_the_embedding_example(folder: Path) -> None:
    answer = run(folder, "embed.py")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "gpu/flux-2-klein-4b: 1024x1024, 0.000016 USD, simulated: True", "openai/gpt-image-2@medium: True",
        "refused: moderation_blocked", "gpu/flux-2-klein-4b: accepted"]


def test_the_client_example_against_the_server(folder: Path) -> None:
    command = [sys.executable, "-c", "from router.cli import main; main()", "serve", "--settings", "router.toml",
               "--port", "0"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        answer = run(folder, "client.py", url)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.startswith("made by gpu/flux-2-klein-4b for 0.000016 USD")
        job = run(folder, "job.py", url)
        assert job.returncode == 0, job.stderr
        assert job.stdout.splitlines() == ["accepted: queued", "done for 0.000032 USD", "2 images of 1024x1024"]
    finally:
        server.terminate()
        server.communicate(timeout=30)


SECRET = "whsec_" + "QUJD" * 12


async def posted(url: str) -> list[str]:
    """What the receiver makes of an event, its repetition, the next event, a stranger's, and an old copy."""
    now = datetime.now(tz=UTC)
    job = JobRow("img-1", "shop", "running", "generate", "bulk", "now", 1, now, now, now, usd_micro=23)
    first = Message("img-1", 1, "shop", url, event_body(job, at=now), now)
    second = replace(first, number=2, body=event_body(replace(job, state="done"), at=now))
    ours, strangers = Secret(SECRET), Secret("whsec_" + "Tm9w" * 12)
    post = Post(frozenset({"127.0.0.1"}), timeout_s=10)
    tries = [await post.send(message, [secret], at=now - timedelta(minutes=minutes)) for message, secret, minutes in (
        (first, ours, 0), (first, ours, 1), (second, ours, 0), (replace(second, number=3), strangers, 0),
        (replace(second, number=4), ours, 6))]
    await post.close()
    return [tried.code for tried in tries]


def test_the_webhook_receiver_example(folder: Path) -> None:
    receiver = subprocess.Popen([sys.executable, "webhook_receiver.py", "0"], cwd=folder, stdout=subprocess.PIPE,
                                env=os.environ | {"WEBHOOK_SECRET": f"whsec_{'eHl6' * 8} {SECRET}"}, text=True)
    try:
        assert receiver.stdout is not None
        codes = asyncio.run(posted(receiver.stdout.readline().strip()))
        assert codes == ["http_204", "http_204", "http_204", "http_400", "http_400"]
    finally:
        receiver.terminate()
        told, _ = receiver.communicate(timeout=30)
    assert told.splitlines() == ["image.job.running /v1/images/jobs/img-1 0.000023",
                                 "image.job.done /v1/images/jobs/img-1 0.000023"]


def test_the_lines_that_are_commented_out_can_be_used(folder: Path) -> None:
    path = folder / "router.toml"
    text, marked, tail = path.read_text().partition("# [[tenant]]")
    path.write_text(text + (marked + tail).replace("# ", ""))
    (tenant,) = settings_of(path, {"SHOP_WEBHOOK_SECRET": SECRET, "SHOP_WEBHOOK_SECRET_NEXT": SECRET}).tenants
    assert (tenant.name, len(tenant.webhook_secrets)) == ("shop", 2)
