"""Replicas under Ray Serve: the same answers, and none lost with a replica that dies."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2 as httpx
import openai
import pytest
from PIL import Image
from server.serving import Server, write_settings

from router.errors import CannotLoad
from router.worker.loading import Loading
from router.worker.ray_serve import RayPlan, build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .working import Worker

pytestmark = pytest.mark.torch

MODEL = "flux-2-klein-4b"


def parents() -> dict[int, int]:
    found = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                found[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def replicas_of(worker: Worker) -> list[int]:
    """Processes of the replicas that this worker has started, and no others."""
    above = parents()

    def is_ours(process: int) -> bool:
        while process in above:
            if process == worker.process.pid:
                return True
            process = above[process]
        return False

    names = {each: Path(f"/proc/{each}/cmdline") for each in above}
    return [each for each, path in names.items()
            if path.exists() and b"ServeReplica:breakeven-worker:worker" in path.read_bytes() and is_ours(each)]


@pytest.fixture(scope="module")
def under_ray(tiny: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    from .working import Worker

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    running = Worker(tmp_path_factory.mktemp("ray"), ("--model", str(tiny["dev"]), "--name", MODEL, "--no-warm-up",
                                                      "--ray", "--replicas", "2", "--port", port))
    yield running.start()
    ended = running.stop()
    assert ended == 0, running.said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_replica_that_dies_takes_no_accepted_request_with_it(under_ray: Worker, tmp_path: Path) -> None:
    write_settings(tmp_path, "\n".join((
        "[[backend]]", 'name = "gpu"', 'vendor = "worker"', f'base_url = "{under_ray.url}/v1"',
        f'models = ["{MODEL}"]', "concurrent = 24",
        'gpus = { gpu = "l40s", cards = 2, engine = "diffusers", precision = "bf16", watts = 350, usd_per_kwh = 0.15 }'
    )))
    server = Server(tmp_path).start()
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=240)

    def ask(number: int) -> tuple[int, int]:
        answer = client.images.generate(prompt=f"pear {number}", model=MODEL, size="256x128", n=1,
                                        extra_body={"steps": 40})
        return Image.open(BytesIO(base64.b64decode(answer.data[0].b64_json))).size

    try:
        before = replicas_of(under_ray)
        assert len(before) == 2
        with ThreadPoolExecutor(24) as pool:
            running = [pool.submit(ask, number) for number in range(24)]
            server.until("SELECT id FROM attempts WHERE state = 'billed'", within_s=120)
            os.kill(before[0], signal.SIGKILL)
            assert [each.result() for each in running] == [(256, 128)] * 24
        rows = server.requests()
    finally:
        server.stop()
    assert [(row["state"], row["n_delivered"]) for row in rows] == [("ok", 1)] * 24
    deadline = time.monotonic() + 120
    while len(alive := replicas_of(under_ray)) < 2 or before[0] in alive:
        assert time.monotonic() < deadline, "the replica did not come back"
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_app_is_the_same_under_ray(under_ray: Worker) -> None:
    asked = {"n": 3, "seed": 5, "model": MODEL}
    first, again = (under_ray.generate(**asked).json() for _ in range(2))
    assert first["data"] == again["data"]
    assert first["worker"]["seed"] == 5
    refused = under_ray.generate(size="20000x20000")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_size")
    events = [event.type for event in openai.OpenAI(base_url=f"{under_ray.url}/v1", api_key="x").images.generate(
        prompt="a pear", model=MODEL, size="64x48", stream=True, extra_body={"num_inference_steps": 3})]
    assert events == ["image_generation.progress"] * (len(events) - 1) + ["image_generation.completed"]
    large = httpx.post(f"{under_ray.url}/v1/images/generations", content=b" " * (65 * 2**20), timeout=60,
                       headers={"Content-Type": "application/json"})
    assert large.status_code == 413


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_who_hangs_up_under_ray_stops_the_work(under_ray: Worker) -> None:
    """A replica alone would need minutes for what is asked here; after the hang-ups both answer at once."""
    body = json.dumps({"prompt": "a pear", "size": "512x512", "num_inference_steps": 100, "n": 8}).encode()
    lines = []
    for _ in range(6):
        line = socket.create_connection(("127.0.0.1", urlsplit(under_ray.url).port or 0))
        line.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        lines.append(line)
    deadline = time.monotonic() + 60
    while not httpx.get(f"{under_ray.url}/health", timeout=60).json()["under_way"]:
        assert time.monotonic() < deadline
    for line in lines:
        line.close()
    idle = 0
    while idle < 6:
        health = httpx.get(f"{under_ray.url}/health", timeout=60).json()
        idle = 0 if health["under_way"] + health["waiting"] else idle + 1
        assert time.monotonic() < deadline + 60, health


@pytest.mark.parametrize(("arguments", "text"), [
    ({"model": "a/b", "modle": "x"}, "args: modle: unknown; use only"),
    ({"model": "a/b", "least": 3, "most": 2}, "replicas = 3 to 2"), ({"model": "a/b", "dtype": "fp64"}, "dtype = ")])
def test_arguments_of_a_config_file_are_checked(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(CannotLoad, match=text):
        build(arguments)


# Ray's own classes are declared in a way that pydantic wants changed.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_config_file_of_the_docs_can_be_deployed() -> None:
    import yaml

    page = (Path(__file__).parents[3] / "docs" / "many_gpus.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (application,) = yaml.safe_load(block)["applications"]
    assert application["import_path"] == "router.worker.ray_serve:build"
    assert build(application["args"]) is not None


def test_a_plan_says_how_many_replicas() -> None:
    with pytest.raises(CannotLoad, match="replicas = 0 to 1"):
        RayPlan(Loading("a/b"), least=0)
