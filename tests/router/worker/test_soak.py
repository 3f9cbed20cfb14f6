"""Two hundred mixed requests of which three in ten hang up: no work without an owner, and memory stays flat."""

from __future__ import annotations

import asyncio
import random
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .working import Worker

pytestmark = pytest.mark.torch

REQUESTS, AT_ONCE, SHARE_GONE = 200, 24, 0.3
SIZES = ("64x64", "128x96", "256x128", "96x256")
KINDS = ("plain", "batch", "edit", "stream", "styled", "file", "large")


def rss_mib(worker: Worker) -> float:
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def picture() -> bytes:
    file = BytesIO()
    Image.new("RGB", (96, 96), "navy").save(file, "PNG")
    return file.getvalue()


async def ask(client: aiohttp.ClientSession, worker: Worker, kind: str, chance: random.Random) -> str:
    fields: dict[str, Any] = {"prompt": "a pear", "size": chance.choice(SIZES), "seed": chance.randrange(1000),
                              "num_inference_steps": chance.choice((1, 2, 4, 8)), "user": f"t{chance.randrange(4)}"}
    more = {"batch": {"n": chance.randint(2, 5)}, "stream": {"stream": True}, "styled": {"lora": {"name": "brand"}},
            "file": {"response_format": "file"}, "large": {"upscale": 2}}.get(kind, {})
    path, content = "generations", {"json": fields | more}
    if kind == "edit":
        form = aiohttp.FormData({name: str(value) for name, value in fields.items()})
        form.add_field("image", picture(), filename="a.png", content_type="image/png")
        path, content = "edits", {"data": form}
    patience = chance.uniform(0.01, 0.6) if chance.random() < SHARE_GONE else 120.0
    try:
        async with asyncio.timeout(patience), client.post(f"{worker.url}/v1/images/{path}", **content) as answer:
            await answer.read()
            return str(answer.status)
    except TimeoutError:
        return "gone"


async def wave(worker: Worker, requests: int, seed: int) -> list[str]:
    chance, gate = random.Random(seed), asyncio.Semaphore(AT_ONCE)

    async with aiohttp.ClientSession() as client:
        async def one(kind: str) -> str:
            async with gate:
                return await ask(client, worker, kind, chance)
        return await asyncio.gather(*(one(KINDS[number % len(KINDS)]) for number in range(requests)))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hang_ups_leave_no_work_and_no_memory_behind(
        start: Callable[..., Worker], tiny: Mapping[str, Path], tmp_path: Path) -> None:
    from router.worker.random_weights import save_tiny_lora

    save_tiny_lora(tmp_path / "brand.safetensors", "klein")
    worker = start("--model", str(tiny["klein"]), "--lora-folder", str(tmp_path), "--most-waiting", "64",
                   MALLOC_ARENA_MAX="2")
    asyncio.run(wave(worker, 70, seed=1))
    worker.until("under_way", 0)
    before = rss_mib(worker)
    ended = asyncio.run(wave(worker, REQUESTS, seed=2))
    worker.until("under_way", 0)
    worker.until("waiting", 0)
    assert set(ended) <= {"200", "gone"}
    assert ended.count("gone") >= REQUESTS * 0.1
    assert worker.metric("waiting_seconds") == 0
    images = worker.metric("images_total")
    assert worker.generate().status_code == 200
    assert worker.metric("images_total") == images + 1
    assert worker.metric("failures_total") == 0
    assert rss_mib(worker) - before < 48, (before, rss_mib(worker))
    assert worker.stop() == 0
    assert "Traceback" not in worker.said
