"""The official Node client, unmodified, installed from its lock file into a cache that is not committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .serving import BFL, GPU, OPENAI, Server, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = Path(__file__).parents[2] / "clients" / "node"
CHECKS = ("generate", "url", "editSeveral", "editOne", "stream", "editStream", "models", "errors")


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest) -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("node_client")
    for file in SCRIPTS.iterdir():
        shutil.copy(file, folder)
    ended = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder,
                           capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.slow
def test_the_node_client(installed: Path, serve: Callable[..., Server]) -> None:
    server = serve(OPENAI, BFL, GPU, tenant("acme", "sk-acme"), tenant("slow", "sk-slow", "images_per_minute = 1"))
    ended = subprocess.run(["node", "client.mjs", f"{server.url}/v1", "sk-acme", "sk-slow"], cwd=installed,
                           capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout.split() == [word for check in CHECKS for word in ("ok", check)], ended.stderr
