"""One intent, one payment: keys, repetitions, retries of a client, answers that come late."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest

from .serving import GPU, KLEIN, LATE, SLOW_GPU, SMALL, Answer, Server, steady

if TYPE_CHECKING:
    from collections.abc import Callable

RETRY = {"x_stainless_retry_count": "1"}


@pytest.fixture(scope="module")
def slow(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    return serve(SLOW_GPU, more=("--data", str(steady(tmp_path_factory.mktemp("data")))))


@pytest.fixture(scope="module")
def quick(serve: Callable[..., Server]) -> Server:
    return serve(GPU)


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"idempotency_key": key} | more


def image(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return str(answer.json["data"][0]["b64_json"])


def paid(server: Server, prompt_chars: int) -> list[dict[str, Any]]:
    """Every attempt for prompts of a length, which tells the tests apart."""
    return server.rows("SELECT attempts.* FROM attempts JOIN requests ON requests.id = request_id "
                       "WHERE prompt_chars = ?", prompt_chars)


def test_the_same_key_gets_the_same_image(quick: Server) -> None:
    first, second = (quick.generate("x" * 11, headers=keyed("same")) for _ in range(2))
    assert image(first) == image(second)
    assert "x-router-replayed" not in first.headers
    assert second.headers["x-router-replayed"] == "true"
    for name in ("request-id", "cost-usd", "option", "delivered-size", "delivered-n", "asked-n"):
        assert first.headers[f"x-router-{name}"] == second.headers[f"x-router-{name}"]
    assert len(paid(quick, 11)) == 1


def test_a_key_survives_the_end_of_the_process(quick: Server) -> None:
    first = quick.generate("x" * 12, headers=keyed("kept"))
    quick.restart(signal.SIGKILL)
    second = quick.generate("x" * 12, headers=keyed("kept"))
    assert image(first) == image(second)
    assert len(paid(quick, 12)) == 1


def test_other_parameters_under_a_key_are_refused(quick: Server) -> None:
    quick.generate("x" * 13, headers=keyed("mine"))
    other = quick.generate("y" * 13, headers=keyed("mine"))
    assert (other.status, other.error["code"]) == (422, "idempotency_key_reused")
    assert other.headers["x-should-retry"] == "false"
    assert len(paid(quick, 13)) == 1


def test_a_refused_request_frees_its_key(quick: Server) -> None:
    assert quick.generate("sandbox:refuse", headers=keyed("again")).status == 400
    assert quick.generate("x" * 14, headers=keyed("again")).status == 200


def test_a_key_expires(quick: Server) -> None:
    first = quick.generate("x" * 17, headers=keyed("old"))
    quick.write("UPDATE idempotency_keys SET expires_at = 1 WHERE key = 'old'")
    second = quick.generate("y" * 18, headers=keyed("old"))
    assert image(first) != image(second)
    assert "x-router-replayed" not in second.headers


def test_an_answer_whose_picture_has_expired_is_gone_and_not_paid_again(quick: Server) -> None:
    answer = quick.generate("x" * 19, response_format="url", headers=keyed("gone"))
    address = answer.json["data"][0]["url"].removeprefix(quick.url)
    assert quick.ask(address).status == 200
    for file in (quick.folder / "pictures").glob("??/*"):
        os.utime(file, (1, 1))
    assert quick.ask(address).status == 404
    again = quick.generate("x" * 19, headers=keyed("gone"))
    assert (again.status, again.error["code"], again.headers["x-should-retry"]) == (410, "answer_expired", "false")
    assert len(paid(quick, 19)) == 1


def test_a_stream_and_a_whole_answer_share_a_key(quick: Server) -> None:
    whole = quick.generate("x" * 15, headers=keyed("both"))
    stream = quick.generate("x" * 15, stream=True, headers=keyed("both"))
    assert stream.body.startswith(b"event: image_generation.completed")
    assert image(whole).encode() in stream.body
    assert len(paid(quick, 15)) == 1


def test_without_a_key_every_request_is_its_own(quick: Server) -> None:
    assert image(quick.generate("x" * 16)) != image(quick.generate("x" * 16))
    assert len(paid(quick, 16)) == 2


@pytest.mark.parametrize(("headers", "chars"), [(keyed("shared"), 21), (RETRY, 22)])
def test_a_repetition_joins_what_runs(slow: Server, headers: dict[str, str], chars: int) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(slow.generate, "x" * chars, headers=headers if chars == 21 else None)
        assert slow.until("SELECT id FROM requests WHERE prompt_chars = ?", chars)
        others = [pool.submit(slow.generate, "x" * chars, headers=headers) for _ in range(3)]
        images = {image(one.result()) for one in (first, *others)}
    assert len(images) == 1
    assert [one.result().headers.get("x-router-replayed") for one in (first, *others)] == [None, "true", "true", "true"]
    assert len(paid(slow, chars)) == 1


@pytest.mark.parametrize(("headers", "chars"), [(keyed("late"), 31), ({}, 32)])
def test_a_retry_after_the_deadline_gets_the_late_image_and_pays_nothing(
        slow: Server, headers: dict[str, str], chars: int) -> None:
    first = slow.generate("x" * chars, routing=LATE, headers=headers)
    assert (first.status, first.headers["x-should-retry"]) == (504, "true")
    assert "same parameters" in first.error["message"]
    second = slow.generate("x" * chars, routing={"deadline_s": 60}, headers=headers | RETRY)
    assert image(second)
    assert second.headers["x-router-replayed"] == "true"
    assert second.json["created"] > 1_700_000_000
    attempts = paid(slow, chars)
    assert [(row["state"], row["images"]) for row in attempts] == [("billed", 1)]
    assert "late" in attempts[0]["flags"]


@pytest.mark.parametrize(("headers", "chars"), [(keyed("much later"), 33), ({}, 34)])
def test_a_retry_long_after_the_deadline_gets_the_late_image(slow: Server, headers: dict[str, str], chars: int) -> None:
    assert slow.generate("x" * chars, routing=LATE, headers=headers).status == 504
    assert slow.until("SELECT attempts.id FROM attempts JOIN requests ON requests.id = request_id "
                      "WHERE prompt_chars = ? AND attempts.state = 'billed'", chars)
    time.sleep(0.2)  # until its picture is on disk
    again = slow.generate("x" * chars, headers=headers | RETRY)
    assert image(again)
    assert again.headers["x-router-replayed"] == "true"
    assert len(paid(slow, chars)) == 1


def test_a_late_key_survives_the_end_of_the_process(slow: Server) -> None:
    assert slow.generate("x" * 35, routing=LATE, headers=keyed("late and kept")).status == 504
    assert slow.until("SELECT key FROM idempotency_keys WHERE key = 'late and kept' AND state = 'done'")
    slow.restart()
    assert image(slow.generate("x" * 35, headers=keyed("late and kept")))
    assert len(paid(slow, 35)) == 1


def test_the_official_client_retries_into_the_late_image(slow: Server) -> None:
    with openai.OpenAI(base_url=f"{slow.url}/v1", api_key="any", max_retries=2) as client:
        answer = client.images.generate(prompt="x" * 36, model=KLEIN, size=SMALL, extra_body={"routing": LATE})
    assert answer.data[0].b64_json
    assert len(paid(slow, 36)) == 1


def test_a_client_that_gave_up_waiting_retries_into_the_running_answer(slow: Server) -> None:
    """The client's own time-out closes the line; its retry must find the image that was still being made."""
    with openai.OpenAI(base_url=f"{slow.url}/v1", api_key="any", max_retries=4, timeout=0.3) as client:
        answer = client.images.generate(prompt="x" * 37, model=KLEIN, size=SMALL)
    assert answer.data[0].b64_json
    assert len(paid(slow, 37)) == 1


