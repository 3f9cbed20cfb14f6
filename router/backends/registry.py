"""From a backend's settings to the backend: one line per protocol, whose file is loaded when a backend speaks it."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from ..catalog import data_roots
from ..errors import TableError
from .dialects import load_dialects
from .holds import OpenGate
from .wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..settings import BackendSettings, Settings
    from .dialects import Dialect
    from .protocol import Backend, Gate

__all__ = ["PROTOCOLS", "open_backend", "open_backends"]

PROTOCOLS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "openai": (".openai", "OpenAIBackend"),
    "bfl": (".bfl", "BflBackend"),
    "fal": (".fal", "FalBackend"),
    "compatible": (".compatible", "CompatibleBackend"),
    "replicate": (".replicate", "ReplicateBackend"),
    "cloudflare": (".cloudflare", "CloudflareBackend"),
    "sandbox": (".sandbox", "SandboxBackend"),
})
"""The word in the column `protocol` of `backends/vendors.csv`, the file that speaks it, and the class in it."""


def open_backends(settings: Settings, *, data: Path | None, environ: Mapping[str, str],
                  gate: Gate | None = None) -> dict[str, Backend]:
    """Every backend of the settings by its name; connections are made when they are first needed.

    Args:
        settings: the simulated ones among its backends get the sandbox, whatever their vendor speaks.
        data: the folder of tables laid over the shipped ones.
        environ: where the folder may be named too; nothing else is read from it.
        gate: shared by all; without one, bytes in flight are unlimited and `held_bytes` need not be left for.

    Raises:
        TableError: a server has no row in `backends/dialects.csv`, or the table cannot be read.
    """
    roots = data_roots(data, environ)
    return {backend.name: open_backend(Wiring(backend, gate or OpenGate(), dialect=_dialect(backend, roots)))
            for backend in settings.backends}


def open_backend(wiring: Wiring) -> Backend:
    """One backend, its parts in hand."""
    protocol = _protocol(wiring.settings)
    file, name = PROTOCOLS[protocol]
    made = getattr(importlib.import_module(file, __package__), name)
    return cast("Backend", made(wiring.settings if protocol == "sandbox" else wiring))


def _protocol(settings: BackendSettings) -> str:
    return "sandbox" if settings.simulated else settings.vendor.protocol


def _dialect(settings: BackendSettings, roots: tuple[Path, ...]) -> Dialect | None:
    if _protocol(settings) != "compatible":
        return None
    found = load_dialects(roots).get(settings.vendor.id)
    if found is None:
        raise TableError(roots[-1] / "backends" / "dialects.csv", 0, key="id", value=settings.vendor.id,
                         problem="no such row", remedy="add one that says how this server differs")
    return found
