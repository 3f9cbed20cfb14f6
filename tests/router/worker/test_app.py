"""The worker over HTTP: what it answers, refuses and counts."""

from __future__ import annotations

import base64
import json
import pickle
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2 as httpx
import openai
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .working import Worker

pytestmark = pytest.mark.torch


def png(side: int = 64) -> bytes:
    file = BytesIO()
    Image.new("RGB", (side, side), "red").save(file, "PNG")
    return file.getvalue()


def picture(file: bytes) -> Image.Image:
    return Image.open(BytesIO(file))


def client_of(worker: Worker) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{worker.url}/v1", api_key="none", max_retries=0)


def hang_up(worker: Worker, **fields: Any) -> socket.socket:
    """A request whose caller can leave whenever it likes."""
    body = json.dumps({"prompt": "a pear", "size": "64x48"} | fields).encode()
    line = socket.create_connection(("127.0.0.1", urlsplit(worker.url).port or 0))
    line.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    return line


def test_a_generation_says_what_was_made_and_can_be_repeated(worker: Worker) -> None:
    first = worker.generate(n=5, seed=11).json()
    files = [base64.b64decode(each["b64_json"]) for each in first["data"]]
    assert [picture(file).size for file in files] == [(64, 48)] * 5
    assert (first["size"], first["model"], first["output_format"]) == ("64x48", "klein", "png")
    about = first["worker"]
    assert (about["seed"], about["steps"], about["batches"], about["joules"]) == (11, 2, 2, None)
    assert about["seconds"]["make"] > 0
    fourth = base64.b64decode(worker.generate(seed=15).json()["data"][0]["b64_json"])
    assert picture(fourth).tobytes() == picture(files[4]).tobytes()


def test_a_bare_file_an_enlarged_one_and_a_styled_one(worker: Worker) -> None:
    bare = worker.generate(seed=1, response_format="file", output_format="webp")
    assert (bare.headers["content-type"], picture(bare.content).format) == ("image/webp", "WEBP")
    assert (bare.headers["x-worker-seed"], bare.headers["x-worker-size"]) == ("1", "64x48")
    assert "x-worker-upscaled-from" not in bare.headers
    large = worker.generate(seed=1, upscale=2).json()
    assert (large["size"], large["worker"]["upscaled_from"]) == ("128x96", "64x48")
    assert picture(base64.b64decode(large["data"][0]["b64_json"])).size == (128, 96)
    plain = worker.generate(seed=1).json()
    styled = worker.generate(seed=1, lora={"name": "brand", "path": "brand", "scale": 0.8}).json()
    assert styled["worker"]["seconds"]["lora"] > 0
    assert styled["data"] != plain["data"]
    assert worker.generate(seed=1).json()["data"] == plain["data"]


def test_an_edit_takes_a_form_and_shows_its_reference(worker: Worker) -> None:
    client = client_of(worker)
    asked = {"prompt": "at night", "size": "64x64", "extra_body": {"num_inference_steps": 2, "seed": 3}}
    red = client.images.edit(image=("a.png", png()), **asked)
    other = client.images.edit(image=[("a.png", png()), ("b.png", png(128))], **asked)
    assert picture(base64.b64decode(red.data[0].b64_json)).size == (64, 64)
    assert red.data[0].b64_json != other.data[0].b64_json


def test_a_stream_tells_every_step_and_ends_with_the_pictures(worker: Worker) -> None:
    events = list(client_of(worker).images.generate(
        prompt="a pear", model="auto", size="64x48", n=2, stream=True,
        extra_body={"num_inference_steps": 3, "seed": 4}))
    told = [event for event in events if event.type == "image_generation.progress"]
    assert [event.steps for event in told] == [3] * len(told)
    assert [event.steps_done for event in told] == sorted({event.steps_done for event in told})
    done = [event for event in events if event.type == "image_generation.completed"]
    whole = worker.generate(n=2, seed=4, num_inference_steps=3).json()
    assert [event.b64_json for event in done] == [each["b64_json"] for each in whole["data"]]


