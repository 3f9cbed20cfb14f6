"""What Black Forest Labs' API alone does: jobs with an address, a charge at submission, pictures to be fetched."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble
from tests.router.backends.bench import ENTRIES, Bench, run
from tests.router.backends.files import picture

if TYPE_CHECKING:
    from router.backends.protocol import Reply

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "bfl")


def reply_to(course: str, **wishes: Any) -> tuple[Reply, Bench]:
    kept: list[Reply] = []
    bench = Bench(ENTRY)

    async def scenario() -> None:
        async with bench:
            kept.append(await bench.make(course, job=bench.job(**wishes)))

    run(scenario)
    return kept[0], bench


def test_the_charge_is_known_before_the_first_question() -> None:
    reply, bench = reply_to("ok")
    (provider_job, cost), = bench.watching.jobs
    assert provider_job == f"task-1 {bench.server.url}/v1/get_result?id=task-1"
    assert (reply.provider_job, cost, reply.cost_usd) == (provider_job, Decimal("0.045"), Decimal("0.045"))
    assert reply_to("no_cost")[0].cost_usd is None


@pytest.mark.parametrize(("course", "kind", "trouble", "code", "stage"), [
    ("refused", Kind.REFUSED, Trouble.NONE, "request_moderated", "prompt"),
    ("refused_output", Kind.REFUSED, Trouble.NONE, "content_moderated", "output"),
    ("failed", Kind.FAILED, Trouble.OUTAGE, "error", ""),
    ("failed_too", Kind.FAILED, Trouble.OUTAGE, "failed", ""),
    ("task_not_found", Kind.FAILED, Trouble.NONE, "task_not_found", ""),
    ("job_account", Kind.FAILED, Trouble.ACCOUNT, "http_403", ""),
    ("job_unreachable", Kind.FAILED, Trouble.OUTAGE, "unanswered", ""),
    ("job_flaky", Kind.OK, Trouble.NONE, "", ""),
    ("unknown_state", Kind.OK, Trouble.NONE, "", ""),
    ("strange", Kind.OK, Trouble.NONE, "", ""),
    ("no_job", Kind.BAD_ANSWER, Trouble.NONE, "no_job", ""),
    ("foreign_job", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", ""),
    ("foreign_picture", Kind.BAD_ANSWER, Trouble.NONE, "foreign_host", ""),
    ("picture_gone", Kind.FAILED, Trouble.OUTAGE, "unanswered", ""),
    ("picture_redirect", Kind.FAILED, Trouble.OUTAGE, "unanswered", ""),
    ("picture_lost", Kind.FAILED, Trouble.OUTAGE, "connection_lost", ""),
    ("picture_flaky", Kind.OK, Trouble.NONE, "", ""),
])
def test_what_becomes_of_a_job(course: str, kind: Kind, trouble: Trouble, code: str, stage: str) -> None:
    reply, bench = reply_to(course)
    assert (reply.kind, reply.trouble, reply.code) == (kind, trouble, code)
    assert (reply.refusal.stage if reply.refusal else "") == stage
    assert reply.possibly_billed
    if course != "no_job":
        assert reply.provider_job == bench.watching.jobs[0][0]
        assert reply.cost_usd == Decimal("0.045")


def test_a_picture_whose_delivery_failed_can_still_be_collected() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            lost = await bench.make("picture_lost")
            assert (lost.kind, lost.possibly_billed) == (Kind.FAILED, True)
            job, fields = next(iter(bench.server.jobs.items()))
            bench.server.jobs[job] = ("ok", fields[1])
            after = bench.open(bench.server.url)
            reply = await after.collect(lost.provider_job, bench.job())
            assert (reply.kind, len(reply.pictures), reply.provider_job) == (Kind.OK, 1, lost.provider_job)
            bench.gate.leave(reply.held_bytes)
            gone = await after.collect(lost.provider_job.replace("task-1", "task-9"), bench.job())
            assert (gone.kind, gone.code) == (Kind.FAILED, "task_not_found")
            away = await after.collect("task-1 https://api.bfl.ai.example.com/v1/get_result?id=task-1", bench.job())
            assert away.code == "foreign_host"
            await after.close()

    run(scenario)


def test_the_key_goes_to_the_api_and_to_nobody_else() -> None:
    _, bench = reply_to("ok")
    keys = {seen.path.partition("?")[0]: seen.headers.get("x-key") for seen in bench.server.seen}
    assert keys == {"/v1/flux-2-pro": bench.key, "/delivery/task-1": None}


@pytest.mark.parametrize("address", [
    "http://api.bfl.ai/v1/get_result?id=1", "https://bfl.ai.example.com/x", "https://apibfl.ai/x", "https://bfl.ai:x/",
    "https://user:pass@api.bfl.ai/x", "https://api.bfl.ai/a b", "https://api.bfl.ai/\r\nx", "file:///etc/passwd", "//x",
    "https://[::1/x", "https://\u0430pi.bfl.ai/x"])
def test_an_address_elsewhere_is_not_asked(address: str) -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            reply = await bench.backend.collect(f"task-1 {address}", bench.job())
            assert (reply.kind, reply.code) == (Kind.BAD_ANSWER, "foreign_host")

    run(scenario)


def test_a_signed_address_is_asked_as_it_was_written() -> None:
    _, bench = reply_to("ok")
    assert bench.server.seen[-1].path.endswith("?sig=a%2Fb%3Asssss")


def test_questions_come_ever_more_slowly() -> None:
    _, bench = reply_to("late")
    assert bench.waits == pytest.approx([0.5, 0.6, 0.72, 0.864, 1.0368, 1.24416, 1.492992])
    _, bench = reply_to("job_unreachable")
    assert (len(bench.waits), max(bench.waits)) == (30, 2.0)


def test_a_job_says_what_was_asked() -> None:
    references = tuple(picture(16 * at, 16) for at in (1, 2, 3))
    _, bench = reply_to("ok", seed=5, steps=20, output_format="jpeg", operation="edit", references=references)
    fields = dict(bench.server.seen[0].fields)
    images = [fields.pop(name) for name in ("input_image", "input_image_2", "input_image_3")]
    assert images == [bytes(reference.as_base64()).decode() for reference in references]
    assert fields == {"prompt": bench.job().request.prompt, "width": 64, "height": 64, "seed": 5,
                      "output_format": "jpeg"}


def test_flex_alone_takes_steps() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            job = bench.job(steps=20, output_format="webp")
            reply = await bench.make(job=job)
            assert reply.ignored == ("steps", "output_format")
            object.__setattr__(job, "wire_model", "flux-2-flex")
            reply = await bench.make(job=job)
            assert reply.ignored == ("output_format",)
            asked = [seen.fields.get("steps") for seen in bench.server.seen if seen.method == "POST"]
            assert asked == [None, 20]

    run(scenario)


def test_more_references_than_there_are_fields_are_not_sent() -> None:
    reply, bench = reply_to("ok", operation="edit", references=tuple(picture(16, 16) for _ in range(9)))
    assert (reply.kind, reply.trouble, reply.code) == (Kind.NOT_STARTED, Trouble.OUR_REQUEST, "too_many_references")
    assert bench.server.seen == []


def test_the_balance_is_told() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            assert dict((await bench.backend.diagnose()).facts) == {"credits": "123.5"}

    run(scenario)


@pytest.mark.parametrize("credit", [-1, 1e9, float("inf"), True, "4.5", [1]])
def test_a_charge_that_makes_no_sense_is_none(credit: Any) -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            bench.server.credit = credit
            reply = await bench.make()
            assert (reply.kind, reply.cost_usd) in ((Kind.OK, None), (Kind.BAD_ANSWER, None))

    run(scenario)
