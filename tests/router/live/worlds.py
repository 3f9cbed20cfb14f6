"""Small worlds for the live router's tests: settings, policies and requests, all read from the shipped tables."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from router.building import catalogue_of
from router.catalog import data_roots
from router.decide import Compiled, compile_policy
from router.pictures import Picture, read_picture
from router.policy import Policy, read_policy
from router.settings import Settings, read_settings
from router.vendors import load_vendors

ON = date(2026, 11, 24)
KEYS = {"OPENAI_API_KEY": "sk-test", "BFL_API_KEY": "bfl-test", "FAL_KEY": "fal-test", "TOGETHER_API_KEY": "t-test"}
OWN_GPUS = {"gpu": "l40s", "engine": "diffusers", "compile": True, "steps": 4, "watts": 350}
OWN = {"name": "gpu", "vendor": "worker", "base_url": "http://127.0.0.1:9/v1", "models": ["flux-2-klein-4b"],
       "gpus": OWN_GPUS}
HOSTED = tuple({"name": name, "vendor": name} for name in ("openai", "bfl", "fal", "together"))


def settings_with(*backends: dict[str, Any], folder: Path = Path("/nonexistent"), **more: Any) -> Settings:
    document = {"backend": list(backends or (*HOSTED, OWN)), **more}
    return read_settings(document, load_vendors(data_roots(None, {})), environ=KEYS, where="test", folder=folder)


def policy_with(**document: Any) -> Policy:
    base = {"segment": {"default": {"qualities": {"gpt-image": ["medium", "low"]}}}}
    return read_policy(base | document, "test")


def compiled_with(settings: Settings | None = None, policy: Policy | None = None) -> Compiled:
    known = settings or settings_with()
    return compile_policy(policy or policy_with(), _catalogue(known), on=ON)


def _catalogue(settings: Settings) -> Any:
    return catalogue_of(settings, {}, on=ON)


@cache
def picture(width: int = 64, height: int = 64) -> Picture:
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return read_picture(data, is_base64=False)
