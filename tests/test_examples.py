"""The examples in the documentation run as they stand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in EXAMPLES.glob("*.*"):
        if path.suffix in (".py", ".toml"):
            shutil.copy(path, tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BREAKEVEN_", "OPENAI_"))}
    return subprocess.run([sys.executable, *command], cwd=folder, env=clean, capture_output=True, text=True,
                          timeout=120, check=False)


def test_the_embedding_example(folder: Path) -> None:
    answer = run(folder, "embed.py")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "gpu/flux-2-klein-4b: 1024x1024, 0.000023 USD, simulated: True", "openai/gpt-image-2@medium: True",
        "refused: moderation_blocked", "gpu/flux-2-klein-4b: accepted"]


def test_the_client_example_against_the_server(folder: Path) -> None:
    command = [sys.executable, "-c", "from router.cli import main; main()", "serve", "--settings", "router.toml",
               "--port", "0"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        answer = run(folder, "client.py", url)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.startswith("made by gpu/flux-2-klein-4b for 0.000023 USD")
    finally:
        server.terminate()
        server.communicate(timeout=30)
