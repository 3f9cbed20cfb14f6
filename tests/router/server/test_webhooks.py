"""Jobs that tell a webhook, end to end: a real server, and the receiver of the documentation as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .serving import GPU, Server, tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECEIVER = Path(__file__).parents[3] / "docs" / "examples" / "webhook_receiver.py"
SECRET = "whsec_" + "QUJD" * 12
ASYNC = {"prefer": "respond-async"}


@pytest.fixture
def receiver() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, RECEIVER, "0"], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"WEBHOOK_SECRET": SECRET})
    yield process
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def server(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return serve(GPU, '[jobs]\nwebhook_hosts = ["127.0.0.1"]', tenant("silent", "sk-silent"),
                 tenant("acme", "sk-acme", 'webhook_secret_env = ["HOOK_SECRET"]'))


def test_a_job_tells_its_webhook_and_a_bad_address_is_refused(server: Server,
                                                              receiver: subprocess.Popen[str]) -> None:
    assert receiver.stdout is not None
    url = receiver.stdout.readline().strip()
    made = server.generate("hush-prompt", key="sk-acme", headers=ASYNC, routing={"webhook_url": f"{url}?hush-key"})
    assert made.status == 202
    path = f"/v1/images/jobs/{made.json['id']}"
    told = [receiver.stdout.readline().split() for _ in range(2)]
    assert [line[:2] for line in told] == [["image.job.running", path], ["image.job.done", path]]
    assert told[1][2] == server.ask(path, key="sk-acme").json["usd"]
    for address, key, code in (("https://10.0.0.7/hush-key", "sk-acme", "invalid_webhook_url"),
                               ("https://hooks.example.com/hush-key", "sk-silent", "no_webhook_secret")):
        refused = server.generate("a bicycle", key=key, headers=ASYNC, routing={"webhook_url": address})
        assert (refused.status, refused.error["code"], refused.error["param"]) == (400, code, "routing.webhook_url")
        assert "hush" not in refused.body.decode()
    server.stop()
    assert "hush" not in server.said
    assert {row["state"] for row in server.rows("SELECT * FROM job_messages")} == {"delivered"}
