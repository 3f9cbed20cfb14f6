"""The gateways under test: how each is started, asked, and where it is found. What is not installed says so."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GATEWAYS", "Gateway", "Start", "cache"]

_HERE = Path(__file__).parent
_KEY = "a-key-of-the-benchmark"
_PROMPT = "a red bicycle against a white wall, morning light"
_ROUTER = """
[server]
port = {port}

[ledger]
url = "sqlite:///books.sqlite"

[budget]
usd_per_month = 100000000

[[tenant]]
name = "bench"
key_sha256 = ["{digest}"]
usd_per_month = 100000000

[[backend]]
name = "{vendor}"
vendor = "{vendor}"
base_url = "http://127.0.0.1:{upstream}/v1"
images_per_minute = 100000000
"""


@dataclass(frozen=True)
class Start:
    """How a gateway is started; `ready` is a path that answers once it is up."""

    command: tuple[str, ...]
    ready: str
    headers: dict[str, str]
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gateway:
    """One gateway.

    Attributes:
        start: from its folder, its port and the upstream's.
        missing: why it cannot be started here; empty where it can.
        version: as it says itself.
        model: what it is asked for.
    """

    says: str
    start: Callable[[Path, int, int], Start]
    missing: Callable[[], str]
    version: Callable[[], str]
    model: str = "gpt-image-2"

    def body(self, size: str) -> dict[str, Any]:
        """What a caller sends."""
        body = {"model": self.model, "prompt": _PROMPT, "size": size, "n": 1}
        return body | ({"quality": "medium"} if self.model.startswith("gpt") else {})


def cache() -> Path:
    """Where gateways of others are installed, outside of the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "breakeven-relay"


def _plain(_folder: Path, port: int, upstream: int) -> Start:
    return Start((sys.executable, str(_HERE / "plain.py"), str(port), str(upstream)), "/ready", {})


def _router(vendor: str) -> Callable[[Path, int, int], Start]:
    def start(folder: Path, port: int, upstream: int) -> Start:
        (folder / "router.toml").write_text(_ROUTER.format(
            port=port, upstream=upstream, vendor=vendor, digest=hashlib.sha256(_KEY.encode()).hexdigest()))
        command = (str(Path(sys.executable).with_name("router")), "serve", "--settings", str(folder / "router.toml"))
        return Start(command, "/readyz", {"Authorization": f"Bearer {_KEY}"},
                     {"OPENAI_API_KEY": "none", "TOGETHER_API_KEY": "none"})
    return start


def _litellm(folder: Path, port: int, upstream: int) -> Start:
    (folder / "litellm.yaml").write_text(json.dumps({
        "model_list": [{"model_name": "gpt-image-2", "litellm_params": {
            "model": "openai/gpt-image-2", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}}],
        "general_settings": {"master_key": f"sk-{_KEY}"},
        "litellm_settings": {"telemetry": False, "request_timeout": 600}}))
    command = (str(_litellm_at()), "--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port),
               "--num_workers", "1")
    return Start(command, "/health/liveliness", {"Authorization": f"Bearer sk-{_KEY}"},
                 {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION",
                  "DISABLE_ADMIN_UI": "True", "NO_PROXY": "*"})


def _portkey(_folder: Path, port: int, upstream: int) -> Start:
    return Start(("node", str(_portkey_at()), "--headless", f"--port={port}"), "/", {
        "x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
        "Authorization": "Bearer none"}, {"NODE_ENV": "production"})


def _litellm_at() -> Path:
    return cache() / "litellm" / "bin" / "litellm"


def _portkey_at() -> Path:
    return cache() / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def _no_litellm() -> str:
    return "" if _litellm_at().exists() else (
        f"not installed: python3 -m venv {cache()}/litellm && {cache()}/litellm/bin/pip install 'litellm[proxy]'")


def _no_portkey() -> str:
    if shutil.which("node") is None:
        return "not installed: it needs node"
    return "" if _portkey_at().exists() else (
        f"not installed: npm install --prefix {cache()}/portkey @portkey-ai/gateway")


def _installed(*packages: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return ", ".join(f"{package} {version(package)}" for package in packages)


def _litellm_version() -> str:
    code = "from importlib.metadata import version; print('litellm', version('litellm'))"
    return subprocess.run([str(_litellm_at().with_name("python")), "-c", code], check=True,  # noqa: S603
                          capture_output=True, text=True).stdout.strip()


def _portkey_version() -> str:
    package = json.loads((_portkey_at().parents[1] / "package.json").read_text())
    return f"@portkey-ai/gateway {package['version']}"


def _here() -> str:
    return ""


GATEWAYS = {
    "plain": Gateway("aiohttp relay without anything", _plain, _here, lambda: _installed("aiohttp")),
    "router-openai": Gateway("breakeven, OpenAI backend", _router("openai"), _here,
                             lambda: _installed("breakeven", "openai", "aiohttp", "sqlalchemy")),
    "router-together": Gateway("breakeven, compatible backend", _router("together"), _here,
                               lambda: _installed("breakeven", "aiohttp", "sqlalchemy"), "flux-2-pro"),
    "portkey": Gateway("Portkey", _portkey, _no_portkey, _portkey_version),
    "litellm": Gateway("LiteLLM proxy, one worker, no database", _litellm, _no_litellm, _litellm_version),
}
