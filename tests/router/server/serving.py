"""A real `router serve` process over the sandbox, its books, and what it said."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import http.client
import json
import os
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROUTER = Path(sys.executable).with_name("router")
DATA = Path(__file__).parents[3] / "data"
SMALL = "256x256"
KLEIN = "flux-2-klein-4b"
OWN_GPUS = ('{ gpu = "l40s", cards = 1, engine = "diffusers", precision = "bf16", compile = true, steps = 4, '
            "watts = 350, usd_per_kwh = 0.15 }")


def backend(name: str, *more: str, vendor: str = "") -> str:
    return "\n".join((f'[[backend]]\nname = "{name}"\nvendor = "{vendor or name}"\nsimulated = true', *more))


OPENAI, BFL = backend("openai"), backend("bfl")
GPU = backend("gpu", 'base_url = "http://127.0.0.1:9/v1"', f'models = ["{KLEIN}"]', f"gpus = {OWN_GPUS}",
              vendor="worker")
SLOW_GPU = GPU.replace("watts", "seconds_per_image = 0.01, watts") + "\ntime_scale = 0.1"
"""Takes a second for certain (see `steady`), and is expected to take half of one: a deadline between is missed."""
LATE = {"deadline_s": 0.7}


def tenant(name: str, key: str, *more: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return "\n".join((f'[[tenant]]\nname = "{name}"\nkey_sha256 = ["{digest}"]', *more))


def png(width: int = 256, height: int = 256, shade: int = 128) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


@dataclass
class Server:
    """One process; its folder holds settings, books, pictures and what it said."""

    folder: Path
    more: tuple[str, ...] = ()
    url: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> Server:
        out = (self.folder / f"out{os.getpid()}-{id(self)}").open("a")
        # In UTC and unbuffered; nothing of this process's own settings reaches it.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("BREAKEVEN_", "OPENAI_"))}
        with out:
            self.process = subprocess.Popen(
                [ROUTER, "serve", "--settings", "router.toml", "--port", "0", *self.more], cwd=self.folder,
                stdout=out, stderr=subprocess.STDOUT, text=True, env=environ | {"PYTHONUNBUFFERED": "1"})
        self.url = self._url()
        return self

    def _url(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.findall(r"serving (\S+)/v1 ", self.said):
                return str(found[-1])
            time.sleep(0.02)
        raise AssertionError(self.said)

    @property
    def said(self) -> str:
        return (self.folder / f"out{os.getpid()}-{id(self)}").read_text()

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def restart(self, how: int = signal.SIGTERM) -> None:
        self.stop(how)
        (self.folder / f"out{os.getpid()}-{id(self)}").write_text("")
        self.start()

    def ask(self, path: str, body: Any = None, *, method: str = "", key: str = "", **headers: str) -> Answer:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            told.setdefault("content-type", "application/json")
        if key:
            told["Authorization"] = f"Bearer {key}"
        with contextlib.closing(http.client.HTTPConnection(self.host, timeout=30)) as line:
            line.request(method or ("POST" if data is not None else "GET"), path, data, told)
            answer = line.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def generate(self, prompt: str = "a red bicycle", *, key: str = "", headers: dict[str, str] | None = None,
                 **fields: Any) -> Answer:
        body = {"prompt": prompt, "model": KLEIN, "size": SMALL} | fields
        return self.ask("/v1/images/generations", {name: value for name, value in body.items() if value is not None},
                        key=key, **(headers or {}))

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.folder / "books.sqlite", timeout=10)) as books:
            books.row_factory = sqlite3.Row
            return [dict(row) for row in books.execute(sql, values)]

    def write(self, sql: str) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / "books.sqlite", timeout=10)) as books, books:
            books.execute(sql)

    def requests(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM requests ORDER BY received_at")

    def attempts(self, request: str = "%") -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM attempts WHERE request_id LIKE ? ORDER BY reserved_at", request)

    def until(self, sql: str, *values: object, within_s: float = 10.0) -> list[dict[str, Any]]:
        """The rows of a query as soon as there are any."""
        deadline = time.monotonic() + within_s
        while not (found := self.rows(sql, *values)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


def write_settings(folder: Path, *tables: str, server: str = "", policy: str = "", budget: str = "") -> None:
    """A router.toml in a folder."""
    (folder / "router.toml").write_text("\n".join((
        f'policy = "{policy}"' if policy else "", "[server]", server, '[ledger]\nurl = "sqlite:///books.sqlite"',
        f'[store]\nfolder = "pictures"\n{budget}', *tables)))


def steady(folder: Path) -> Path:
    """A folder of tables in which the own GPU's simulator always takes ten seconds, before it is scaled."""
    rows = list(csv.reader((DATA / "backends" / "vendors.csv").read_text().splitlines()))
    names, worker = rows[0], next(row for row in rows if row[0] == "worker")
    worker[names.index("p50_s")] = worker[names.index("p95_s")] = "10"
    (folder / "backends").mkdir(parents=True)
    with (folder / "backends" / "vendors.csv").open("w") as file:
        csv.writer(file).writerows((names, worker))
    return folder


def form(*parts: tuple[str, bytes, str, str]) -> tuple[bytes, str]:
    """A multipart body of (name, data, file name, type) and its content type."""
    pieces = []
    for name, data, file, kind in parts:
        told = f'; filename="{file}"' if file else ""
        typed = f"Content-Type: {kind}\r\n" if kind else ""
        pieces.append(f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{told}\r\n{typed}\r\n'.encode()
                      + data + b"\r\n")
    return b"".join(pieces) + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary"


def metric(page: str, name: str) -> float:
    """The sum of a metric over its labels."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
               if line.startswith((f"{name} ", f"{name}{{")))
