"""A server that only watches: it decides, notes what really happened, and never sends anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from router.cli import router

from .serving import GPU, OPENAI, Server, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-acme"
SECRET = "the heron project"  # noqa: S105 (a prompt that must not be kept)
ASK = {"prompt": SECRET, "size": "1024x1024"}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(OPENAI, GPU, tenant("acme", KEY, 'segment = "bulk"', "keep_prompts = true"), server='mode = "shadow"')


def shadows(server: Server) -> list[dict[str, Any]]:
    return server.rows("SELECT * FROM shadows ORDER BY watched_at")


def test_it_decides_and_notes_what_really_happened(server: Server) -> None:
    body = ASK | {"n": 2, "actual": {"model": "gpt-image-2 medium", "usd": 0.105, "state": "ok", "latency_s": 31.5}}
    answer = server.ask("/v1/shadow", body, key=KEY)
    plain = server.ask("/v1/decide", ASK | {"n": 2}, key=KEY)
    assert answer.status == 200
    assert {name: value for name, value in answer.json.items() if name != "recorded"} == plain.json
    row = shadows(server)[-1]
    assert (row["id"], row["tenant"], row["segment"], row["n"], row["option"]) == (
        answer.json["recorded"], "acme", "bulk", 2, plain.json["choice"])
    assert (row["actual_model"], row["actual_usd_micro"], row["actual_state"], row["actual_latency_s"]) == (
        "gpt-image-2 medium", 105_000, "ok", 31.5)
    assert row["policy_digest"] == plain.json["policy"]["digest"]
    assert SECRET not in json.dumps([*shadows(server), *server.requests()])


def test_nothing_is_ever_sent(server: Server) -> None:
    for path in ("/v1/images/generations", "/images/generations", "/v1/images/edits"):
        answer = server.ask(path, ASK, key=KEY)
        assert (answer.status, answer.error["code"]) == (403, "shadow_mode")
        assert "only watches" in answer.error["message"]
        assert "\n" not in answer.error["message"]
    waiting = server.ask("/v1/images/generations", ASK, key=KEY, prefer="respond-async")
    assert (waiting.status, waiting.error["code"]) == (403, "shadow_mode")
    assert server.ask("/v1/images/generations", ASK).status == 401
    assert server.ask("/v1/shadow", ASK).status == 401
    assert server.attempts() == server.rows("SELECT * FROM jobs") == []


def test_an_edit_states_sizes_and_what_cannot_be_made_has_its_reason(server: Server) -> None:
    edit = server.ask("/v1/shadow", ASK | {"references": ["1024x1024"], "model": "gpt-image-2"}, key=KEY)
    assert (edit.status, edit.json["model"]) == (200, "gpt-image-2")
    words = {"prompt": 'a slide: "one two three four five six"', "routing": {"data_class": "restricted"}}
    nowhere = server.ask("/v1/shadow", words | {"actual": {"state": "ok"}}, key=KEY)
    assert (nowhere.status, nowhere.json["choice"]) == (200, None)
    row = shadows(server)[-1]
    assert (row["option"], row["reason"], row["usd_micro"], row["actual_usd_micro"]) == ("", "text", 0, None)


def test_what_the_router_would_not_have_taken_is_noted_and_said(server: Server) -> None:
    answer = server.ask("/v1/shadow", ASK | {"model": "no-such-model", "actual": {"state": "ok"}}, key=KEY)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert shadows(server)[-1]["reason"] == "model_not_found"


@pytest.mark.parametrize("actual", [
    7, [], "ok", {"state": "maybe"}, {"usd": "free"}, {"usd": -1}, {"latency_s": "soon"}, {"surprise": 1},
    {"model": ["x"]}, {"usd": True}, {"latency_s": 1e99},
])
def test_an_actual_that_cannot_be_read_is_a_400_and_no_row(server: Server, actual: object) -> None:
    before = len(shadows(server))
    answer = server.ask("/v1/shadow", ASK | {"actual": actual}, key=KEY)
    assert (answer.status, answer.error["param"]) == (400, "actual")
    assert len(shadows(server)) == before


def test_the_report_prints_both_sides(server: Server) -> None:
    server.ask("/v1/shadow", ASK | {"actual": {"model": "dall", "usd": "0.04", "state": "ok"}}, key=KEY)
    day = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    words = ["shadow", "report", "--ledger", f"sqlite:///{server.folder}/books.sqlite", "--day", day]
    page = CliRunner().invoke(router, words, catch_exceptions=False)
    assert page.exit_code == 0
    assert "would have" in page.output
    assert "dall" in page.output
    document = json.loads(CliRunner().invoke(router, [*words, "--json"], catch_exceptions=False).output)
    assert document["requests"] == len(shadows(server))
    assert SECRET not in page.output


def test_a_server_that_serves_watches_too(serve: Callable[..., Server]) -> None:
    serving = serve(GPU)
    assert serving.ask("/v1/shadow", ASK).status == 200
    assert serving.generate().status == 200
    assert (len(shadows(serving)), len(serving.requests())) == (1, 1)
