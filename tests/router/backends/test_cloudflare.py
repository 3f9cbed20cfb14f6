"""What Cloudflare alone does: errors by number, two forms of an answer, references as parts of a form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.cloudflare import CloudflareBackend
from router.backends.protocol import Trouble
from router.catalog import data_roots
from router.prices import load_prices
from tests.router.backends.bench import ENTRIES, PROMPT, Bench, run
from tests.router.backends.files import picture, png

if TYPE_CHECKING:
    from router.backends.protocol import Reply

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "cloudflare")
KLEIN = "@cf/black-forest-labs/flux-2-klein-4b"


def reply_to(course: str, model: str = ENTRY.wire_model, **wishes: Any) -> tuple[Reply, Bench]:
    kept: list[Reply] = []
    bench = Bench(ENTRY)

    async def scenario() -> None:
        async with bench:
            kept.append(await bench.make(course, job=replace(bench.job(**wishes), wire_model=model)))

    run(scenario)
    return kept[0], bench


@pytest.mark.parametrize(("course", "kind", "trouble", "code", "billed"), [
    ("refused", Kind.REFUSED, Trouble.NONE, "3030", True),
    ("money", Kind.NOT_STARTED, Trouble.MONEY, "3036", False),
    ("spent", Kind.NOT_STARTED, Trouble.MONEY, "4006", False),
    ("paid_plan", Kind.NOT_STARTED, Trouble.ACCOUNT, "5035", False),
    ("blocked", Kind.NOT_STARTED, Trouble.ACCOUNT, "3023", False),
    ("account", Kind.NOT_STARTED, Trouble.ACCOUNT, "10000", False),
    ("busy", Kind.NOT_STARTED, Trouble.BUSY, "3040", False),
    ("our_request", Kind.FAILED, Trouble.OUR_REQUEST, "5004", False),
    ("no_number", Kind.FAILED, Trouble.OUR_REQUEST, "http_400", False),
    ("timed_out", Kind.FAILED, Trouble.OUTAGE, "3007", True),
    ("error_in_200", Kind.FAILED, Trouble.OUTAGE, "3040", True),
])
def test_errors_are_told_by_their_number(course: str, kind: Kind, trouble: Trouble, code: str, billed: bool) -> None:
    reply, _ = reply_to(course)
    assert (reply.kind, reply.trouble, reply.code, reply.possibly_billed) == (kind, trouble, code, billed)


@pytest.mark.parametrize("course", ["ok", "bare", "raw"])
def test_the_picture_is_found_with_and_without_the_envelope(course: str) -> None:
    reply, _ = reply_to(course)
    assert (reply.kind, reply.pictures[0].as_bytes()) == (Kind.OK, png(64, 64))


def test_steps_are_always_said_where_they_are_paid_for() -> None:
    _, bench = reply_to("ok", seed=5)
    assert bench.server.seen[0].fields == {"prompt": PROMPT, "width": 64, "height": 64, "seed": 5, "steps": 25}
    priced = load_prices(data_roots(None, {})).offers["cloudflare/flux-2-dev"].default_steps
    assert bench.server.seen[0].fields["steps"] == priced
    reply, bench = reply_to("ok", KLEIN, steps=9)
    assert bench.server.seen[0].fields == {"prompt": PROMPT, "width": 64, "height": 64}
    assert reply.ignored == ("steps",)


def test_references_are_numbered_parts_and_no_more_than_four() -> None:
    references = tuple(picture(16 * at, 16) for at in range(1, 5))
    _, bench = reply_to("ok", operation="edit", references=references)
    assert [part[:3] for part in bench.server.seen[0].files] == [
        (f"input_image_{at}", "image.png", "image/png") for at in range(4)]
    reply, bench = reply_to("ok", operation="edit", references=(*references, references[0]))
    assert (reply.kind, reply.code, bench.server.seen) == (Kind.NOT_STARTED, "too_many_references", [])


def test_the_account_stands_in_the_address() -> None:
    _, bench = reply_to("ok", KLEIN)
    assert bench.server.seen[0].path == f"/client/v4/accounts/0123456789abcdef/ai/run/{KLEIN}"
    assert isinstance(bench.backend, CloudflareBackend)
