"""What holds for every backend against its own protocol, course by course."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble
from router.quantities import Size
from tests.router.backends.bench import ENTRIES, PROMPT, Bench, run
from tests.router.backends.files import base64_of, jpeg, picture, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.backends.protocol import Reply
    from tests.router.backends.bench import Entry



def of_entries(wanted: Callable[[Entry], bool]) -> pytest.MarkDecorator:
    """A test for the backends whose protocol has a place for what it tests."""
    return pytest.mark.parametrize("entry", [entry for entry in ENTRIES if wanted(entry)],
                                   ids=lambda entry: entry.vendor)


EVERY = of_entries(lambda _: True)


@dataclass(frozen=True)
class Expected:
    kind: Kind
    trouble: Trouble = Trouble.NONE
    code: str | None = None
    billed: str = "no"  # no, unless_own, unless_free (also where 5xx are free), refusal (as the vendor's row says)
    retry_after_s: float | None = None
    pictures: int = 0

    def billed_by(self, entry: Entry) -> bool:
        row = entry.row
        return {"no": False, "unless_own": not row.own, "unless_free": not (row.own or row.failures_free),
                "refusal": row.refusals_billed, "yes": True}[self.billed]


OK = Expected(Kind.OK, billed="unless_own", pictures=1)
LOST = Expected(Kind.FAILED, Trouble.OUTAGE, "connection_lost", "unless_own")
COURSES = {
    "ok": OK,
    "late": OK,
    "strange": OK,
    "chunked": OK,
    "compressed": OK,
    "refused": Expected(Kind.REFUSED, billed="refusal"),
    "money": Expected(Kind.NOT_STARTED, Trouble.MONEY),
    "account": Expected(Kind.NOT_STARTED, Trouble.ACCOUNT),
    "busy": Expected(Kind.NOT_STARTED, Trouble.BUSY, retry_after_s=6.0),
    "our_request": Expected(Kind.FAILED, Trouble.OUR_REQUEST),
    "broken": Expected(Kind.FAILED, Trouble.OUTAGE, billed="unless_free"),
    "unavailable": Expected(Kind.FAILED, Trouble.OUTAGE, billed="unless_free", retry_after_s=30.0),
    "html": Expected(Kind.BAD_ANSWER, code="not_json", billed="unless_own"),
    "not_json": Expected(Kind.BAD_ANSWER, code="not_json", billed="unless_own"),
    "redirect": Expected(Kind.BAD_ANSWER, code="http_307", billed="unless_own"),
    "empty": Expected(Kind.BAD_ANSWER, code="no_picture", billed="unless_own"),
    "cut_picture": Expected(Kind.BAD_ANSWER, code="not_a_picture", billed="unless_own"),
    "wrong_size": Expected(Kind.BAD_ANSWER, code="wrong_size", billed="unless_own", pictures=1),
    "hung_up": LOST,
    "half_closed": LOST,
}
OTHERWISE = {
    ("fal", "our_request"): Expected(Kind.FAILED, Trouble.OUR_REQUEST, billed="yes"),
    ("vllm-omni", "not_json"): Expected(Kind.BAD_ANSWER, code="not_a_picture"),
}


@EVERY
@pytest.mark.parametrize("course", COURSES)
def test_every_course_has_its_reply(entry: Entry, course: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    replies: list[Reply] = []

    async def scenario() -> None:
        async with Bench(entry) as bench:
            reply = await bench.make(course)
            replies.append(reply)
            assert reply.kind is not Kind.OK or (await bench.make()).kind is Kind.OK
            shown = repr(bench.backend) + repr(vars(bench.backend)) + repr(reply) + str(reply.code)
            assert bench.key not in shown + caplog.text
            assert PROMPT not in shown + caplog.text

    run(scenario)
    reply, expected = replies[0], OTHERWISE.get((entry.vendor, course), COURSES[course])
    assert (reply.kind, reply.trouble) == (expected.kind, expected.trouble), reply
    assert reply.possibly_billed is expected.billed_by(entry)
    assert len(reply.pictures) == expected.pictures
    assert expected.code in (None, reply.code)
    assert bool(reply.code) is (reply.kind is not Kind.OK)
    assert (reply.refusal is not None) is (reply.kind is Kind.REFUSED)
    assert reply.retry_after_s == expected.retry_after_s or (entry.vendor not in ("bfl", "fal") and course == "busy"
                                                             and reply.retry_after_s == 6.5)


@EVERY
def test_a_picture_is_delivered_as_it_was_drawn(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            reply = await bench.make(job=bench.job(size="96x48"))
            assert [made.size for made in reply.pictures] == [Size(96, 48)]
            assert reply.pictures[0].as_bytes() == png(96, 48)
            assert bytes(reply.pictures[0].as_base64()).decode() == base64_of(png(96, 48))
            assert reply.held_bytes >= len(reply.pictures[0].data)
            if "jpeg" in entry.row.formats.split():
                reply = await bench.make(job=bench.job(output_format="jpeg"))
                assert reply.pictures[0].as_bytes() in (jpeg(64, 64), png(64, 64))
                assert reply.pictures[0].format == "jpeg" or "output_format" in reply.ignored

    run(scenario)


@of_entries(lambda entry: entry.vendor not in ("bfl", "replicate", "azure-flux", "cloudflare"))
def test_several_images_in_one_call(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            reply = await bench.make(job=bench.job(3))
            assert (reply.kind, len(reply.pictures)) == (Kind.OK, 3)
            reply = await bench.make("too_few", job=bench.job(3))
            assert (reply.kind, reply.code, len(reply.pictures)) == (Kind.BAD_ANSWER, "too_few", 2)

    run(scenario)


@of_entries(lambda entry: entry.row.edits)
def test_an_edit_carries_its_references(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            references = (picture(64, 64), picture(32, 32))
            job = bench.job(operation="edit", references=references, mask=picture(64, 64))
            reply = await bench.make(job=job)
            assert reply.kind is Kind.OK
            asked = bench.server.seen[0]
            told = repr(asked.fields) + "".join(base64_of(part[3]) for part in asked.files)
            for reference in references:
                assert bytes(reference.as_base64()).decode() in told
            masks = [part for part in asked.files if part[0] in ("mask", "mask_image")]
            assert bool(masks) is entry.row.masks
            assert ("mask" in reply.ignored) is not entry.row.masks

    run(scenario)


@EVERY
def test_nothing_listens(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                nobody = bench.open(f"http://127.0.0.1:{closed.getsockname()[1]}")
                reply = await nobody.make(bench.job(), bench.watching)
                found = await nobody.diagnose()
            await nobody.close()
            assert (reply.kind, reply.trouble, reply.code) == (Kind.NOT_STARTED, Trouble.OUTAGE, "no_connection")
            assert not reply.possibly_billed
            assert (found.works, found.problem) == (False, "no_connection")
            assert bench.watching.jobs == []

    run(scenario)


@EVERY
def test_a_diagnosis_costs_nothing_and_tells_a_key_that_works(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            assert (await bench.backend.diagnose()).works
            assert [seen.method for seen in bench.server.seen if seen.method == "POST"] == []
            for course in ("account", "html", "hung_up", "enormous"):
                if entry.vendor == "fal":
                    continue
                found = await _diagnosed(bench, course)
                assert not found[0], course
                assert found[1]
                assert bench.key not in found[1]
        if entry.vendor != "openai" and not entry.row.own:
            async with Bench(entry, key="another key") as bench:
                found = await _diagnosed(bench, "ok")
                assert not found[0]
                assert found[1].startswith(("HTTP", "no"))

    run(scenario)


async def _diagnosed(bench: Bench, course: str) -> tuple[bool, str]:
    bench.server.then(course, course)  # a question on a connection that was kept open is asked again by aiohttp
    found = await bench.backend.diagnose()
    bench.server.script.clear()
    return found.works, found.problem


@EVERY
def test_a_name_of_work_that_is_none_is_not_collected(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            reply = await bench.backend.collect("", bench.job())
            assert (reply.kind, reply.code) == (Kind.FAILED, "not_collectable")
            assert reply.possibly_billed is not entry.row.own
            assert bench.backend.name == f"my-{entry.vendor}"

    run(scenario)


@EVERY
def test_an_answer_beyond_any_size_is_not_read_to_its_end(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            for course in ("endless", "enormous"):
                reply = await bench.make(course)
                assert (reply.kind, reply.code) == (Kind.BAD_ANSWER, "too_large")

    run(scenario)


@EVERY
def test_wishes_nobody_can_grant_are_said(entry: Entry) -> None:
    async def scenario() -> None:
        async with Bench(entry) as bench:
            job = bench.job(seed=7, steps=9)
            reply = await bench.make(job=job)
            told = bench.server.seen[0].fields
            assert ("seed" in reply.ignored) is not (told.get("seed") == 7)
            steps = [value for name, value in told.items() if "steps" in name]
            assert ("steps" in reply.ignored) is not (steps == [9])
            assert reply.kind is Kind.OK

    run(scenario)
