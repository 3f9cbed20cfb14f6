"""Statuses, codes and headers in our words."""

from __future__ import annotations

import pytest

from router.attempts import Kind
from router.backends.protocol import Reply, Trouble
from router.backends.replies import after_submission, error_code, from_status, headroom, retry_after_s, word
from tests.router.backends.bench import VENDORS

OPENAI = VENDORS["openai"]


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
    ({"retry-after-ms": "soon", "retry-after": "2.5"}, 2.5), ({"retry-after": "nan"}, None),
    ({"retry-after": "1e999"}, None), ({"retry-after": "-3"}, None), ({"retry-after": "soon"}, None),
    ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30.0),
    ({"retry-after": "Tue, 24 Nov 2026 09:00:00 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 0.0),
    ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT"}, None)])
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(("headers", "images"), [
    ({}, None), ({"x-ratelimit-remaining-images": "3"}, 3), ({"x-ratelimit-remaining-requests": "9"}, 9),
    ({"x-ratelimit-remaining-images": "30", "x-ratelimit-remaining-requests": "9"}, 9),
    ({"x-ratelimit-remaining-images": "-1"}, None), ({"x-ratelimit-remaining-images": "9" * 5000}, None)])
def test_what_is_left_of_a_limit(headers: dict[str, str], images: int | None) -> None:
    assert headroom(headers) == images


@pytest.mark.parametrize(("value", "expected"), [
    ("rate_limit_exceeded", "rate_limit_exceeded"), ("Content Moderated", "Content_Moderated"), (404, "404"),
    ("a sentence that, perhaps, holds a prompt", ""), ("x" * 65, ""), (None, ""), ({"a": 1}, ""), ("line\nbreak", "")])
def test_only_a_short_word_is_a_code(value: object, expected: str) -> None:
    assert word(value) == expected


@pytest.mark.parametrize(("document", "expected"), [
    ({"error": {"code": "c", "type": "t"}}, "c"), ({"error": {"code": None, "type": "t"}}, "t"),
    ({"detail": [{"type": "value_error"}]}, "value_error"), ({"detail": "a sentence"}, ""), ({"detail": []}, ""),
    ({"error_type": "e"}, "e"), ({"error": "a sentence", "error_type": "e"}, "e"), ([], ""), (None, "")])
def test_where_codes_stand(document: object, expected: str) -> None:
    assert error_code(document) == expected


@pytest.mark.parametrize(("status", "kind", "trouble", "billed"), [
    (302, Kind.BAD_ANSWER, Trouble.NONE, True), (400, Kind.FAILED, Trouble.OUR_REQUEST, False),
    (401, Kind.NOT_STARTED, Trouble.ACCOUNT, False), (402, Kind.NOT_STARTED, Trouble.MONEY, False),
    (403, Kind.NOT_STARTED, Trouble.ACCOUNT, False), (404, Kind.FAILED, Trouble.OUR_REQUEST, False),
    (408, Kind.FAILED, Trouble.OUTAGE, True), (409, Kind.NOT_STARTED, Trouble.BUSY, False),
    (422, Kind.FAILED, Trouble.OUR_REQUEST, False), (429, Kind.NOT_STARTED, Trouble.BUSY, False),
    (500, Kind.FAILED, Trouble.OUTAGE, True), (529, Kind.FAILED, Trouble.OUTAGE, True)])
def test_every_status_has_a_meaning(status: int, kind: Kind, trouble: Trouble, billed: bool) -> None:
    reply = from_status(status, code="", headers={}, vendor=OPENAI)
    assert (reply.kind, reply.trouble, reply.possibly_billed, reply.code) == (kind, trouble, billed, f"http_{status}")
    assert not from_status(status, code="", headers={}, vendor=VENDORS["worker"]).possibly_billed


def test_what_was_taken_was_started() -> None:
    asked = Reply(Kind.NOT_STARTED, trouble=Trouble.ACCOUNT, code="http_403")
    reply = after_submission(asked, "job-1", vendor=OPENAI)
    assert (reply.kind, reply.trouble, reply.possibly_billed, reply.provider_job) == (
        Kind.FAILED, Trouble.ACCOUNT, True, "job-1")