def test_a_key_that_runs_in_another_process_conflicts(slow: Server, serve: Callable[..., Server]) -> None:
    other = Server(slow.folder, slow.more).start()
    try:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(slow.generate, "x" * 41, headers=keyed("elsewhere"))
            assert slow.until("SELECT key FROM idempotency_keys WHERE key = 'elsewhere'")
            with (openai.OpenAI(base_url=f"{other.url}/v1", api_key="any", max_retries=0) as client,
                  pytest.raises(openai.ConflictError) as caught):
                client.images.generate(prompt="x" * 41, model=KLEIN, size=SMALL,
                                       extra_headers={"Idempotency-Key": "elsewhere"})
            assert caught.value.response.headers["x-should-retry"] == "true"
            assert image(first.result()) == image(other.generate("x" * 41, headers=keyed("elsewhere")))
    finally:
        other.stop()
    assert len(paid(slow, 41)) == 1


def test_a_key_whose_process_died_while_it_was_paying_is_not_paid_again(slow: Server) -> None:
    with ThreadPoolExecutor() as pool:
        broken = pool.submit(slow.generate, "x" * 42, headers=keyed("killed"))
        assert slow.until("SELECT id FROM attempts WHERE state IN ('reserved', 'sent')")
        slow.restart(signal.SIGKILL)
        with pytest.raises((ConnectionError, OSError)):
            broken.result()
    again = slow.generate("x" * 42, headers=keyed("killed"))
    assert (again.status, again.error["code"]) == (409, "idempotency_key_running")
    assert len(paid(slow, 42)) == 1