def test_the_steps_of_a_request_that_named_itself_can_be_asked_for(worker: Worker) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(worker.generate, num_inference_steps=60, headers={"X-Client-Request-Id": "mine"})
        seen: set[int] = set()
        while not running.done():
            asked = httpx.get(f"{worker.url}/v1/images/progress/mine")
            if asked.status_code == 200:
                assert asked.json()["steps"] == 60
                seen.add(asked.json()["steps_done"])
        assert running.result().status_code == 200
    assert len(seen) > 1
    assert httpx.get(f"{worker.url}/v1/images/progress/mine").status_code == 404


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"size": "20000x20000"}, 400, "invalid_size"), ({"size": "70x64"}, 400, "invalid_size"),
    ({"size": "x"}, 400, "invalid_size"), ({"n": 99}, 400, "invalid_value"), ({"n": 9}, 400, "invalid_value"),
    ({"n": True}, 400, "invalid_type"), ({"num_inference_steps": 10**30}, 400, "invalid_type"),
    ({"num_inference_steps": 5000}, 400, "invalid_value"), ({"prompt": 7}, 400, "invalid_type"),
    ({"prompt": ""}, 400, "missing_required_parameter"), ({"prompt": "a\0"}, 400, "invalid_value"),
    ({"seed": -1}, 400, "invalid_value"), ({"guidance_scale": "much"}, 400, "invalid_type"),
    ({"guidance_scale": 1e9}, 400, "invalid_value"), ({"upscale": 3}, 400, "invalid_value"),
    ({"response_format": "url"}, 400, "invalid_value"), ({"response_format": "file", "n": 2}, 400, "invalid_value"),
    ({"model": "gpt-image-2"}, 404, "model_not_found"), ({"model": {"a": 1}}, 404, "model_not_found"),
    ({"lora": {"name": "../../etc/passwd"}}, 400, "lora_not_found"),
    ({"lora": {"name": "brand", "path": "/etc/passwd"}}, 400, "lora_not_found"),
    ({"lora": {"name": "brand", "scale": 99}}, 400, "invalid_type"), ({"lora": 5}, 400, "invalid_type"),
    ({"output_format": "tiff"}, 400, "invalid_type"), ({"output_compression": 900}, 400, "invalid_value"),
    ({"routing": {"data_class": "public"}, "lora": "absent"}, 400, "lora_not_found")]


