"""Azure: OpenAI's protocol with the key in another header, and errors that mean other things than they say."""

from __future__ import annotations

from typing import Any

import pytest

from router.attempts import Kind
from router.backends.protocol import Trouble
from tests.router.backends.bench import ENTRIES, Bench, run
from tests.router.backends.files import picture

ENTRY = next(entry for entry in ENTRIES if entry.vendor == "azure")


@pytest.mark.parametrize(("course", "kind", "trouble", "code"), [
    ("blocked", Kind.NOT_STARTED, Trouble.ACCOUNT, "Forbidden"),
    ("filtered", Kind.REFUSED, Trouble.NONE, "contentFilter"),
    ("filtered_too", Kind.REFUSED, Trouble.NONE, "content_filter"),
    ("refused", Kind.REFUSED, Trouble.NONE, "moderation_blocked"),
    ("busy", Kind.NOT_STARTED, Trouble.BUSY, "RateLimitReached"),
    ("no_deployment", Kind.FAILED, Trouble.OUR_REQUEST, "DeploymentNotFound"),
])
def test_a_blocked_account_is_no_refusal_of_a_prompt(course: str, kind: Kind, trouble: Trouble, code: str) -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            reply = await bench.make(course)
            assert (reply.kind, reply.trouble, reply.code) == (kind, trouble, code)

    run(scenario)


@pytest.mark.parametrize("wishes", [{}, {"operation": "edit", "references": (picture(16, 16),)}])
def test_the_key_goes_in_its_header_and_nowhere_else(wishes: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with Bench(ENTRY) as bench:
            assert (await bench.make(job=bench.job(**wishes))).kind is Kind.OK
            asked = bench.server.seen[0]
            assert asked.headers["api-key"] == bench.key
            assert "Authorization" not in asked.headers
            assert asked.path.startswith("/openai/v1/images/")
            assert "api-version" not in asked.path

    run(scenario)
