"""What Replicate alone does: predictions under an id, refusals in words, limits that say when they reset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble
from tests.router.backends.bench import ENTRIES, PROMPT, Bench, run
from tests.router.backends.files import picture

if TYPE_CHECKING:
    from router.backends.protocol import Reply

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "replicate")


def reply_to(course: str, model: str = "black-forest-labs/flux-2-pro", **wishes: Any) -> tuple[Reply, Bench]:
    kept: list[Reply] = []
    bench = Bench(ENTRY)

    async def scenario() -> None:
        async with bench:
            kept.append(await bench.make(course, job=replace(bench.job(**wishes), wire_model=model)))

    run(scenario)
    return kept[0], bench


@pytest.mark.parametrize(("course", "kind", "trouble", "code", "billed"), [
    ("refused", Kind.REFUSED, Trouble.NONE, "E005", True),
    ("refused_in_words", Kind.REFUSED, Trouble.NONE, "nsfw", True),
    ("failed", Kind.FAILED, Trouble.OUTAGE, "failed", True),
    ("out_of_memory", Kind.FAILED, Trouble.OUTAGE, "E1001", True),
    ("canceled", Kind.FAILED, Trouble.OUTAGE, "canceled", True),
    ("aborted", Kind.FAILED, Trouble.OUTAGE, "aborted", False),
    ("at_once", Kind.OK, Trouble.NONE, "", True),
    ("in_a_list", Kind.OK, Trouble.NONE, "", True),
    ("job_flaky", Kind.OK, Trouble.NONE, "", True),
    ("unknown_state", Kind.OK, Trouble.NONE, "", True),
    ("job_account", Kind.FAILED, Trouble.ACCOUNT, "http_401", True),
    ("job_unreachable", Kind.FAILED, Trouble.OUTAGE, "unanswered", True),
    ("no_job", Kind.BAD_ANSWER, Trouble.NONE, "no_job", True),
    ("foreign_job", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", True),
    ("foreign_picture", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", True),
    ("picture_gone", Kind.FAILED, Trouble.OUTAGE, "unanswered", True),
    ("picture_lost", Kind.FAILED, Trouble.OUTAGE, "connection_lost", True),
])
def test_what_becomes_of_a_prediction(course: str, kind: Kind, trouble: Trouble, code: str, billed: bool) -> None:
    reply, bench = reply_to(course)
    assert (reply.kind, reply.trouble, reply.code, reply.possibly_billed) == (kind, trouble, code, billed)
    assert {seen.headers.get("Authorization") for seen in bench.server.seen[1:]} <= {None}


@pytest.mark.parametrize(("course", "seconds"), [
    ("busy", 6.0), ("throttled", 30.0), ("throttled_before", 1.0), ("throttled_too", 10.0),
    ("throttled_wordless", None)])
def test_a_limit_says_when_it_resets(course: str, seconds: float | None) -> None:
    reply, bench = reply_to(course)
    assert (reply.kind, reply.trouble, reply.retry_after_s) == (Kind.NOT_STARTED, Trouble.BUSY, seconds)
    assert bench.watching.jobs == []


@pytest.mark.parametrize(("model", "path", "more", "ignored"), [
    ("flux-2-pro", "flux-2-pro", {}, ("steps",)),
    ("flux-2-dev", "flux-2-dev", {"go_fast": False}, ("steps",)),
    ("flux-2-dev+go_fast", "flux-2-dev", {"go_fast": True}, ("steps",)),
    ("flux-2-flex", "flux-2-flex", {"steps": 9, "prompt_upsampling": False}, ()),
])
def test_each_model_is_asked_in_its_own_words(model: str, path: str, more: dict[str, Any], ignored: tuple[str]) -> None:
    reply, bench = reply_to("ok", f"black-forest-labs/{model}", seed=5, steps=9, output_format="jpeg",
                            output_compression=70)
    asked = bench.server.seen[0]
    assert asked.path == f"/v1/models/black-forest-labs/{path}/predictions"
    assert asked.fields == {"prompt": PROMPT, "aspect_ratio": "custom", "width": 64, "height": 64, "seed": 5,
                            "output_format": "jpg", "output_quality": 70, **more}
    assert "Prefer" not in asked.headers
    assert reply.ignored == ignored


def test_references_go_with_the_size_but_not_where_the_size_would_be_lost() -> None:
    references = (picture(16, 16), picture(32, 32))
    _, bench = reply_to("ok", operation="edit", references=references)
    assert [uri[:30] for uri in bench.server.seen[0].fields["input_images"]] == ["data:image/png;base64,iVBORw0K"] * 2
    reply, bench = reply_to("ok", "black-forest-labs/flux-2-dev", operation="edit", references=references)
    assert (reply.kind, reply.trouble, reply.code) == (Kind.NOT_STARTED, Trouble.OUR_REQUEST, "edit_without_size")
    assert bench.server.seen == []


def test_a_prediction_is_on_record_before_the_first_question_and_collected_after_a_crash() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            asked_when_told: list[int] = []
            remember = bench.watching.submitted

            async def submitted(provider_job: str, cost_usd: None) -> None:
                asked_when_told.append(sum(bench.server.asked.values()))  # type: ignore[attr-defined]
                await remember(provider_job, cost_usd)

            bench.watching.submitted = submitted  # type: ignore[method-assign, assignment]
            made = await bench.make()
            assert asked_when_told == [0]
            assert bench.watching.jobs == [(f"p1 {bench.server.url}/v1/predictions/p1", None)]
            assert made.provider_job == bench.watching.jobs[0][0]
            after = bench.open(bench.server.url)
            reply = await after.collect(made.provider_job, bench.job())
            assert (reply.kind, len(reply.pictures)) == (Kind.OK, 1)
            bench.gate.leave(reply.held_bytes)
            gone = await after.collect(made.provider_job.replace("p1", "p9"), bench.job())
            assert (gone.kind, gone.code, gone.possibly_billed) == (Kind.FAILED, "http_404", True)
            await after.close()

    run(scenario)


def test_a_diagnosis_names_the_account() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            assert (await bench.backend.diagnose()).facts == {"account": "acme"}

    run(scenario)
