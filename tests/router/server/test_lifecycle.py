"""The process: where it listens, how it starts, what it says, and that it ends without losing what was paid for."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from .serving import GPU, ROUTER, SLOW_GPU, Server, steady, tenant, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def serve_once(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROUTER, "serve", "--settings", "router.toml", *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=20, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.evil.example"])  # noqa: S104
def test_without_keys_it_listens_to_this_machine_alone(tmp_path: Path, host: str) -> None:
    write_settings(tmp_path, GPU)
    ended = serve_once(tmp_path, "--host", host)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert "server.host" in last
    assert "key_sha256" in last


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    write_settings(tmp_path, GPU)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = serve_once(tmp_path, "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    told = [line for line in ended.stderr.splitlines() if not line.startswith("policy ")]
    assert len(told) == 1
    assert told[0].startswith("router: router.toml: server.port = ")
    assert "--port" in told[0]


def test_settings_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    write_settings(tmp_path, GPU, "[[backend]]\nname = 'GPU!'\nvendor = 'nobody'")
    ended = serve_once(tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "vendor" in ended.stderr
    assert "name" in ended.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_and_answers_what_runs(serve: Callable[..., Server], how: int,
                                                 tmp_path_factory: pytest.TempPathFactory) -> None:
    server = serve(SLOW_GPU, more=("--data", str(steady(tmp_path_factory.mktemp("data")))))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(server.generate)
        assert server.until("SELECT id FROM attempts WHERE state IN ('reserved', 'sent')")
        assert server.stop(how) == 0
        assert running.result().status == 200
    assert [row["state"] for row in server.attempts()] == ["billed"]
    assert "Traceback" not in server.said
    assert server.said.splitlines()[-1].startswith("stopping:")


def test_whoever_tells_twice_does_not_wait(serve: Callable[..., Server]) -> None:
    server = serve(GPU)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(server.generate, "sandbox:hang")
        assert server.until("SELECT id FROM attempts WHERE state IN ('reserved', 'sent')")
        server.process.send_signal(signal.SIGINT)
        while "stopping" not in server.said:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGINT)
        server.process.wait(10)
        with pytest.raises((ConnectionError, OSError)):
            running.result()
    assert "Traceback" not in server.said


def test_with_keys_it_may_listen_anywhere_and_says_where(serve: Callable[..., Server]) -> None:
    server = serve(GPU, tenant("acme", "sk-acme"), server='public_url = "https://images.example.com/"')
    answer = server.generate(key="sk-acme", response_format="url")
    assert answer.json["data"][0]["url"].startswith("https://images.example.com/v1/images/files/")
    assert "OPENAI_BASE_URL=http://127.0.0.1:" in server.said
    assert server.ask("/v1/models", key="sk-acme", host="images.example.com").status == 200