@pytest.mark.parametrize(("fields", "status", "code"), REFUSED)
def test_a_request_that_is_not_taken_touches_nothing(
        worker: Worker, fields: dict[str, Any], status: int, code: str) -> None:
    before = worker.metric("seconds_count", '{part="queue"}')
    answer = worker.generate(**fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert "\n" not in error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert worker.metric("seconds_count", '{part="queue"}') == before


def bomb(side: int) -> bytes:
    """A PNG that says it is `side` pixels wide and high."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b""))


@pytest.mark.parametrize(("files", "fields", "status", "code"), [
    ([("image", pickle.dumps({"w": [0.0] * 100}))], {}, 400, "invalid_image"),
    ([], {}, 415, "unsupported_media_type"),
    ([("image", bomb(9_000))], {}, 413, "too_large"), ([("image", bomb(90_000))], {}, 400, "invalid_image"),
    ([("image", png())] * 12, {}, 400, "invalid_form"), ([("image", png()), ("mask", png())], {}, 400,
                                                        "unsupported_parameter"),
    ([("image", png())], {f"f{number}": "x" for number in range(70)}, 400, "invalid_form"),
    ([("image", png())], {"prompt": "a" * 300_000}, 400, "invalid_form"),
    ([("image", png())], {"lora": "{"}, 400, "invalid_type"),
    ([("image", png())], {"lora": '{"name": "x", "path": "../x"}'}, 400, "lora_not_found"),
    ([("image", png()), ("image", bytes(70 * 2**20))], {}, 413, "too_large")])
def test_a_form_that_is_not_taken_touches_nothing(worker: Worker, files: list[tuple[str, bytes]],
                                                  fields: dict[str, str], status: int, code: str) -> None:
    before = worker.metric("seconds_count", '{part="queue"}')
    answer = httpx.post(f"{worker.url}/v1/images/edits", data={"prompt": "at night", "size": "64x64"} | fields,
                        files=[(name, ("a.png", data, "image/png")) for name, data in files], timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert worker.metric("seconds_count", '{part="queue"}') == before
    assert httpx.get(f"{worker.url}/health").status_code == 200


@pytest.mark.parametrize(("body", "kind", "code"), [
    (b"{", "application/json", "invalid_json"), (b"[" * 100_000, "application/json", "invalid_json"),
    (b"[]", "application/json", "invalid_json"), (b'{"prompt": NaN}', "application/json", "invalid_type"),
    (b"{}", "text/plain", "unsupported_media_type"), (b" " * (2**20 + 1), "application/json", "too_large")])
def test_a_body_that_cannot_be_read_is_refused(worker: Worker, body: bytes, kind: str, code: str) -> None:
    answer = httpx.post(f"{worker.url}/v1/images/generations", content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["code"] == code


def test_a_form_cut_off_or_of_nonsense_is_refused(worker: Worker) -> None:
    for body in (b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na', b"nonsense", b""):
        answer = httpx.post(f"{worker.url}/v1/images/edits", content=body,
                            headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert 400 <= answer.status_code < 500, body


@pytest.mark.parametrize("content", ["multipart/form-data; boundary=x", "application/json"])
def test_who_hangs_up_while_sending_leaves_no_trace(worker: Worker, content: str) -> None:
    path = "edits" if "multipart" in content else "generations"
    line = socket.create_connection(("127.0.0.1", urlsplit(worker.url).port or 0))
    line.sendall(f"POST /v1/images/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content}\r\nContent-Length: 5000\r\n"
                 '\r\n--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na'.encode())
    time.sleep(0.2)
    line.close()
    assert worker.generate().status_code == 200
    assert "Traceback" not in worker.said


def test_paths_and_methods_that_are_not_there_are_errors_like_others(worker: Worker) -> None:
    for method, path, status in (("GET", "/v1/images/generations", 405), ("POST", "/nowhere", 404),
                                 ("DELETE", "/health", 405)):
        answer = httpx.request(method, f"{worker.url}{path}")
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, None)


def test_who_hangs_up_while_images_are_made_stops_them_within_a_step(worker: Worker) -> None:
    stopped, images = worker.metric("stopped_between_steps_total"), worker.metric("images_total")
    line = hang_up(worker, num_inference_steps=100, size="256x256")
    worker.until("under_way", 1)
    line.close()
    worker.until("stopped_between_steps_total", stopped + 1)
    assert worker.metric("images_total") == images
    assert worker.metric("answers_total", '{code="hung_up",path="/v1/images/generations",status="499"}') >= 1
    assert worker.generate().status_code == 200


def test_who_hangs_up_while_waiting_leaves_the_line(worker: Worker) -> None:
    left = worker.metric("left_waiting_total")
    first = hang_up(worker, num_inference_steps=100, size="256x256")
    worker.until("under_way", 1)
    lines = [hang_up(worker) for _ in range(5)]
    worker.until("waiting", 5)
    for line in lines:
        line.close()
    worker.until("left_waiting_total", left + 5)
    assert worker.metric("waiting") == 0
    first.close()
    worker.until("under_way", 0)


def test_a_full_line_is_429_with_the_time_to_come_back(start: Callable[..., Worker], tiny: Mapping[str, Path]) -> None:
    worker = start("--model", str(tiny["klein"]), "--most-waiting", "2", "--no-warm-up")
    lines = [hang_up(worker, num_inference_steps=100, size="256x256")]
    worker.until("under_way", 1)
    lines += [hang_up(worker) for _ in range(2)]
    worker.until("waiting", 2)
    with pytest.raises(openai.RateLimitError) as caught:
        client_of(worker).images.generate(prompt="a pear", size="64x48", model="auto")
    assert caught.value.code == "queue_full"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 600
    assert caught.value.response.headers["x-should-retry"] == "true"
    assert worker.metric("answers_total", '{code="queue_full",path="/v1/images/generations",status="429"}') == 1
    for line in lines:
        line.close()
    worker.until("under_way", 0)


def test_what_was_made_and_not_taken_is_kept_for_who_asks_again(worker: Worker) -> None:
    """A caller with a tiny window that never reads: the answer cannot be sent, and the caller then hangs up."""
    undelivered, images = worker.metric("undelivered_total"), worker.metric("images_total")
    asked = {"prompt": "a pear", "size": "1024x1024", "num_inference_steps": 1, "seed": 5, "n": 2}
    body = json.dumps(asked).encode()
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", urlsplit(worker.url).port or 0))
    line.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Idempotency-Key: again\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    worker.until("images_total", images + 2)
    worker.until("under_way", 0)
    time.sleep(0.3)
    line.close()
    worker.until("undelivered_total", undelivered + 1)
    again = worker.generate(headers={"Idempotency-Key": "again"}, **asked)
    assert picture(base64.b64decode(again.json()["data"][0]["b64_json"])).size == (1024, 1024)
    assert worker.metric("images_total") == images + 2
    assert worker.metric("kept_answers_total") == 1
    assert worker.generate(headers={"Idempotency-Key": "again"}, **asked).status_code == 200
    assert worker.metric("images_total") == images + 4


def test_told_to_stop_it_finishes_what_it_took(start: Callable[..., Worker], tiny: Mapping[str, Path]) -> None:
    worker = start("--model", str(tiny["klein"]))
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(worker.generate, num_inference_steps=60) for _ in range(4)]
        worker.until("waiting", 3)
        assert worker.stop() == 0
        assert [each.result().status_code for each in running] == [200] * 4
    assert "Traceback" not in worker.said


def test_health_models_and_loras_tell_what_is_here(worker: Worker) -> None:
    health = httpx.get(f"{worker.url}/health").json()
    assert health == {"status": "ready", "model": "klein", "waiting": 0, "under_way": 0, "waiting_s": 0.0}
    (model,) = httpx.get(f"{worker.url}/v1/models").json()["data"]
    assert (model["id"], model["worker"]["pipeline"], model["worker"]["card"]) == ("klein", "Flux2KleinPipeline", "")
    (lora,) = httpx.get(f"{worker.url}/v1/loras").json()["data"]
    assert (lora["id"], lora["tensors"] > 0) == ("brand", True)


def test_a_key_is_asked_for_where_there_is_one(start: Callable[..., Worker], tiny: Mapping[str, Path]) -> None:
    worker = start("--model", str(tiny["klein"]), "--no-warm-up", BREAKEVEN_WORKER_KEY="s3cret")
    for headers in (None, {"Authorization": "Bearer s3cre"}, {"Authorization": "s3cret"}):
        assert worker.generate(headers=headers).json()["error"]["code"] == "invalid_api_key"
        assert httpx.get(f"{worker.url}/v1/models", headers=headers).status_code == 401
    assert worker.generate(headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert httpx.get(f"{worker.url}/health").status_code == 200
    assert "s3cret" not in worker.said
