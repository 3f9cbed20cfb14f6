"""Paths that make no image: errors in OpenAI's shape, answers that cost nothing, and no row in the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import BFL, GPU, KLEIN, OPENAI, Server

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(OPENAI, BFL, GPU)


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/v2/images", "POST", 404), ("/v1/images/generations", "GET", 405), ("/v1/models/nothing", "GET", 404),
    ("/v1/images/files/..%2f..%2fhash.key", "GET", 404), ("/v1/images/files/" + "A" * 22 + ".png", "GET", 404),
    ("/v1/images/variations", "POST", 404), ("/v1/models/%0a%00", "GET", 404), ("/%ff", "GET", 404),
])
def test_other_paths(server: Server, path: str, method: str, status: int) -> None:
    answer = server.ask(path, method=method)
    assert answer.status == status
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.headers.get("allow", "POST") == "POST"


@pytest.mark.parametrize(("path", "body", "param"), [
    ("/v1/decide", {"prompt": ""}, "prompt"), ("/v1/decide", {"prompt": "x", "references": ["big"]}, "references"),
    ("/v1/decide", {"prompt": "x", "references": "1x1"}, "references"),
    ("/v1/decide", {"prompt": "x", "references": [1] * 17}, "references"),
    ("/v1/images/img-1/outcome", {"verdict": "fine"}, "verdict"),
    ("/v1/images/img-1/outcome", {"verdict": []}, "verdict"),
    ("/v1/images/img-1/outcome", {"verdict": "accepted", "image": 10**30}, "image"),
    ("/v1/images/img-1/outcome", {"verdict": "accepted", "image": -1}, "image"),
    ("/v1/images/img-1/outcome", {"verdict": "accepted", "reason": 7}, "reason"),
    ("/v1/images/img-1/outcome", {"verdict": "accepted", "reviewer_seconds": 1e308}, "reviewer_seconds"),
])
def test_bad_questions_leave_no_row(server: Server, path: str, body: Any, param: str) -> None:
    before = len(server.requests())
    answer = server.ask(path, body)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert len(server.requests()) == before


def test_decide_answers_for_an_edit_by_the_sizes_of_its_images(server: Server) -> None:
    question = {"prompt": "make it blue", "model": "gpt-image-2", "references": ["1024x1024", "512x512"], "mask": True}
    answer = server.ask("/v1/decide", question)
    assert answer.json["model"] == "gpt-image-2"
    flux = next(option for option in answer.json["options"] if option["model"] == KLEIN)
    assert flux["allowed"] is False
    assert server.requests() == []


def test_an_outcome_is_noted_with_its_request(server: Server) -> None:
    made = server.generate()
    path = f"/v1/images/{made.headers['x-router-request-id']}/outcome"
    said = {"verdict": "rejected", "reason": "two wheels too many", "reviewer_seconds": 4}
    assert server.ask(path, said).status == 200
    assert server.rows("SELECT verdict, reason FROM outcomes") == [
        {"verdict": "rejected", "reason": "two wheels too many"}]
    assert server.ask("/v1/images/img-unknown/outcome", {"verdict": "accepted"}).status == 404


def test_the_server_tells_how_it_is(server: Server) -> None:
    assert server.ask("/healthz").json == {"status": "ok"}
    assert server.ask("/readyz").json["status"] == "ready"
