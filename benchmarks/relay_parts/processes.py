"""Processes on one core each, what they use, and when they are ready; read from /proc, so Linux alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Pinned", "wait_until_ready"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SAMPLE_S = 0.05
_PATIENCE_S = 180.0
_GRACE_S = 15.0


class Pinned:
    """A command with all its children on one core; ended, and only it, at the end of the `with` block."""

    def __init__(self, command: Sequence[str], *, core: int, folder: Path, environ: Mapping[str, str],
                 log: str) -> None:
        self._command, self._core, self._folder, self._environ, self._log = command, core, folder, environ, log
        self._watching = threading.Event()
        self.peak_rss_mb = 0.0

    def __enter__(self) -> Self:
        self.started = time.perf_counter()
        with (self._folder / self._log).open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self._command, cwd=self._folder, env=dict(self._environ), stdout=log, stderr=log,
                start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {self._core}))  # noqa: PLW1509
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watching.set()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE_S)
                return

    def cpu_s(self) -> float:
        """Processor seconds of the tree so far, ended children included."""
        return sum(sum(map(int, fields[11:15])) for fields in self._stats()) / _TICKS_PER_S

    def rss_mb(self) -> float:
        """Resident megabytes (10^6) of the tree."""
        return sum(int(fields[21]) for fields in self._stats()) * _PAGE / 1e6

    def forget_peak(self) -> None:
        """Begin a new peak."""
        self.peak_rss_mb = 0.0

    def _watch(self) -> None:
        while not self._watching.wait(_SAMPLE_S):
            self.peak_rss_mb = max(self.peak_rss_mb, self.rss_mb())

    def _stats(self) -> list[list[str]]:
        found: list[list[str]] = []
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                found.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split())
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (thread / "children").read_text().split())
        return found


def wait_until_ready(url: str, process: Pinned) -> float:
    """Seconds from its start until a process answers with a status below 500.

    Raises:
        RuntimeError: it ended, or never answered.
    """
    while time.perf_counter() - process.started < _PATIENCE_S:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (loopback)
                return time.perf_counter() - process.started
        except urllib.error.HTTPError as error:
            if error.code < 500:  # noqa: PLR2004
                return time.perf_counter() - process.started
        except OSError:
            pass
        if process.process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"{url}: not ready, status {process.process.poll()}")
