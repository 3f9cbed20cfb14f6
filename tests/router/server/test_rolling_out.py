"""A policy on trial in a live server over simulated backends: taken back by itself where it is bad, kept where not."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from router.adopting.rollout import Terms
from router.adopting.rollout_store import Rollouts
from router.policy import load_policy

from .rolling import eventually, policy_file, prepared, served
from .serving import OPENAI, tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from .rolling import Served
    from .serving import Server

TERMS = {"share": "50%", "window": "1h", "least": 20}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.upkeep._EVERY_S", 0.1)


def told(folder: Path, story: Callable[[Served], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with served(folder) as server:
            await story(server)
    asyncio.run(run())


async def start(server: Served, path: Path, **terms: Any) -> str:
    text = await asyncio.to_thread(path.read_text)
    status, _, body = await server.ask("/v1/admin/policy/rollout", {"toml": text, "why": "try"} | TERMS | terms)
    assert status == 201, body
    return str(body["digest"])


def digests(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "books.sqlite")) as books:
        return dict(books.execute("SELECT policy_digest, count(*) FROM requests GROUP BY policy_digest"))


@pytest.mark.parametrize(("bad", "says"), [
    ({"quality": "high"}, "cost: "),
    ({"model": "flux-2-dev"}, "ended without an image"),
    ({"model": "flux-2-pro"}, "ended without an image"),
], ids=["a dearer ladder", "no option left", "a backend that is down"])
def test_a_bad_policy_is_taken_back_by_itself_within_its_window(tmp_path: Path, bad: dict[str, str],
                                                                says: str) -> None:
    store = prepared(tmp_path)

    async def story(server: Served) -> None:
        candidate = await start(server, policy_file(tmp_path, "bad", **bad), share="10%")
        first = await server.make(480)  # a tenth of them, give or take: 20 are needed
        found = await server.until("rollout_rolled_back")
        assert says in str(found.facts["why"])
        assert found.facts["digest"] == candidate
        assert first.count(server.router.policy.digest) > 200
        after = await server.make(60, prompt="a blue bicycle")
        assert set(after) == {server.router.policy.digest}
        page = (await server.ask("/metrics"))[2]
        assert 'breakeven_events_total{name="rollout_rolled_back"} 1.0' in page
        status, _, body = await server.ask("/v1/admin/policy/rollout")
        assert (status, body["error"]["code"]) == (404, "not_found")

    told(tmp_path, story)
    last = store.audit()[-1]
    assert (last["action"], last["by"], last["version"]) == ("rolled_back", "router", 2)
    assert last["facts"]["candidate"]["requests"] >= 20  # type: ignore[index]
    assert [version.in_force for version in store.history()] == [True, False]
    assert not store.rollout.exists()


def test_a_policy_that_fares_alike_stays_on_trial_and_every_row_says_who_decided(tmp_path: Path) -> None:
    store = prepared(tmp_path)

    async def story(server: Served) -> None:
        candidate = await start(server, policy_file(tmp_path, "alike", more="deadline_s = 170\n"))
        made = await server.make(120)
        by_header = {digest: made.count(digest) for digest in set(made)}
        assert by_header == digests(tmp_path)
        assert 30 < by_header[candidate] < 90
        pilot = server.router.pilot
        await eventually(lambda: pilot.judgement is not None
                         and pilot.judgement.candidate.requests == by_header[candidate])
        assert pilot.judgement is not None
        assert pilot.judgement.action == "keep"
        _, _, shown = await server.ask("/v1/admin/policy/rollout")
        assert shown["judgement"]["candidate"]["images"] == by_header[candidate]
        status, _, body = await server.ask("/v1/admin/policy/rollout/promote?why=fine", method="POST")
        assert (status, body["digest"], body["in_force"]) == (200, candidate, True)
        assert set(await server.make(10, prompt="a green bicycle")) == {candidate}

    told(tmp_path, story)
    assert [entry["action"] for entry in store.audit()] == ["published", "rollout_started", "promoted"]
    assert load_policy(store.current).name == "alike"


def test_the_same_question_asked_again_gets_the_same_arm(tmp_path: Path) -> None:
    prepared(tmp_path)

    async def story(server: Served) -> None:
        await start(server, policy_file(tmp_path, "other", quality="medium"))
        body = {"prompt": "a red bicycle", "response_format": "url"}
        seen = set()
        for _ in range(6):
            seen.add((await server.ask("/v1/images/generations", body))[1]["x-router-policy"])
        assert len(seen) == 1
        arms = set()
        for number in range(12):
            arms.add((await server.ask("/v1/images/generations", body, Idempotency_Key=f"k{number}"))[1][
                "x-router-policy"])
        assert len(arms) == 2

    told(tmp_path, story)


def test_another_process_hears_that_it_was_taken_back(tmp_path: Path) -> None:
    prepared(tmp_path)

    async def run() -> None:
        async with served(tmp_path) as one, served(tmp_path) as two:
            candidate = await start(one, policy_file(tmp_path, "other", quality="medium"), share=0.999)
            two.router.pilot.refresh()
            assert (await two.make(1))[0] == candidate
            status, _, body = await one.ask("/v1/admin/policy/rollout?why=enough", method="DELETE")
            assert (status, body["decides"]) == (200, one.router.policy.digest)
            await eventually(lambda: two.router.pilot.rollout is None)
            assert await two.make(1, prompt="another") == [two.router.policy.digest]
    asyncio.run(run())


def test_a_tenants_roll_out_decides_that_tenants_requests_alone(tmp_path: Path) -> None:
    prepared(tmp_path, tenant("acme", "sk-a", "admin = true"), tenant("shop", "sk-b"))

    async def story(server: Served) -> None:
        body = {"toml": policy_file(tmp_path, "other", quality="medium").read_text(), "tenants": ["shop"]}
        _, _, made = await server.ask("/v1/admin/policy/rollout", body, Authorization="Bearer sk-a")
        asked = {"prompt": "a red bicycle", "response_format": "url"}
        answers = [await server.ask("/v1/images/generations", asked, Authorization=f"Bearer {key}")
                   for key in ("sk-a", "sk-b")]
        assert [headers["x-router-policy"] for _, headers, _ in answers] == [made["control_digest"], made["digest"]]
        assert (await server.ask("/v1/admin/policy/rollout", Authorization="Bearer sk-b"))[0] == 403

    told(tmp_path, story)


@pytest.mark.parametrize(("body", "says"), [
    ({}, "toml"), ({"toml": "x = 1", "share": 0.1}, "unknown key"), ({"share": "all"}, "share"),
    ({"share": 0.1, "tenants": ["a"]}, "one of the two"), ({"share": 2}, "less than 1"),
    ({"share": 0.1, "window": "soon"}, "window"), ({"share": 0.1, "surprise": 1}, "surprise"),
    ({"share": 0.1, "least": 0}, "least"), ({"share": 0.1, "why": "x" * 300}, "why"),
    ({"share": 0.1, "least": True}, "least"), ({"share": True}, "share"), ({"tenants": "acme"}, "tenants"),
])
def test_terms_that_cannot_be_used_change_nothing(tmp_path: Path, body: dict[str, Any], says: str) -> None:
    store = prepared(tmp_path)

    async def story(server: Served) -> None:
        good = {"toml": policy_file(tmp_path, "other", quality="medium").read_text()} if says != "toml" else {}
        status, _, answer = await server.ask("/v1/admin/policy/rollout", good | body)
        assert status == 400
        assert says in answer["error"]["message"]
        assert "/tmp" not in answer["error"]["message"]  # noqa: S108 (no path of this machine)

    told(tmp_path, story)
    assert len(store.history()) == 1


def test_one_at_a_time_and_a_publication_ends_it(tmp_path: Path) -> None:
    store = prepared(tmp_path)

    async def story(server: Served) -> None:
        await start(server, policy_file(tmp_path, "other", quality="medium"))
        third = policy_file(tmp_path, "third", quality="high")
        status, _, body = await server.ask("/v1/admin/policy/rollout", {"toml": third.read_text(), "share": 0.1})
        assert (status, "version 2 is in roll-out" in body["error"]["message"]) == (400, True)
        async with server.session.post(server.url + "/v1/admin/policy", data=third.read_bytes()) as answer:
            assert (answer.status, (await answer.json())["ended_rollout"]) == (200, 2)
        assert set(await server.make(12)) == {load_policy(third).digest}
        status, _, _ = await server.ask("/v1/admin/policy/rollout", method="DELETE")
        assert status == 400

    told(tmp_path, story)
    assert [(entry["action"], entry["version"]) for entry in store.audit()] == [
        ("published", 1), ("rollout_started", 2), ("published", 3), ("rollout_ended", 2)]


def test_a_server_process_takes_up_a_roll_out_and_its_end_within_seconds(
        serve: Callable[..., Server], tmp_path: Path) -> None:
    store = prepared(tmp_path)
    server = serve(OPENAI, policy=str(store.current))
    rollouts = Rollouts(store)
    started = rollouts.start(policy_file(tmp_path, "other", quality="medium"), Terms(share=0.999),
                             at=datetime.now(tz=UTC), by="ann", why="")
    assert decided_by(server, started.digest)
    rollouts.stop(at=datetime.now(tz=UTC), by="ann", why="")
    assert decided_by(server, started.control_digest)


def decided_by(server: Server, digest: str) -> bool:
    """Whether a policy decides soon."""
    for _ in range(100):
        answer = server.ask("/v1/decide", {"prompt": "a red bicycle"})
        if answer.json["policy"]["digest"] == digest:
            return True
        time.sleep(0.1)
    return False
