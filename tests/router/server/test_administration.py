"""Tenants and administrators: who may what, policies published while the server runs, what was spent."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from .serving import GPU, KLEIN, SMALL, Server, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, ADMIN = "sk-acme", "sk-admin"
POLICY = """schema = 1
name = "{name}"
[segment.default]
size = "{size}"
qualities = {{ gpt-image = ["medium"] }}
"""
TENANTS = (tenant("acme", KEY, 'segment = "bulk"', 'data_class = "confidential"', 'answers = "url"'),
           tenant("boss", ADMIN, "admin = true"))
TOML = {"content_type": "application/toml"}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "current.toml").write_text(POLICY.format(name="first", size="256x256"))
    return serve(GPU, *TENANTS, policy=str(folder / "current.toml"))


@pytest.fixture(scope="module")
def opened(serve: Callable[..., Server]) -> Server:
    return serve(GPU)


def auto_size(server: Server) -> str:
    return server.generate(key=KEY, size="auto").headers["x-router-delivered-size"]


def test_an_administrator_publishes_and_goes_back_while_the_server_runs(server: Server) -> None:
    assert auto_size(server) == "256x256"
    second = server.ask("/v1/admin/policy?why=larger", POLICY.format(name="second", size="320x320").encode(),
                        key=ADMIN, **TOML)
    assert (second.status, second.json["name"], second.json["in_force"]) == (200, "second", True)
    assert auto_size(server) == "320x320"
    assert server.requests()[-1]["policy_digest"] == second.json["digest"]
    third = server.ask("/v1/admin/policy", POLICY.format(name="third", size="192x192").encode(), key=ADMIN, **TOML)
    assert auto_size(server) == "192x192"
    back = server.ask("/v1/admin/policy/rollback", {"why": "too small"}, key=ADMIN)
    assert (back.status, back.json["digest"]) == (200, second.json["digest"])
    assert auto_size(server) == "320x320"
    history = server.ask("/v1/admin/policy/history", key=ADMIN).json
    assert [entry["in_force"] for entry in history["data"]] == [False, False, True]
    assert [(entry["by"], entry["why"]) for entry in history["audit"]] == [
        ("tenant boss", "larger"), ("tenant boss", ""), ("tenant boss", "too small")]
    assert server.ask("/v1/admin/policy/rollback", {"to": third.json["version"]}, key=ADMIN).status == 200
    told = server.ask("/v1/admin/policy", key=ADMIN).json
    assert (told["name"], told["digest"]) == ("third", third.json["digest"])
    assert 'name = "third"' in told["toml"]


@pytest.mark.parametrize(("body", "says"), [
    (b"not toml", "not TOML"), (b"\xff", "UTF-8"), (b"schema = 2", "schema"), (b"[segment.hero]\nsize = 'big'", "size"),
    (b"[data_class.restricted]\nown_only = false", "restricted"), (b"x" * 300_000, "bytes"),
    (b"surprise = 1", "unknown key"),
])
def test_a_policy_that_cannot_be_used_changes_nothing(server: Server, body: bytes, says: str) -> None:
    before = server.ask("/v1/admin/policy", key=ADMIN).json["digest"]
    answer = server.ask("/v1/admin/policy", body, key=ADMIN, **TOML)
    assert answer.status in (400, 413)
    assert says in answer.error["message"]
    assert "/tmp" not in answer.error["message"]  # noqa: S108 (no path of this machine)
    assert server.ask("/v1/admin/policy", key=ADMIN).json["digest"] == before


@pytest.mark.parametrize(("path", "body", "status"), [
    ("/v1/admin/policy/rollback", {"to": 99}, 400), ("/v1/admin/policy/rollback", {"to": "one"}, 400),
    ("/v1/admin/policy/rollback", {"why": "x" * 201}, 400), ("/v1/admin/spend?month=soon", None, 400),
    ("/v1/admin/spend?month=2026-13", None, 400),
])
def test_bad_questions_of_an_administrator(server: Server, path: str, body: object, status: int) -> None:
    assert server.ask(path, body, key=ADMIN).status == status


def test_a_policy_that_is_in_force_already_is_said_so(server: Server) -> None:
    text = server.ask("/v1/admin/policy", key=ADMIN).json["toml"]
    answer = server.ask("/v1/admin/policy", text.encode(), key=ADMIN, **TOML)
    assert (answer.status, "in force already" in answer.error["message"]) == (400, True)


@pytest.mark.parametrize(("path", "method"), [
    ("/v1/admin/policy", "GET"), ("/v1/admin/policy", "POST"), ("/v1/admin/policy/history", "GET"),
    ("/v1/admin/policy/rollback", "POST"), ("/v1/admin/spend", "GET"),
])
def test_only_an_administrator_may(server: Server, path: str, method: str) -> None:
    plain, stranger = server.ask(path, method=method, key=KEY), server.ask(path, method=method)
    assert (plain.status, plain.error["code"]) == (403, "not_admin")
    assert (stranger.status, stranger.error["code"]) == (401, "invalid_api_key")


def test_what_was_spent_is_the_books_sum(server: Server) -> None:
    server.generate(key=KEY, n=2, size=SMALL)
    month = server.ask("/v1/admin/spend", key=ADMIN).json
    settled = server.rows("SELECT sum(settled_micro_usd) AS usd FROM attempts")[0]["usd"]
    assert round(float(month["usd"]) * 1e6) == settled > 0
    assert {row["tenant"] for row in month["data"] if row["usd"] != "0.000000"} == {"acme"}
    assert server.ask("/v1/admin/spend?month=2020-01", key=ADMIN).json["data"] == []


def test_a_tenants_own_segment_class_and_form_of_answer_hold(server: Server) -> None:
    answer = server.generate(key=KEY, response_format=None)
    assert set(answer.json["data"][0]) == {"url"}
    row = server.requests()[-1]
    assert (row["tenant"], row["segment"], row["data_class"]) == ("acme", "default", "confidential")


def test_a_plain_policy_file_cannot_be_published_to(opened: Server) -> None:
    for path, body in (("/v1/admin/policy", b"schema = 1"), ("/v1/admin/policy/rollback", {}),
                       ("/v1/admin/policy/history", None)):
        answer = opened.ask(path, body)
        assert (answer.status, answer.error["code"]) == (409, "no_policy_store")
        assert "router policy publish" in answer.error["message"]
    assert opened.ask("/v1/admin/policy").json["name"] == "default"
    assert opened.ask("/v1/admin/spend").json["usd"] == "0.000000"


def test_metrics_need_a_key_where_there_are_keys(server: Server) -> None:
    assert server.ask("/metrics").status == 401
    assert server.ask("/metrics", key=KEY).status == 200
    assert [server.ask(path).status for path in ("/healthz", "/readyz", "/openapi.json")] == [200] * 3


@pytest.mark.parametrize("headers", [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"host": "evil.example"}, {"host": "127.evil.example:80"},
    {"host": "127.0.0.1.evil.example"}, {"host": "[::1"}, {"origin": "http://localhost:1"},
])
def test_an_open_server_answers_no_page_of_another_site(opened: Server, headers: dict[str, str]) -> None:
    answer = opened.ask("/v1/images/generations", {"prompt": "a cat"}, **headers)
    assert (answer.status, answer.error["type"]) == (403, "permission_error")
    assert opened.requests() == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_an_open_server_answers_this_machine_by_any_of_its_names(opened: Server, host: str) -> None:
    name = f"{host}:{opened.host.rpartition(':')[2]}"
    assert opened.ask("/v1/models", host=name).status == 200
    assert opened.ask("/v1/models", host=name, origin=f"http://{name}").status == 200


def test_a_changed_policy_file_is_taken_up_and_a_broken_one_changes_nothing(
        serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("plain") / "policy.toml"
    path.write_text(POLICY.format(name="one", size="256x256"))
    server = serve(GPU, policy=str(path))
    path.write_text("name = ")
    until_said(server, "policy not changed")
    assert server.generate(size="auto").headers["x-router-delivered-size"] == "256x256"
    path.unlink()
    path.write_text(POLICY.format(name="two", size="320x320"))
    until_said(server, "policy two")
    assert server.generate(size="auto").headers["x-router-delivered-size"] == "320x320"
    assert json.loads(server.ask("/v1/admin/policy").body)["name"] == "two"


def until_said(server: Server, words: str) -> None:
    deadline = time.monotonic() + 10
    while words not in server.said and time.monotonic() < deadline:
        time.sleep(0.02)
    assert words in server.said


def test_a_model_by_name_is_what_it_says(server: Server) -> None:
    assert server.ask(f"/v1/models/{KLEIN}", key=KEY).json["endpoints"][0]["simulated"] is True
