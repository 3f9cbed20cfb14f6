"""Callers that hang up, more callers than there is room for, and lines that stay quiet for long."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from .serving import BFL, KLEIN, SLOW_GPU, SMALL, Server, form, metric, png, steady

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def slow(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    return serve(SLOW_GPU, f"{BFL}\ntime_scale = 0.001", server="most_in_flight = 2\nmost_body_mib = 1",
                 more=("--data", str(steady(tmp_path_factory.mktemp("data")))))


def call(server: Server, prompt: str, **fields: Any) -> http.client.HTTPConnection:
    """A request whose answer is not waited for."""
    line = http.client.HTTPConnection(server.host, timeout=10)
    body = {"prompt": prompt, "model": KLEIN, "size": SMALL} | fields
    line.request("POST", "/v1/images/generations", json.dumps(body), {"content-type": "application/json"})
    return line


def idle(server: Server) -> None:
    deadline = time.monotonic() + 10
    while server.ask("/readyz").json["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_an_image_whose_caller_hung_up_is_paid_kept_and_given_to_the_retry(slow: Server, *, stream: bool) -> None:
    prompt = "x" * (51 + stream)
    line = call(slow, prompt, stream=stream)
    assert slow.until("SELECT id FROM requests WHERE prompt_chars = ?", len(prompt))
    line.close()
    closed = slow.until("SELECT * FROM requests WHERE prompt_chars = ? AND state = 'ok'", len(prompt))
    assert closed[0]["n_delivered"] == 1
    time.sleep(0.2)  # until the picture is on disk
    again = slow.generate(prompt, headers={"x_stainless_retry_count": "1"})
    assert again.headers["x-router-replayed"] == "true"
    assert [row["state"] for row in slow.attempts(closed[0]["id"])] == ["billed"]
    assert len(slow.rows("SELECT id FROM requests WHERE prompt_chars = ?", len(prompt))) == 1


def test_nothing_further_is_paid_for_a_caller_that_hung_up(slow: Server) -> None:
    waited = slow.generate("sandbox:fail " + "x" * 41)
    assert waited.status == 502
    assert {row["backend"] for row in slow.attempts(waited.headers["x-router-request-id"])} == {"gpu", "bfl"}
    line = call(slow, "sandbox:fail " + "x" * 42)
    assert slow.until("SELECT id FROM requests WHERE prompt_chars = 55")
    line.close()
    closed = slow.until("SELECT * FROM requests WHERE prompt_chars = 55 AND state = 'failed'")
    assert [row["backend"] for row in slow.attempts(closed[0]["id"])] == ["gpu"]


def test_a_hang_up_is_counted_and_is_no_fault(slow: Server) -> None:
    page = slow.ask("/metrics").body.decode()
    assert metric(page, "breakeven_faults_total") == 0
    assert 'status="499"' in page


def test_more_requests_than_there_is_room_for_are_sent_away_at_once(slow: Server) -> None:
    idle(slow)
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(slow.generate, "x" * 61) for _ in range(2)]
        while slow.ask("/readyz").json["in_flight"] < 2:
            time.sleep(0.01)
        began = time.monotonic()
        away = slow.generate("x" * 62)
        assert time.monotonic() - began < 0.5
        assert (away.status, away.error["code"]) == (503, "overloaded")
        assert int(away.headers["retry-after"]) >= 1
        assert [one.result().status for one in running] == [200, 200]
    assert slow.rows("SELECT id FROM requests WHERE prompt_chars = 62") == []


def test_the_bytes_of_all_bodies_are_bounded_together(serve: Callable[..., Server],
                                                      tmp_path_factory: pytest.TempPathFactory) -> None:
    quicker = SLOW_GPU.replace("time_scale = 0.1", "time_scale = 0.04")
    server = serve(quicker, server="most_body_mib = 1", more=("--data", str(steady(tmp_path_factory.mktemp("data")))))
    body, kind = form(("prompt", b"make it blue", "", ""), ("size", SMALL.encode(), "", ""),
                      ("image", noise(), "a.png", "image/png"))
    assert 500_000 < len(body) < 2**20
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(server.ask, "/v1/images/edits", body, content_type=kind) for _ in range(16)]
        found = sorted(one.result().status for one in answers)
    assert set(found) == {200, 503}
    assert found.count(200) >= 8
    assert server.ask("/v1/images/edits", body, content_type=kind).status == 200


def noise() -> bytes:
    """A picture of some 900 kB: its head and tail, with bytes between that nobody decodes."""
    plain = png()
    return plain[:-12] + b"\0" * 900_000 + plain[-12:]


def test_an_early_error_of_a_stream_keeps_its_status(slow: Server) -> None:
    assert slow.generate("sandbox:refuse", stream=True).status == 400
