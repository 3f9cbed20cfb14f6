"""Mixed jobs over every vendor while the router's process is killed again and again; what came of it, as numbers."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from router.ledger.audit import check
from router.ledger.open import open_books
from tests.router.backends.cloudflare_server import ACCOUNT
from tests.router.backends.loopback import Loopback
from tests.router.server.serving import Answer, Server, tenant

if TYPE_CHECKING:
    from pathlib import Path

SECRET, KEY = "whsec_" + base64.b64encode(b"soak" * 8).decode(), "soak-key"
BASES = {"bfl": "", "fal": "", "azure": "/openai/v1", "cloudflare": f"{ACCOUNT}/run"}
MODELS = {"openai": "gpt-image-2", "bfl": "flux-2-pro", "fal": "flux-2-pro", "replicate": "flux-2-pro",
          "azure": "gpt-image-2", "azure-flux": "flux-2-pro", "cloudflare": "flux-2-dev", "together": "flux-2-dev",
          "deepinfra": "flux-2-dev", "worker": "flux-2-klein-4b"}
LONG_S = 150.0
"""A batch gathers for half a minute, and one that was never sent is looked for as long: a process that lives for three
seconds never sends one."""
FINAL = ("done", "failed", "refused", "cancelled")


@dataclass
class Soaked:
    """What is left when every job has ended.

    Attributes:
        kills: how often the router's process was killed.
        states: jobs by how they ended.
        wrong: everything that must not be, in words.
    """

    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    usd: float = 0.0
    vendors: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def soak(folder: Path, *, jobs: int = 200, kill_every_s: float = 3.0, most_s: float = 900.0,
         batched_share: float = 0.1, seed: int = 5) -> Soaked:
    """Run it in a folder; the router's own processes end with it."""
    vendors = subprocess.Popen([sys.executable, "-m", "tests.soak.vendors"], stdout=subprocess.PIPE, text=True)
    try:
        assert vendors.stdout is not None
        urls = json.loads(vendors.stdout.readline())
        _write_settings(folder, urls)
        _set_keys()
        server = Server(folder).start()
        try:
            run = _Run(server, urls, random.Random(seed), batched_share)
            return run.through(jobs, kill_every_s=kill_every_s, most_s=most_s)
        finally:
            server.stop()
    finally:
        vendors.terminate()
        vendors.communicate(timeout=10)


def _set_keys() -> None:
    os.environ.update({"SOAK_KEY": Loopback.key, "SOAK_WEBHOOK_SECRET": SECRET})


def _write_settings(folder: Path, urls: dict[str, str]) -> None:
    tables = []
    for vendor, url in urls.items():
        if vendor == "report":
            continue
        gpus = ('models = ["flux-2-klein-4b"]\ngpus = { gpu = "l40s", cards = 2, engine = "diffusers", '
                'precision = "bf16", steps = 4, watts = 350 }') if vendor == "worker" else ""
        limit = "images_per_minute = 600\nconcurrent = 16" if vendor != "worker" else ""
        base = url + BASES.get(vendor, "/v1")
        tables.append("\n".join(("[[backend]]", f'name = "{vendor}"', f'vendor = "{vendor}"', f'base_url = "{base}"',
                                 'key_env = "SOAK_KEY"', limit, gpus)))
    (folder / "policy.toml").write_text(
        'name = "soak"\nlicences_held = ["flux-2-dev"]\n[segment.default]\nqualities = { gpt-image = ["low"] }\n')
    (folder / "router.toml").write_text("\n".join((
        'policy = "policy.toml"', '[ledger]\nurl = "sqlite:///books.sqlite"', '[store]\nfolder = "pictures"',
        '[jobs]\nwebhook_hosts = ["127.0.0.1"]', *tables,
        tenant("soak", KEY, 'webhook_secret_env = ["SOAK_WEBHOOK_SECRET"]'))))


