"""What fal alone does: a queue with three addresses, errors with the answer, pictures by address or in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble
from tests.router.backends.bench import ENTRIES, Bench, run
from tests.router.backends.files import picture

if TYPE_CHECKING:
    from router.backends.protocol import Reply

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "fal")


def reply_to(course: str, n: int = 1, **wishes: Any) -> tuple[Reply, Bench]:
    kept: list[Reply] = []
    bench = Bench(ENTRY)

    async def scenario() -> None:
        async with bench:
            kept.append(await bench.make(course, job=bench.job(n, **wishes)))

    run(scenario)
    return kept[0], bench


@pytest.mark.parametrize(("course", "kind", "trouble", "code", "billed"), [
    ("run_refused", Kind.REFUSED, Trouble.NONE, "content_policy_violation", True),
    ("run_our_request", Kind.FAILED, Trouble.OUR_REQUEST, "value_error", True),
    ("run_broken", Kind.FAILED, Trouble.OUTAGE, "runner_disconnected", False),
    ("run_quiet", Kind.FAILED, Trouble.OUTAGE, "quiet", True),
    ("run_not_begun", Kind.FAILED, Trouble.BUSY, "request_timeout", False),
    ("not_begun", Kind.FAILED, Trouble.BUSY, "request_timeout", False),
    ("forbidden", Kind.NOT_STARTED, Trouble.ACCOUNT, "http_403", False),
    ("nsfw", Kind.REFUSED, Trouble.NONE, "has_nsfw_concepts", True),
    ("inline", Kind.OK, Trouble.NONE, "", True),
    ("job_flaky", Kind.OK, Trouble.NONE, "", True),
    ("unknown_state", Kind.OK, Trouble.NONE, "", True),
    ("job_account", Kind.FAILED, Trouble.ACCOUNT, "http_401", True),
    ("no_job", Kind.BAD_ANSWER, Trouble.NONE, "no_job", True),
    ("foreign_job", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", True),
    ("foreign_picture", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", True),
    ("one_gone", Kind.FAILED, Trouble.OUTAGE, "unanswered", True),
])
def test_what_becomes_of_a_request(course: str, kind: Kind, trouble: Trouble, code: str, billed: bool) -> None:
    reply, _ = reply_to(course)
    assert (reply.kind, reply.trouble, reply.code, reply.possibly_billed) == (kind, trouble, code, billed)


def test_what_is_left_of_several_is_handed_over() -> None:
    reply, _ = reply_to("one_gone", n=3)
    assert (reply.kind, reply.code, len(reply.pictures)) == (Kind.BAD_ANSWER, "not_a_picture", 2)
    reply, _ = reply_to("nsfw", n=3)
    assert (reply.kind, len(reply.pictures)) == (Kind.REFUSED, 2)


def test_a_request_says_what_was_asked_and_forbids_a_second_run() -> None:
    reply, bench = reply_to("ok", n=2, seed=5, steps=9, operation="edit", references=(picture(16, 16),))
    asked = bench.server.seen[0]
    assert asked.path == "/fal-ai/flux-2/klein/9b/edit"
    assert asked.headers["x-fal-no-retry"] == "1"
    assert asked.fields == {
        "prompt": bench.job().request.prompt, "image_size": {"width": 64, "height": 64}, "num_images": 2, "seed": 5,
        "num_inference_steps": 9, "output_format": "png",
        "image_urls": [f"data:image/png;base64,{bytes(picture(16, 16).as_base64()).decode()}"]}
    assert {seen.headers.get("Authorization") for seen in bench.server.seen[1:]} == {None}
    assert reply.provider_job == " ".join((
        "req-1", f"{bench.server.url}/fal-ai/flux-2/requests/req-1/status",
        f"{bench.server.url}/fal-ai/flux-2/requests/req-1"))
    assert bench.watching.jobs == [(reply.provider_job, None)]


def test_models_that_make_one_image_are_not_asked_for_more() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            job = bench.job(2, steps=9)
            object.__setattr__(job, "wire_model", "fal-ai/flux-2-pro")
            reply = await bench.make(job=job)
            assert (reply.kind, reply.trouble, reply.code) == (
                Kind.NOT_STARTED, Trouble.OUR_REQUEST, "n_not_supported")
            object.__setattr__(job, "n", 1)
            reply = await bench.make(job=job)
            assert (reply.kind, reply.ignored) == (Kind.OK, ("steps",))
            assert not {"num_images", "num_inference_steps"} & set(bench.server.seen[0].fields)

    run(scenario)


def test_a_request_is_collected_after_a_crash() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            made = await bench.make()
            after = bench.open(bench.server.url)
            reply = await after.collect(made.provider_job, bench.job())
            assert (reply.kind, len(reply.pictures)) == (Kind.OK, 1)
            bench.gate.leave(reply.held_bytes)
            gone = await after.collect(made.provider_job.replace("req-1", "req-9"), bench.job())
            assert (gone.kind, gone.code, gone.possibly_billed) == (Kind.FAILED, "http_404", True)
            await after.close()

    run(scenario)
