"""From OpenAI's own client through `router serve` to `router worker` and a pipeline on disk, and back."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

import openai
import pytest
from PIL import Image
from server.serving import Server, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .working import Worker

pytestmark = pytest.mark.torch

MODEL, KEY = "flux-2-klein-4b", "of-the-worker"


@pytest.mark.parametrize("kind", ["dev", "klein"])
def test_a_tiny_pipeline_behind_the_router_answers_the_official_client(
        start: Callable[..., Worker], tiny: Mapping[str, Path], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("KEY_OF_THE_WORKER", KEY)
    worker = start("--model", str(tiny[kind]), "--name", MODEL, "--no-warm-up", BREAKEVEN_WORKER_KEY=KEY)
    write_settings(tmp_path, "\n".join((
        "[[backend]]", 'name = "gpu"', 'vendor = "worker"', f'base_url = "{worker.url}/v1"',
        f'models = ["{MODEL}"]', 'key_env = "KEY_OF_THE_WORKER"',
        'gpus = { gpu = "l40s", cards = 1, engine = "diffusers", precision = "bf16", watts = 350, usd_per_kwh = 0.15 }'
    )))
    server = Server(tmp_path).start()
    try:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        answer = client.images.generate(prompt="a red bicycle", model=MODEL, size="256x128", n=2)
        files = [base64.b64decode(each.b64_json) for each in answer.data]
        assert [Image.open(BytesIO(file)).size for file in files] == [(256, 128), (256, 128)]
        edited = client.images.edit(image=("a.png", files[0], "image/png"), prompt="at night", model=MODEL,
                                    size="128x128")
        assert Image.open(BytesIO(base64.b64decode(edited.data[0].b64_json))).size == (128, 128)
        requests, attempts = server.requests(), server.attempts()
    finally:
        server.stop()
    assert [(row["state"], row["n_delivered"], row["size_delivered"]) for row in requests] == [
        ("ok", 2, "256x128"), ("ok", 1, "128x128")]
    assert {(row["state"], row["backend"]) for row in attempts} == {("billed", "gpu")}
    assert worker.metric("images_total") == 3
    assert "bicycle" not in worker.said + server.said
    assert worker.stop() == 0
