"""Streams in one process, where heartbeats come fast: comments, errors after the headers, bodies that trickle."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer

from router.building import policy_of, settings_of
from router.live import Router
from router.server import app, exchange, making, reading, streams

from .serving import GPU, KLEIN, SMALL, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(reading, "_READ_S", 0.3)


def serving(folder: Path, story: Callable[[TestClient[Any, Any], Router], Coroutine[Any, Any, None]], *,
            scale: float = 0.03) -> None:
    write_settings(folder, f"{GPU}\ntime_scale = {scale}")

    async def told() -> None:
        settings = settings_of(folder / "router.toml", {})
        async with (Router(settings, policy_of(None, {}), environ={}) as router,
                    TestClient(TestServer(app.make_app(router))) as client):
            await story(client, router)

    asyncio.run(told())


def body(prompt: str, **fields: Any) -> dict[str, Any]:
    return {"prompt": prompt, "model": KLEIN, "size": SMALL, "stream": True} | fields


def test_a_quiet_line_is_kept_open_by_comments(tmp_path: Path) -> None:
    async def story(client: TestClient[Any, Any], _: Router) -> None:
        answer = await client.post("/v1/images/generations", json=body("a cat"))
        text = await answer.text()
        assert text.startswith(": still working\n\n")
        assert text.count("event: image_generation.completed\n") == 1

    serving(tmp_path, story)


def test_an_error_after_the_headers_is_an_event(tmp_path: Path) -> None:
    async def story(client: TestClient[Any, Any], _: Router) -> None:
        answer = await client.post("/v1/images/generations", json=body("sandbox:fail"))
        assert answer.status == 200
        last = (await answer.text()).split("\n\n")[-2]
        name, _, data = last.partition("\ndata: ")
        assert name == "event: error"
        assert set(json.loads(data)["error"]) == {"message", "type", "param", "code"}

    serving(tmp_path, story)


def test_no_byte_stays_counted_after_a_stream(tmp_path: Path) -> None:
    async def story(client: TestClient[Any, Any], router: Router) -> None:
        await (await client.post("/v1/images/generations", json=body("a cat", n=2))).read()
        await (await client.post("/v1/images/generations", json=body("a cat", n=2, stream=False))).read()
        assert router.gate.held_bytes == 0
        assert (await (await client.get("/readyz")).json())["in_flight"] == 0

    serving(tmp_path, story, scale=0.001)


def test_a_body_that_trickles_gives_its_place_back(tmp_path: Path) -> None:
    async def story(client: TestClient[Any, Any], _: Router) -> None:
        async def trickle() -> Any:
            yield b'{"prompt": '
            await asyncio.sleep(5)

        answer = await client.post("/v1/images/generations", data=trickle(), headers={
            "content-type": "application/json"})
        assert answer.status == 408
        assert answer.headers["x-should-retry"] == "true"

    serving(tmp_path, story)


def test_what_was_paid_for_goes_out_as_base64_where_no_file_can_be_kept(tmp_path: Path) -> None:
    async def story(client: TestClient[Any, Any], router: Router) -> None:
        router.store.settings = router.store.settings.__class__(tmp_path / "router.toml" / "no folder")
        answer = await client.post("/v1/images/generations", json=body("a cat", stream=False, response_format="url"))
        assert answer.status == 200
        assert answer.headers["x-router-ignored"] == "response_format"
        assert (await answer.json())["data"][0]["b64_json"]

    serving(tmp_path, story, scale=0.001)


def test_a_fault_of_the_server_is_an_answer_and_says_nothing_of_the_request(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(client: TestClient[Any, Any], router: Router) -> None:
        async def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("a secret cat")

        router.answer = broken  # type: ignore[method-assign,assignment]
        answer = await client.post("/v1/images/generations", json=body("a secret cat", stream=False))
        told = await answer.text()
        assert (answer.status, json.loads(told)["error"]["code"]) == (500, "internal_error")
        assert answer.headers["x-should-retry"] == "false"
        assert "secret" not in told + caplog.text
        assert "test_streams.py" in caplog.text
        assert 'breakeven_faults_total{kind="ZeroDivisionError"} 1.0' in await (await client.get("/metrics")).text()

    serving(tmp_path, story)


def test_a_reader_that_has_stopped_is_cut_off_and_its_image_kept(tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    sending = making.send_images

    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(9)

    async def story(client: TestClient[Any, Any], router: Router) -> None:
        monkeypatch.setattr(exchange, "_SEND_S", 0.1)
        monkeypatch.setattr(making, "send_images", never)
        with pytest.raises(ClientError):
            await client.post("/v1/images/generations", json=body("a cat", stream=False))
        assert router.gate.held_bytes == 0
        monkeypatch.setattr(making, "send_images", sending)
        again = await client.post("/v1/images/generations", json=body("a cat", stream=False), headers={
            "x-stainless-retry-count": "1"})
        assert again.headers["x-router-replayed"] == "true"

    serving(tmp_path, story, scale=0.001)


def test_a_fault_in_the_middle_of_an_answer_cuts_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(streams, "completed_event", broken)

    async def story(client: TestClient[Any, Any], router: Router) -> None:
        answer = await client.post("/v1/images/generations", json=body("a cat"))
        with pytest.raises(ClientError):
            await answer.read()
        assert router.gate.held_bytes == 0

    serving(tmp_path, story)
