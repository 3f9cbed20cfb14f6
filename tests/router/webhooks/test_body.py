"""What an event says of a job, and that it says nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.job_protocol import JobRow
from router.webhooks.body import event_body

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DONE = JobRow("img-1", "acme", "done", "generate", "bulk", "day", 2, AT, AT + timedelta(hours=1), AT,
              parcel="hush-parcel", key="hush-key", webhook_url="https://hooks.example.com/hush", ended_at=AT,
              expires_at=AT + timedelta(days=1), usd_micro=105_360, answer="hush-answer")


def test_an_event_tells_the_state_the_cost_and_where_to_fetch() -> None:
    late = AT.astimezone(timezone(timedelta(hours=5)))
    assert json.loads(event_body(DONE, at=late)) == {
        "type": "image.job.done", "timestamp": "2026-11-25T09:00:00Z", "data": {
            "id": "img-1", "state": "done", "segment": "bulk", "n": 2, "usd": "0.105360", "code": None, "message": None,
            "created_at": "2026-11-25T09:00:00Z", "ended_at": "2026-11-25T09:00:00Z",
            "expires_at": "2026-11-26T09:00:00Z", "path": "/v1/images/jobs/img-1"}}


def test_neither_parcel_nor_key_nor_answer_nor_address_is_told() -> None:
    assert "hush" not in event_body(DONE, at=AT)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "é", "😀", '"', "\\"])
def test_the_longest_event_fits_its_column_and_is_utf_8(text: str) -> None:
    job = JobRow("i" * 100, "t" * 100, "refused", "generate", text * 60, "now", 10, AT, AT, AT, code=text * 100,
                 message=text * 500, started_at=AT, ended_at=AT, expires_at=AT, usd_micro=10**15)
    body = event_body(job, at=AT)
    assert len(body) <= 8_000
    assert json.loads(body.encode())["type"] == "image.job.refused"


@given(st.text(max_size=600), st.text(max_size=200))
def test_any_text_of_a_job_makes_one_line_of_json(message: str, code: str) -> None:
    body = event_body(JobRow("img-1", "acme", "failed", "generate", "", "now", 1, AT, AT, AT, message=message,
                             code=code), at=AT)
    assert len(body) <= 8_000
    assert "\n" not in body
    assert json.loads(body.encode())["data"]["state"] == "failed"
