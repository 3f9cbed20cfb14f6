"""What docs/webhooks.md shows is what is sent, and its receivers take it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.catalog import data_roots
from router.ledger.job_protocol import JobRow
from router.settings import Secret, read_settings
from router.text_files import parse_toml
from router.vendors import load_vendors
from router.webhooks.body import event_body
from router.webhooks.signing import signed_headers
from router.webhooks.tries import RETRIES_AFTER_S

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "webhooks.md").read_text()
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ENDED_AT = AT + timedelta(minutes=21, seconds=4)
NAME = "img-5d1f2a7c90b34e68a1c2d3e4f5061728"
JOB = JobRow(NAME, "shop", "done", "generate", "bulk", "day", 2, AT, AT + timedelta(hours=1), AT, ended_at=ENDED_AT,
             expires_at=ENDED_AT + timedelta(days=1), usd_micro=105_360)


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def shown() -> tuple[dict[str, str], str, str]:
    """Headers, body and secret as the page shows them."""
    head, _, body = block("http").strip().partition("\n\n")
    secret = re.search(r"`(whsec_[^`]+)`", PAGE)
    assert secret is not None
    return dict(line.split(": ") for line in head.splitlines()[1:]), body, secret[1]


def test_the_example_is_true_to_the_byte() -> None:
    headers, body, secret = shown()
    assert body == event_body(JOB, at=ENDED_AT)
    signed = signed_headers(f"msg-{NAME}-2", body, at=ENDED_AT + timedelta(seconds=1), secrets=[Secret(secret)])
    assert signed.items() <= headers.items()


def test_the_schedule_is_the_one_of_the_page() -> None:
    row = re.search(r"\| after the one before \| (.*) \|\n", PAGE)
    assert row is not None
    seconds = {"s": 1, "min": 60, "h": 3600}
    told = [float(cell.split()[0]) * seconds[cell.split()[1]] for cell in row[1].split(" | ")[1:]]
    assert told == [float(wait) for wait in RETRIES_AFTER_S]


def test_the_settings_of_the_page_can_be_read() -> None:
    text = block("toml") + '[[backend]]\nname = "o"\nvendor = "openai"\n'
    _, _, secret = shown()
    known = read_settings(parse_toml(text), load_vendors(data_roots(None, {})), where="page", folder=ROOT,
                          environ={"SHOP_WEBHOOK_SECRET": secret})
    assert known.jobs.webhook_hosts == ("hooks.internal",)
    assert known.tenants[0].webhook_secrets == (Secret(secret),)


def test_the_receiver_for_node_takes_what_is_genuine_alone(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    _, body, secret = shown()
    now = datetime.now(tz=UTC)
    fresh = signed_headers("msg-1", body, at=now, secrets=[Secret("whsec_" + "Tm9w" * 8), Secret(secret)])
    stale = signed_headers("msg-1", body, at=now - timedelta(minutes=6), secrets=[Secret(secret)])
    cases = [(fresh, body), (stale, body), (fresh, body + " "), (fresh | {"webhook-id": "msg-2"}, body),
             (fresh | {"webhook-signature": "v1,"}, body), ({}, body)]
    script = tmp_path / "check.cjs"
    script.write_text(block("js") + f"""
for (const [headers, body] of {json.dumps(cases)}) console.log(isGenuine("{secret}", headers, Buffer.from(body)));
""")
    ended = subprocess.run([node, script], capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout.split() == ["true", *["false"] * 5], ended.stderr
