"""Fixtures for services that embed the router: `pytest_plugins = ["router.testing"]`.

The router is real, its books are real and lie in the test's own folder; every backend is the simulator, without delay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .blocking import BlockingRouter
from .building import policy_of, shipped_settings
from .live import Router
from .server_settings import StoreSettings
from .settings import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .settings import Settings

__all__ = ["image_router", "image_router_events", "sandbox_settings", "unopened_image_router"]


def sandbox_settings(folder: Path) -> Settings:
    """The shipped sandbox without delay; its books and pictures lie in a folder."""
    shipped = shipped_settings({})
    backends = tuple(replace(backend, time_scale=0.0) for backend in shipped.backends)
    return replace(shipped, backends=backends, ledger=Secret(f"sqlite:///{folder / 'books.sqlite'}"),
                   store=StoreSettings(folder=folder / "images"))


@pytest.fixture
def unopened_image_router(tmp_path: Path) -> Router:
    """A router for an async test to open: `async with unopened_image_router as router`."""
    return Router(sandbox_settings(tmp_path), policy_of(None, {}), environ={})


@pytest.fixture
def image_router(unopened_image_router: Router) -> Iterator[BlockingRouter]:
    """An open router for a test without an event loop; prompts such as `sandbox:refuse` rehearse trouble."""
    with BlockingRouter(unopened_image_router) as router:
        yield router


@pytest.fixture
def image_router_events(unopened_image_router: Router) -> list[str]:
    """Names of what happens, in order."""
    names: list[str] = []
    unopened_image_router.hooks.append(lambda event: names.append(event.name))
    return names
