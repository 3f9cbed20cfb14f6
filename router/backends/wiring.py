"""What a backend is handed: who it is, where it asks, and the parts of the house it may use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .holds import OpenGate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import aiohttp

    from ..settings import BackendSettings
    from .dialects import Dialect
    from .protocol import Gate

__all__ = ["Wiring"]


@dataclass(frozen=True)
class Wiring:
    """One backend's parts; nothing else is read, neither files nor the environment.

    Attributes:
        settings: its name, vendor, address and key; the key prints as stars.
        gate: see `Gate`.
        dialect: how a `compatible` server differs; None for every other.
        session: makes its HTTP session, once, inside the running loop; None for the usual one.
        sleep: waits between questions about running work.
        spool: the folder in which requests of a batch wait, in files without a name; None for the system's own.
    """

    settings: BackendSettings
    gate: Gate = field(default_factory=OpenGate)
    dialect: Dialect | None = None
    session: Callable[[], aiohttp.ClientSession] | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    spool: Path | None = None