class _Run:
    def __init__(self, server: Server, urls: dict[str, str], chance: random.Random, batched_share: float) -> None:
        self.server, self.urls, self.chance, self.batched_share = server, urls, chance, batched_share
        self.soaked, self.accepted = Soaked(), list[str]()

    def through(self, jobs: int, *, kill_every_s: float, most_s: float) -> Soaked:
        began, kill_at = time.monotonic(), time.monotonic() + kill_every_s
        while time.monotonic() < began + most_s:
            if len(self.accepted) < jobs:
                self._submit(len(self.accepted))
            elif self._unfinished() == 0:
                break
            else:
                time.sleep(0.2)
            if time.monotonic() >= kill_at:
                self.server.restart(signal.SIGKILL)
                self.soaked.kills += 1
                every_s = kill_every_s if self._unfinished("now") else LONG_S
                kill_at = time.monotonic() + self.chance.uniform(0.5, 1.5) * every_s
        self.soaked.seconds = time.monotonic() - began
        self._await_hooks()
        self._judge()
        return self.soaked

    def _submit(self, number: int) -> None:
        vendor = self.chance.choice([*MODELS, "auto"])
        body = {"prompt": f"picture {number}", "size": "1024x1024", "n": self.chance.choice((1, 1, 1, 2)),
                "model": "auto" if vendor == "auto" else f"{vendor}/{MODELS[vendor]}",
                "routing": {"webhook_url": f"{self.urls['report']}/hook", "deadline_s": 300}}
        if self.chance.random() < self.batched_share:
            body["model"] = "openai/gpt-image-2"
            body["routing"] |= {"urgency": "can_wait", "deadline_s": 90_000}
        try:
            answer = self._ask("/v1/images/generations", body, prefer="respond-async",
                               idempotency_key=f"soak-{number}")
        except OSError:
            return  # the server is being killed; the same key is sent again
        if answer.status == 202:
            self.accepted.append(answer.json["id"])
        elif answer.status < 500 and answer.status != 409:
            raise AssertionError(answer.body)

    def _ask(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.server.ask(path, body, key=KEY, **headers)

    def _unfinished(self, urgency: str = "%") -> int:
        return int(self.server.rows("SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'running') "
                                    "AND urgency LIKE ?", urgency)[0]["n"])

    def _report(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.urls['report']}/report") as answer:  # noqa: S310 (loopback)
            told: dict[str, Any] = json.load(answer)
        return told

    def _await_hooks(self) -> None:
        deadline = time.monotonic() + 60.0
        while time.monotonic() < deadline and self.server.rows("SELECT 1 FROM job_messages WHERE state = 'waiting'"):
            time.sleep(0.2)

    def _judge(self) -> None:
        report, known = self._report(), self.soaked
        known.vendors, known.hooks = report["vendors"], report["hooks"]
        for job in self.accepted:
            self._judge_job(job, report["events"].get(job, []))
        paid = self.server.rows("SELECT provider_job, count(*) AS n FROM attempts WHERE provider_job <> '' "
                                "AND settled_micro_usd > 0 GROUP BY backend, provider_job HAVING count(*) > 1")
        self._expect(not paid, f"provider jobs paid more than once: {paid}")
        self._expect(len(set(self.accepted)) == len(self.accepted), "two answers for one key")
        for vendor, facts in known.vendors.items():
            self._expect(not facts["fetched_too_late"], f"{vendor}: results asked for after they had expired")
        left = self.server.rows("SELECT id FROM attempts WHERE state IN ('reserved', 'sent')")
        self._expect(not left, f"attempts without an end: {left}")
        self._expect(self._prompts_go(), "prompts of jobs that have ended are kept")
        books = open_books(f"sqlite:///{self.server.folder / 'books.sqlite'}")
        self._expect(check(books) == (), "the books do not add up")
        books.dispose()
        for row in self.server.rows("SELECT state, count(*) AS n, sum(settled_micro_usd) AS usd FROM attempts "
                                    "GROUP BY state"):
            known.attempts[row["state"]] = row["n"]
            known.usd += row["usd"] / 1e6

    def _prompts_go(self) -> bool:
        """A process that is killed right after a job's end leaves its parcel to the next one that starts."""
        folder = self.server.folder / "pictures" / "jobs"
        if not list(folder.iterdir()):
            return True
        time.sleep(61.0)
        self.server.restart()
        deadline = time.monotonic() + 10.0
        while (left := list(folder.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.1)
        return not left

    def _judge_job(self, job: str, events: list[str]) -> None:
        answer = self._ask(f"/v1/images/jobs/{job}")
        state = answer.json.get("status", answer.status)
        self.soaked.states[str(state)] += 1
        self._expect(state in FINAL, f"{job} is {state}")
        ends = [kind for kind in events if kind != "image.job.running"]
        self._expect(ends == [f"image.job.{state}"], f"{job} is {state} and told {events}")
        self._expect(events[:1] == ["image.job.running"] or state == "cancelled", f"{job} told {events}")
        tried = self.server.rows("SELECT number, settled_micro_usd FROM attempts WHERE request_id = ?", job)
        paid = Counter((row["number"] - 1) // 10_000 for row in tried if row["settled_micro_usd"])
        self._expect(all(count <= 2 for count in paid.values()), f"{job} paid {paid}")
        usd = sum(row["settled_micro_usd"] for row in tried)
        self._expect(usd == round(float(answer.json["usd"]) * 1e6), f"{job} says {answer.json['usd']}, books {usd}")
        if state == "done":
            result = self._ask(f"/v1/images/jobs/{job}/result")
            self._expect(result.status == 200 and len(result.json["data"]) >= 1, f"{job}: result {result.status}")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.soaked.wrong.append(otherwise)
