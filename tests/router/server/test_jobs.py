"""Jobs over HTTP, against a real server process: accepted, shown, fetched, cancelled, and alive after kill -9."""

from __future__ import annotations

import http.client
import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from .serving import BFL, GPU, KLEIN, SLOW_GPU, SMALL, Answer, Server, steady, tenant, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASYNC = {"prefer": "respond-async"}
KEYS = {"acme": "acme-secret", "other": "other-secret"}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(GPU, BFL, *(tenant(name, key) for name, key in KEYS.items()))


@pytest.fixture(scope="module")
def slow(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Its one GPU takes a second for certain."""
    return serve(SLOW_GPU, more=("--data", str(steady(tmp_path_factory.mktemp("data")))))


def submit(server: Server, prompt: str = "a red bicycle", *, key: str = "", repetition: str = "", **fields: Any) -> (
        Answer):
    headers = ASYNC | ({"idempotency_key": repetition} if repetition else {})
    return server.generate(prompt, key=key, headers=headers, **fields)


def over(server: Server, job: str, *, key: str = "", within_s: float = 20.0) -> dict[str, Any]:
    """The job once it has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found: dict[str, Any] = server.ask(f"/v1/images/jobs/{job}", key=key).json
        if found["status"] not in ("queued", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_job_is_accepted_made_and_fetched_like_an_answer_on_the_line(server: Server) -> None:
    key = KEYS["acme"]
    accepted = submit(server, key=key, n=2, routing={"segment": "bulk", "urgency": "now"})
    job = accepted.json["id"]
    assert (accepted.status, accepted.headers["location"]) == (202, f"/v1/images/jobs/{job}")
    assert accepted.headers["preference-applied"] == "respond-async"
    assert accepted.json["status"] == "queued"
    assert accepted.json["position"] >= 1
    done = over(server, job, key=key)
    assert (done["status"], done["n"], done["segment"], done["error"]) == ("done", 2, "bulk", None)
    assert done["expires_at"] - done["ended_at"] == 86_400
    assert len(done["data"]) == 2
    picture = server.ask(done["data"][0]["url"].removeprefix(server.url))
    assert picture.body.startswith(b"\x89PNG")
    result = server.ask(f"/v1/images/jobs/{job}/result", key=key)
    assert (result.status, len(result.json["data"])) == (200, 2)
    assert result.headers["x-router-request-id"] == job
    assert result.headers["x-router-cost-usd"] == done["usd"]
    urls = server.ask(f"/v1/images/jobs/{job}/result?response_format=url", key=key).json["data"]
    assert urls == done["data"]
    (row,) = server.rows("SELECT * FROM requests WHERE id = ?", job)
    assert (row["state"], row["n_delivered"], row["usd_micro"]) == ("ok", 2, round(float(done["usd"]) * 1e6))
    (kept,) = server.rows("SELECT * FROM jobs WHERE id = ?", job)
    assert not (server.folder / "pictures" / "jobs" / kept["parcel"]).exists()  # the prompt goes with the job's end


def test_another_tenant_s_job_does_not_exist(server: Server) -> None:
    job = submit(server, key=KEYS["acme"]).json["id"]
    over(server, job, key=KEYS["acme"])
    for path, method in ((f"/v1/images/jobs/{job}", "GET"), (f"/v1/images/jobs/{job}", "DELETE"),
                         (f"/v1/images/jobs/{job}/result", "GET"), (f"/v1/images/jobs/{job}/cancel", "POST"),
                         ("/v1/images/jobs/img-0", "GET")):
        answer = server.ask(path, method=method, key=KEYS["other"])
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert all(entry["id"] != job for entry in server.ask("/v1/images/jobs", key=KEYS["other"]).json["data"])
    assert server.ask(f"/v1/images/jobs/{job}").status == 401


def test_jobs_are_listed_by_page(server: Server) -> None:
    key = KEYS["other"]
    jobs = [submit(server, f"list {number}", key=key).json["id"] for number in range(3)]
    for job in jobs:
        over(server, job, key=key)
    first = server.ask("/v1/images/jobs?limit=2&status=done", key=key).json
    assert [entry["id"] for entry in first["data"]] == jobs[:0:-1]
    assert first["has_more"]
    rest = server.ask(f"/v1/images/jobs?limit=2&after={jobs[1]}", key=key).json
    assert [entry["id"] for entry in rest["data"]][:1] == [jobs[0]]
    assert server.ask("/v1/images/jobs?limit=0", key=key).error["param"] == "limit"
    assert server.ask("/v1/images/jobs?status=lost", key=key).error["param"] == "status"


def test_a_repetition_of_a_key_is_the_same_job_and_is_paid_once(server: Server) -> None:
    key = KEYS["acme"]
    first = submit(server, "once", key=key, repetition="k-1").json["id"]
    again = submit(server, "once", key=key, repetition="k-1")
    assert (again.status, again.json["id"]) == (202, first)
    over(server, first, key=key)
    third = submit(server, "once", key=key, repetition="k-1")
    assert (third.json["id"], third.json["status"]) == (first, "done")
    on_the_line = server.generate("once", key=key, headers={"idempotency_key": "k-1"})
    assert (on_the_line.status, on_the_line.headers["x-router-replayed"]) == (200, "true")
    assert submit(server, "twice", key=key, repetition="k-1").error["code"] == "idempotency_key_reused"
    assert len(server.attempts(first)) == 1
    listed = server.ask("/v1/images/jobs?idempotency_key=k-1", key=key).json["data"]
    assert [entry["id"] for entry in listed] == [first]


def test_a_client_s_own_retry_gets_the_job_it_did_not_hear_of(server: Server) -> None:
    key = KEYS["acme"]
    first = submit(server, "unheard", key=key).json["id"]
    for _ in range(2):
        again = server.generate("unheard", key=key, headers=ASYNC | {"x_stainless_retry_count": "1"})
        assert (again.status, again.json["id"]) == (202, first)
    assert submit(server, "unheard", key=key).json["id"] != first  # who does not say so wants two
    over(server, first, key=key)


def test_an_answer_given_on_the_line_is_a_job_to_its_key(server: Server) -> None:
    key = KEYS["acme"]
    given = server.generate("before", key=key, headers={"idempotency_key": "k-2"})
    job = submit(server, "before", key=key, repetition="k-2").json
    assert (job["id"], job["status"]) == (given.headers["x-router-request-id"], "done")


@pytest.mark.parametrize(("word", "state", "status", "code"), [
    ("sandbox:refuse", "refused", 400, "moderation_blocked"), ("sandbox:fail", "failed", 502, "500")])
def test_the_result_of_a_job_without_an_image_is_its_error(server: Server, word: str, state: str, status: int,
                                                           code: str) -> None:
    key = KEYS["acme"]
    job = submit(server, word, key=key).json["id"]
    found = over(server, job, key=key)
    assert (found["status"], found["data"], found["result_url"]) == (state, None, None)
    assert found["error"]["http_status"] == status
    result = server.ask(f"/v1/images/jobs/{job}/result", key=key)
    assert (result.status, result.error["code"]) == (status, code)


@pytest.mark.parametrize(("fields", "param"), [
    ({"prompt": " "}, "prompt"), ({"stream": True}, "stream"), ({"model": "no-such"}, "model"),
    ({"routing": {"urgency": "later"}}, "routing.urgency"), ({"size": "9x9"}, "size"),
    ({"size": "4096x4096"}, "size"),
    ({"routing": {"data_class": "restricted"}, "model": "flux-2-pro"}, "routing.data_class")])
def test_what_no_backend_could_make_is_refused_and_no_job(server: Server, fields: dict[str, Any], param: str) -> None:
    before = len(server.rows("SELECT id FROM jobs"))
    answer = submit(server, **({"prompt": "a cat", "key": KEYS["acme"]} | fields))
    assert (400 <= answer.status < 500, answer.error["param"]) == (True, param)
    assert len(server.rows("SELECT id FROM jobs")) == before


def test_what_only_a_job_has_is_refused_on_the_line(server: Server) -> None:
    for routing in ({"urgency": "can_wait"}, {"webhook_url": "https://example.com/hook"}):
        answer = server.generate(key=KEYS["acme"], routing=routing)
        assert (answer.status, answer.error["code"]) == (400, "needs_job")


def test_a_queued_job_is_cancelled_for_nothing_and_a_running_one_is_delivered(slow: Server) -> None:
    first = submit(slow, "run").json["id"]
    slow.until("SELECT id FROM attempts WHERE request_id = ?", first)
    asked = slow.ask(f"/v1/images/jobs/{first}/cancel", method="POST").json
    assert (asked["status"], asked["cancel_asked"]) == ("running", True)
    assert over(slow, first)["status"] == "done"  # it is paid for
    assert slow.ask(f"/v1/images/jobs/{first}", method="DELETE").json["status"] == "done"


def test_a_job_that_was_cancelled_before_its_fallback_pays_for_nothing_further(serve: Callable[..., Server],
                                                                             tmp_path_factory: Any) -> None:
    server = serve(SLOW_GPU, f"{BFL}\ntime_scale = 0.001",
                   more=("--data", str(steady(tmp_path_factory.mktemp("data")))))
    job = submit(server, "sandbox:fail").json["id"]
    server.until("SELECT id FROM attempts WHERE request_id = ?", job)
    server.ask(f"/v1/images/jobs/{job}", method="DELETE")
    assert over(server, job)["status"] == "cancelled"
    assert [row["backend"] for row in server.attempts(job)] == ["gpu"]


def test_a_caller_that_goes_away_leaves_a_job(slow: Server) -> None:
    line = http.client.HTTPConnection(slow.host, timeout=10)
    line.request("POST", "/v1/images/generations", json.dumps({"prompt": "left alone", "model": KLEIN, "size": SMALL}),
                 {"content-type": "application/json"})
    (row,) = slow.until("SELECT * FROM requests WHERE prompt_chars = 10")
    line.close()
    assert slow.until("SELECT id FROM jobs WHERE id = ?", row["id"])
    done = over(slow, row["id"])
    assert (done["status"], len(done["data"])) == ("done", 1)
    assert slow.ask(f"/v1/images/jobs/{row['id']}/result").status == 200
    assert len(slow.attempts(row["id"])) == 1


def test_a_job_that_is_busy_everywhere_waits_and_is_made(serve: Callable[..., Server], tmp_path_factory: Any) -> None:
    server = serve(f"{BFL}\nconcurrent = 1\ntime_scale = 0.02")
    jobs = [submit(server, f"wait {number}", model="flux-2-pro").json["id"] for number in range(6)]
    assert {over(server, job)["status"] for job in jobs} == {"done"}
    assert len(server.attempts()) == 6


def test_jobs_survive_kill_minus_nine(tmp_path: Path) -> None:
    write_settings(tmp_path, f"{BFL}\ntime_scale = 0.02")
    server = Server(tmp_path).start()
    try:
        jobs = [submit(server, f"survive {number}", model="flux-2-pro").json["id"] for number in range(8)]
        for _ in range(3):
            time.sleep(0.3)
            server.restart(signal.SIGKILL)
        ended = [over(server, job, within_s=60) for job in jobs]
        assert {entry["status"] for entry in ended} <= {"done", "failed"}
        assert sum(entry["status"] == "done" for entry in ended) >= 1
        for entry in ended:
            paid = [row for row in server.attempts(entry["id"]) if row["settled_micro_usd"]]
            assert len(paid) <= 2
            assert sum(row["settled_micro_usd"] for row in paid) == round(float(entry["usd"]) * 1e6)
        assert server.rows("SELECT id FROM attempts WHERE state IN ('reserved', 'sent')") == []
    finally:
        server.stop()


def test_a_server_that_stops_in_order_leaves_what_waits_to_the_next(tmp_path: Path) -> None:
    write_settings(tmp_path, f"{BFL}\nconcurrent = 1\ntime_scale = 0.02")
    server = Server(tmp_path).start()
    try:
        jobs = [submit(server, f"stop {number}", model="flux-2-pro").json["id"] for number in range(4)]
        server.restart()
        assert {over(server, job)["status"] for job in jobs} == {"done"}
        assert len([row for row in server.attempts() if row["settled_micro_usd"]]) == 4
    finally:
        server.stop()
