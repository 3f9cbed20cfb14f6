"""What OpenAI's API alone does: streams, forms, headers, its package's ways."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble, Usage
from router.byte_gate import ByteGate
from router.quantities import Size
from tests.router.backends.bench import ENTRIES, Bench, run
from tests.router.backends.files import picture, png
from tests.tables import ROOT

if TYPE_CHECKING:
    from router.backends.protocol import Reply

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "openai")


def reply_to(course: str, **wishes: int) -> tuple[Reply, Bench]:
    kept: list[Reply] = []
    bench = Bench(ENTRY)

    async def scenario() -> None:
        async with bench:
            kept.append(await bench.make(course, job=bench.job(wishes.pop("n", 1), **wishes)))

    run(scenario)
    return kept[0], bench


@pytest.mark.parametrize(("course", "kind", "trouble", "code"), [
    ("billing_limit", Kind.NOT_STARTED, Trouble.MONEY, "billing_hard_limit_reached"),
    ("forbidden", Kind.NOT_STARTED, Trouble.ACCOUNT, "unsupported_country_region_territory"),
    ("unknown_model", Kind.FAILED, Trouble.OUR_REQUEST, "model_not_found"),
    ("error_in_200", Kind.FAILED, Trouble.OUTAGE, "server_error"),
    ("refused_in_200", Kind.REFUSED, Trouble.NONE, "moderation_blocked"),
    ("null_picture", Kind.BAD_ANSWER, Trouble.NONE, "not_a_picture"),
    ("by_address", Kind.BAD_ANSWER, Trouble.NONE, "not_a_picture"),
    ("broken_and_cut", Kind.FAILED, Trouble.OUTAGE, "connection_lost"),
    ("no_usage", Kind.OK, Trouble.NONE, ""),
])
def test_errors_are_told_by_status_and_code(course: str, kind: Kind, trouble: Trouble, code: str) -> None:
    reply, _ = reply_to(course)
    assert (reply.kind, reply.trouble, reply.code) == (kind, trouble, code)
    assert (reply.usage is None) is (course not in ("null_picture", "by_address"))


def test_tokens_and_headers_are_read() -> None:
    reply, _ = reply_to("ok", n=2)
    assert reply.usage == Usage(50, 0, 2112, 0)
    assert (reply.request_id, reply.headroom, reply.cost_usd) == ("req_loopback", 4, None)


def test_previews_are_told_and_the_whole_picture_is_the_answer() -> None:
    reply, bench = reply_to("ok", partial_images=2)
    assert (reply.kind, len(reply.pictures), reply.request_id) == (Kind.OK, 1, "req_loopback")
    assert [(index, made.size) for index, made in bench.watching.partials] == [(0, Size(64, 64)), (1, Size(64, 64))]
    assert reply.usage == Usage(50, 0, 1056, 0)
    assert bench.server.seen[0].fields["stream"] is True
    assert bench.server.seen[0].fields["partial_images"] == 2


@pytest.mark.parametrize(("course", "kind", "code"), [
    ("stream_error", Kind.FAILED, "server_error"),
    ("stream_refused", Kind.REFUSED, "moderation_blocked"),
    ("stream_cut", Kind.FAILED, "stream_cut"),
    ("stream_dropped", Kind.FAILED, "connection_lost"),
    ("stream_goes_on", Kind.OK, ""),
    ("cut_picture", Kind.BAD_ANSWER, "not_a_picture"),
    ("wrong_size", Kind.BAD_ANSWER, "wrong_size"),
    ("busy", Kind.NOT_STARTED, "rate_limit_exceeded"),
])
def test_a_status_of_200_is_no_success_in_a_stream(course: str, kind: Kind, code: str) -> None:
    reply, bench = reply_to(course, partial_images=1)
    assert (reply.kind, reply.code) == (kind, code)
    assert reply.possibly_billed is (kind is not Kind.NOT_STARTED)
    assert len(bench.watching.partials) == (0 if course in ("busy", "cut_picture") else 1)


def test_a_stream_of_heavy_pictures_passes_the_gate() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            bench.server.padding = 300_000
            reply = await bench.backend.make(bench.job(2, size="512x512", partial_images=2), bench.watching)
            assert (reply.kind, len(reply.pictures)) == (Kind.OK, 2)
            assert bench.gate.held == reply.held_bytes == sum(len(made.data) for made in reply.pictures)
            assert bench.gate.entered >= 2

    run(scenario)


def test_an_edit_is_a_form_with_lists_of_images() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            job = bench.job(operation="edit", references=(picture(64, 64),), mask=picture(64, 64), moderation="low",
                            background="opaque", safety_identifier="user-1", output_format="jpeg", output_compression=0)
            assert (await bench.make(job=job)).usage == Usage(50, 600, 1056, 0)
            asked = bench.server.seen[0]
            assert asked.path == "/v1/images/edits"
            assert [part[:3] for part in asked.files] == [("image[]", "image-0.png", "image/png"),
                                                          ("mask", "mask.png", "image/png")]
            assert asked.files[0][3] == png(64, 64)
            assert asked.fields == {
                "model": "gpt-image-2", "prompt": job.request.prompt, "n": "1", "size": "64x64", "quality": "low",
                "output_format": "jpeg", "output_compression": "0", "background": "opaque",
                "safety_identifier": "user-1"}

    run(scenario)


def test_a_generation_says_what_was_asked_and_nothing_else() -> None:
    _, bench = reply_to("ok", moderation="low", seed=3, output_compression=50)
    asked = bench.server.seen[0]
    assert asked.fields == {"model": "gpt-image-2", "prompt": bench.job().request.prompt, "n": 1, "size": "64x64",
                            "quality": "low", "output_format": "png", "moderation": "low"}
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["authorization"] == f"Bearer {bench.key}"
    assert headers["idempotency-key"] == headers["x-client-request-id"] == "request-1.101"
    assert headers["accept-encoding"] == "identity"


def test_nothing_is_retried_and_the_client_is_kept() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            for course in ("broken", "busy", "hung_up", "ok"):
                await bench.make(course)
            assert len(bench.server.seen) == 4
            client = bench.backend._client
            await bench.make()
            assert bench.backend._client is client

    run(scenario)


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OPENAI_API_KEY": "sk-other", "OPENAI_ORG_ID": "org-x", "OPENAI_PROJECT_ID": "proj-x",
                        "OPENAI_BASE_URL": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    _, bench = reply_to("ok")
    headers = {name.lower(): value for name, value in bench.server.seen[0].headers.items()}
    assert headers["authorization"] == f"Bearer {bench.key}"
    assert not {"openai-organization", "openai-project"} & set(headers)


def test_a_missing_key_is_the_vendors_to_refuse() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            nameless = bench.open(bench.server.url)
            object.__setattr__(nameless._wiring.settings.key, "value", "")
            bench.server.then("account")
            assert (await nameless.make(bench.job(), bench.watching)).trouble is Trouble.ACCOUNT
            await nameless.close()

    run(scenario)


def test_importing_the_file_loads_no_package_of_openai() -> None:
    code = "import sys, router.backends.openai, router.backends.registry; print('openai' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_beyond_the_gate_a_socket_is_not_read() -> None:
    """The server cannot get rid of a large answer while its reader waits at the gate."""

    class Shut:
        def __init__(self) -> None:
            self.opened, self.asked = asyncio.Event(), asyncio.Event()

        async def enter(self, _: int) -> None:
            self.asked.set()
            await self.opened.wait()

        def leave(self, _: int) -> None:
            pass

    async def scenario() -> None:
        gate = Shut()
        async with Bench(ENTRY, gate=gate) as bench:
            bench.server.then("heavy")
            call = asyncio.create_task(bench.backend.make(bench.job(), bench.watching))
            await gate.asked.wait()
            await asyncio.sleep(0.1)
            assert not bench.server.unburdened
            gate.opened.set()
            assert (await call).kind is Kind.OK
            assert bench.server.unburdened

    run(scenario)


def test_many_answers_share_a_small_gate_and_none_waits_for_ever() -> None:
    class Watched(ByteGate):
        most = 0

        async def enter(self, expected_bytes: int) -> None:
            await super().enter(expected_bytes)
            self.most = max(self.most, self.held_bytes)

    async def scenario() -> None:
        gate, limit = Watched(2**22), 2**22
        async with Bench(ENTRY, gate=gate) as bench:
            bench.server.padding = 100_000

            async def one(at: int) -> None:
                job = bench.job(1 + at % 2, size="512x512", partial_images=at % 3)
                reply = await bench.backend.make(job, bench.watching)
                assert (reply.kind, len(reply.pictures)) == (Kind.OK, job.n)
                await asyncio.sleep(0)
                gate.leave(reply.held_bytes)

            bench.server.then(*("chunked" if at % 4 else "ok" for at in range(30)))
            async with asyncio.timeout(20):
                await asyncio.gather(*(one(at) for at in range(30)))
        assert gate.held_bytes == 0
        assert 0 < gate.most <= limit

    run(scenario)
