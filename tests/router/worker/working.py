"""A real `router worker` process, and what it said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx

ROUTER = Path(sys.executable).with_name("router")


@dataclass
class Worker:
    """One process; `said` is all it wrote."""

    folder: Path
    arguments: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    url: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> Worker:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BREAKEVEN_")}
        with (self.folder / "worker.log").open("w") as out:
            self.process = subprocess.Popen(
                [ROUTER, "worker", "--device", "cpu", "--offline", "--port", "0", *self.arguments], stdout=out,
                stderr=subprocess.STDOUT, text=True,
                env=clean | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"} | self.environ)
        deadline = time.monotonic() + 240
        while not (found := re.search(r"worker on (\S+)/v1", self.said)):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(self.said)
            time.sleep(0.05)
        self.url = found[1]
        return self

    @property
    def said(self) -> str:
        return (self.folder / "worker.log").read_text()

    def generate(self, *, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        asked = {"prompt": "a pear", "size": "64x48", "num_inference_steps": 2} | fields
        return httpx.post(f"{self.url}/v1/images/generations", json=asked, headers=headers, timeout=120)

    def metric(self, name: str, labels: str = "") -> float:
        page = httpx.get(f"{self.url}/metrics").text
        wanted = f"breakeven_worker_{name}{labels} "
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(wanted))

    def until(self, name: str, value: float, labels: str = "") -> None:
        """Wait for a metric."""
        deadline = time.monotonic() + 60
        while self.metric(name, labels) != value:
            assert time.monotonic() < deadline, (name, self.metric(name, labels))
            time.sleep(0.05)

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(60)
